#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "base/metrics.h"
#include "base/stop.h"
#include "config.h"

struct outbox;

/*
 * Runs one relay on the calling thread (it starts one more, for the outbox) until stop, then settles what
 * was acknowledged. True after a stop; false where the set-up is at fault: err says why, and the relay
 * must not be started again before a person acted. Servers that are away are waited for.
 */
bool relay_run(const struct config *config, const struct config_relay *relay,
	struct metrics *metrics, struct stop *stop, struct error *err);

/*
 * The same from an outbox that somebody made (NULL: err says why), which belongs to it and is destroyed; a
 * guest's ends when it is done, too. metrics may be NULL: nobody watches.
 */
bool relay_run_outbox(const struct config *config, const struct config_relay *relay,
	struct outbox *outbox, struct metrics *metrics, struct stop *stop, struct error *err);

#endif
