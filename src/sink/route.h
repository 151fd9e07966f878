#ifndef SINK_ROUTE_H
#define SINK_ROUTE_H

#include "base/arena.h"
#include "config.h"
#include "sink/plan.h"
#include "sink/table.h"

#define ROUTE_NONE SIZE_MAX

/* Which of a sink's tables an event with this subject goes into, counted from 0: the first that takes it. Pure. */
size_t route_find(const struct config_sink *sink, struct slice subject);

/* The tables of a sink, open: a plan each. */
struct routes {
	const struct config_sink *sink;
	struct plan **plans;
	size_t count;
};

/*
 * The event's table, and what it does to that: action, cells and version, or a fault. One that no table takes
 * is skipped or at fault, as the sink says. The event has no fault yet. Pure.
 */
void route_map(const struct routes *routes, struct arena *arena, struct table_event *event);

#endif
