#ifndef SINK_ROW_H
#define SINK_ROW_H

#include "base/arena.h"
#include "event.h"
#include "sink/plan.h"
#include "sink/table.h"

/*
 * What an event does to a table, by the plan: its action, cells and version, or a fault. The event has no
 * fault yet. Pure.
 */
void row_map(const struct plan *plan, struct arena *arena, struct table_event *event);

#endif
