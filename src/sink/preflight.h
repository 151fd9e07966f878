#ifndef SINK_PREFLIGHT_H
#define SINK_PREFLIGHT_H

#include "base/findings.h"
#include "config.h"

/*
 * Connects to both ends of a sink and adds everything that would go wrong, or weaken the promise, to
 * findings. Changes nothing.
 */
void sink_preflight(
	const struct config *config, const struct config_sink *sink, struct findings *findings);

#endif
