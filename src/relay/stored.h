#ifndef RELAY_STORED_H
#define RELAY_STORED_H

#include "base/map.h"
#include "event.h"
#include "nats/link.h"

/*
 * What the streams hold that may be ours: the ids of the messages after a position. After a crash, an
 * outage or a take-over, a row whose id is here was stored before and is not sent again. One thread.
 */
struct stored_message {
	size_t stream;
	uint64_t seq;
};

struct stored {
	struct map ids; /* hash of an id -> index of messages */
	struct stored_message *messages;
	size_t count, room;
	bool (*keep)(void *context, struct error *err); /* called all the while; NULL: nothing */
	void *context;
};

void stored_finish(struct stored *stored);

/*
 * Adds the ids of a stream from sequence `from` on (or, where from is 0, from a time on; ms since 1970), to
 * where the stream's leader says it ends.
 */
bool stored_read(struct stored *stored, struct link *link, size_t stream, const char *name,
	uint64_t from, int64_t from_ms, struct error *err);

/* Where the message with that id is, or NULL. */
const struct stored_message *stored_find(const struct stored *stored, struct slice id);
void stored_forget(struct stored *stored, struct slice id);

/*
 * Whether the stream's message is this event: the same subject and payload. A message that is gone counts
 * as the same, since nothing speaks against it.
 */
bool stored_is_same(struct link *link, const char *name, uint64_t seq, const struct event *event,
	bool *same, struct error *err);

#endif
