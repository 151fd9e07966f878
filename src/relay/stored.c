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

static void remember(struct stored *stored, size_t stream, uint64_t seq, struct slice id)
{
	if (id.size == 0)
		return;
	if (stored->count == stored->room) {
		stored->room = stored->room ? stored->room * 2 : 256;
		stored->messages =
			memory_grow(stored->messages, stored->room * sizeof(*stored->messages));
	}
	stored->messages[stored->count] = (struct stored_message){ stream, seq };
	map_put(&stored->ids, hash_slice(id), stored->count++);
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
		remember(stored, stream, message.seq, message.id);
		at = message.seq;
		pending = message.pending;
		pull_release(&message);
	}
	return true;
}

static bool read_by_consumer(struct stored *stored, struct link *link, size_t stream,
	const char *name, uint64_t from, int64_t from_ms, uint64_t last, struct error *err)
{
	char time[32];

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
	return ok;
}

/* A workqueue lets nobody read but its own consumers. What they took is gone, so the rest is short as a rule. */
static bool read_one_by_one(struct stored *stored, struct link *link, size_t stream,
	const char *name, uint64_t from, uint64_t last, struct error *err)
{
	struct stream_message message = { .found = true };

	for (uint64_t at = from ? from : 1; message.found && at <= last; at = message.seq + 1) {
		stream_message_finish(&message);
		if (stored->keep && !stored->keep(stored->context, err))
			return false;
		if (!stream_get_next(link, name, at, &message, err))
			return false;
		if (message.found)
			remember(stored, stream, message.seq, slice_of(message.id));
	}
	stream_message_finish(&message);
	return true;
}

bool stored_read(struct stored *stored, struct link *link, size_t stream, const char *name,
	uint64_t from, int64_t from_ms, struct error *err)
{
	struct stream_info info = { 0 };
	uint64_t last = 0;

	bool ok = stream_newest(link, name, &last, err) &&
		(last == 0 || last < from || stream_get_info(link, name, &info, NULL, err));
	if (ok && last > 0 && last >= from)
		ok = info.retention == STREAM_WORKQUEUE
			? read_one_by_one(stored, link, stream, name, from, last, err)
			: read_by_consumer(stored, link, stream, name, from, from_ms, last, err);
	stream_info_finish(&info);
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
