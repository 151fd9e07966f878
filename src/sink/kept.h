#ifndef SINK_KEPT_H
#define SINK_KEPT_H

#include "nats/stream.h"
#include "sink/table.h"

/*
 * Whether a stream still holds what was stored of it. A server that was cut off from power may have lost
 * the end of a stream; it then gives the same sequences to other events, and the stream is the same by its
 * name and creation. So stored events are compared with the stream's under their sequences.
 *
 * *kept is the position where nothing speaks against it, otherwise the highest sequence that is surely what
 * it was: everything behind it is new. Where that cannot be told for an event, it counts as new. *proven: something that is
 * stored was found in the stream, so it is the same one, whatever it says of its creation. For streams of
 * limits retention.
 */
bool kept_find(struct table *table, struct link *link, const struct stream_info *stream,
	const struct table_position *position, int64_t *kept, bool *proven, struct error *err);

#endif
