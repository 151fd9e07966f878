#ifndef SINK_MAPPING_H
#define SINK_MAPPING_H

#include "base/arena.h"
#include "nats/pull.h"
#include "sink/route.h"

/*
 * Makes of a message what a table stores. A message with a part that no table could hold as it is (not
 * UTF-8, a NUL, unreadable headers) gets a fault, and its texts U+FFFD in place of what is wrong; its
 * payload is never changed. Slices point into the message, or into the arena.
 *
 * With routes (NULL: into an archive) it also tells what the event does to which table and fills its cells, one
 * a column of the plan; an event that has not got what it needs, or whose payload is no JSON where that is
 * needed, gets a fault that names the column. Pure.
 */
void mapping_event(const struct pull_message *message, const struct routes *routes,
	struct arena *arena, struct table_event *event);

#endif
