#ifndef HISTORY_AUDITOR_H
#define HISTORY_AUDITOR_H

#include "config.h"

/*
 * Audits a relay's outbox every so often (audit: in its config) on a thread of its own, and says what it found
 * in the log. Where several processes run the relay, one of them heals at a time. Servers that are away, and a
 * stream where nothing can be healed, are said once and tried again.
 */
struct auditor;

/* NULL where the config does not ask for it, or no thread can be had, which is said in the log. */
struct auditor *auditor_start(const struct config *config, const struct config_relay *relay);
void auditor_stop(struct auditor *auditor); /* accepts NULL; waits */

#endif
