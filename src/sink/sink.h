#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "base/metrics.h"
#include "base/stop.h"
#include "config.h"

/*
 * Runs one sink on the calling thread until stop, then stores what it holds. True after a stop; false
 * where the set-up is at fault: err says why. Servers that are away are waited for.
 */
bool sink_run(const struct config *config, const struct config_sink *sink, struct metrics *metrics,
	struct stop *stop, struct error *err);

#endif
