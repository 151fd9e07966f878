#ifndef RELAY_PREFLIGHT_H
#define RELAY_PREFLIGHT_H

#include "base/findings.h"
#include "config.h"

/*
 * Connects to both ends of a relay and adds everything that would go wrong, or weaken the promise, to
 * findings. Changes nothing.
 */
void relay_preflight(
	const struct config *config, const struct config_relay *relay, struct findings *findings);

#endif
