/* The ids that streams hold, read by a consumer without payloads. */
#include "relay/stored.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "nats/pull.h"
#include "nats/stream.h"

#define BATCH	    2000
#define BATCH_BYTES ((int64_t)4 * 1024 * 1024)
#define SILENCE_MS  5000
#define KEEP_MS	    100

void stored_finish(struct stored *stored)
{
	map_finish(&stored->ids);
	free(stored->messages);
	*stored = (struct stored){ 0 };
}

static void remember(struct stored *stored, size_t stream, const struct pull_message *message)
{
	if (!message->id.data)
		return;
	if (stored->count == stored->room) {
		stored->room = stored->room ? stored->room * 2 : 256;
		stored->messages =
			memory_grow(stored->messages, stored->room * sizeof(*stored->messages));
	}
	stored->messages[stored->count] = (struct stored_message){ stream, message->seq };
	map_put(&stored->ids, hash_slice(message->id), stored->count++);
}

/* The next message, with looks after other things meanwhile. */
static bool next(
	struct stored *stored, struct pull *pull, struct pull_message *message, struct error *err)
{
	for (int64_t end = clock_now_ms() + SILENCE_MS; clock_now_ms() < end;) {
		struct error why = { 0 };
		if (stored->keep && !stored->keep(stored->context, err))
			return false;
		if (pull_next(pull, KEEP_MS, message, &why))
			return true;
		if (why.kind == ERROR_NONE)
			continue;
		*err = why;
		if (err->kind == ERROR_CONFLICT) /* begin again */
			err->kind = ERROR_UNAVAILABLE;
		return false;
	}
	return error_set(err, ERROR_UNAVAILABLE, "the stream does not say what it holds after %d s",
		SILENCE_MS / 1000);
}

/* Reads up to the sequence `last`, which the leader has: a replica that lags behind is waited for. */
static bool read_until(
	struct stored *stored, struct pull *pull, size_t stream, uint64_t last, struct error *err)
{
	struct pull_message message;
	uint64_t at = 0, pending = 1;

	while (at < last && pending > 0) {
		if (!next(stored, pull, &message, err))
			return false;
		remember(stored, stream, &message);
		at = message.seq;
		pending = message.pending;
		pull_release(&message);
	}
	return true;
}

bool stored_read(struct stored *stored, struct link *link, size_t stream, const char *name,
	uint64_t from, int64_t from_ms, struct error *err)
{
	char time[32];
	uint64_t last;

	if (!stream_newest(link, name, &last, err))
		return error_prefix(err, "stream %s", name);
	if (last == 0 || last < from)
		return true;
	clock_format(from_ms, time);
	struct pull_options options = { .stream = name,
		.start_seq = from,
		.start_time = from == 0 ? time : NULL,
		.headers_only = true,
		.batch = BATCH,
		.batch_bytes = BATCH_BYTES };
	struct pull *pull = pull_create(link, &options, err);
	bool ok = pull && read_until(stored, pull, stream, last, err);
	pull_destroy(pull);
	return ok || error_prefix(err, "stream %s", name);
}

const struct stored_message *stored_find(const struct stored *stored, struct slice id)
{
	uint64_t index;

	if (stored->ids.count == 0 || !map_get(&stored->ids, hash_slice(id), &index))
		return NULL;
	return &stored->messages[index];
}

void stored_forget(struct stored *stored, struct slice id)
{
	map_remove(&stored->ids, hash_slice(id));
}

bool stored_is_same(struct link *link, const char *name, uint64_t seq, const struct event *event,
	bool *same, struct error *err)
{
	struct stream_message message;

	if (!stream_get_message(link, name, seq, &message, err))
		return false;
	*same = !message.found ||
		(slice_is(event->subject, message.subject) &&
			slice_equal(event->payload,
				(struct slice){ message.payload, message.payload_size }));
	stream_message_finish(&message);
	return true;
}
