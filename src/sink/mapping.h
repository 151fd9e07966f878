#ifndef SINK_MAPPING_H
#define SINK_MAPPING_H

#include "base/arena.h"
#include "nats/pull.h"
#include "sink/table.h"

/*
 * Makes of a message what a table stores. A message with a part that no table could hold as it is (not
 * UTF-8, a NUL, unreadable headers) gets a fault, and its texts U+FFFD in place of what is wrong; its
 * payload is never changed. Slices point into the message, or into the arena.
 */
void mapping_event(
	const struct pull_message *message, struct arena *arena, struct table_event *event);

#endif
