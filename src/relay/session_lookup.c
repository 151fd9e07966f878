/*
 * What is uncertain when a session begins: rows that an earlier one may have sent and did not settle. Their
 * ids are looked for in the stream, from the relay's position to its end.
 */
#include "relay/session.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define LOOK_UP_BY_TIME \
	100000 /* so many messages after the position: the oldest row's age tells more */

/*
 * A server that was cut off from power may have lost the end of a stream, and given the same sequences to
 * other messages since: the newest one that was marked delivered tells.
 */
static bool lost_its_end(struct session *s, const struct position *old, const struct position *end,
	bool *lost, struct error *err)
{
	struct stream_message message;

	*lost = end->seq < old->seq || end->seq < old->marked_seq;
	if (*lost || old->marked_seq == 0)
		return true;
	if (!stream_get_message(s->link, old->stream, old->marked_seq, &message, err))
		return false;
	*lost = message.found && strcmp(message.id, old->marked_id) != 0;
	stream_message_finish(&message);
	return true;
}

/*
 * Servers (2.9.10, 2.10.27; not 2.15.1) name another creation once a stream was changed after a restart; so does one that
 * was restored from a backup. It is the one that it was where it holds what was marked last.
 */
static bool is_the_same(struct session *s, const struct position *old, const struct position *end,
	bool *same, struct error *err)
{
	struct stream_message message;

	*same = strcmp(old->created, end->created) == 0;
	if (*same || old->marked_seq == 0)
		return true;
	if (!stream_get_message(s->link, old->stream, old->marked_seq, &message, err))
		return false;
	*same = message.found && strcmp(message.id, old->marked_id) == 0;
	stream_message_finish(&message);
	return true;
}

static void say_lost(struct session *s, const struct position *old, const struct position *end)
{
	uint64_t known = old->marked_seq > old->seq ? old->marked_seq : old->seq;

	if (end->seq < known)
		session_alarm(s,
			"stream %s lost its end: it ends at sequence %" PRIu64
			", and acknowledged up to %" PRIu64
			"; rows that were marked delivered with a higher one are no longer in it",
			old->stream, end->seq, known);
	else
		session_alarm(s,
			"stream %s lost its end and has grown again: at sequence %" PRIu64
			" it holds another message than the one that was marked delivered; rows that "
			"were marked before that one may be gone, too",
			old->stream, known);
}

/*
 * From where on the stream may hold own messages that are not settled (0: by time), and what is surely
 * settled in it.
 */
static bool uncertain_from(struct session *s, struct known_stream *known,
	const struct position *old, const struct position *end, uint64_t *from, struct error *err)
{
	bool lost, same;

	*from = 0;
	if (!old || (old->seq == 0 && old->marked_seq == 0))
		return true;
	if (!is_the_same(s, old, end, &same, err))
		return false;
	if (!same) {
		session_alarm(s,
			"stream %s was made anew: what it held before, up to sequence %" PRIu64
			", is gone",
			old->stream, old->seq);
		*from = 1;
		return true;
	}
	if (!lost_its_end(s, old, end, &lost, err))
		return false;
	if (lost) { /* and it may have taken rows again since then */
		say_lost(s, old, end);
		return true;
	}
	known->position = *old;
	memcpy(known->position.created, end->created, sizeof(end->created));
	known->marked_before = old->marked_seq;
	if (old->seq > 0 && end->seq - old->seq <= LOOK_UP_BY_TIME)
		*from = old->seq + 1;
	return true;
}

/* Looks up one stream. Until every pending row was read once its position stays where it was. */
static bool look_up(struct session *s, size_t stream, const struct position *old, struct error *err)
{
	struct known_stream *known = &s->streams.items[stream];
	const struct position end = known->position;
	uint64_t from;

	known->position.seq = 0;
	if (!uncertain_from(s, known, old, &end, &from, err))
		return false;
	if (s->oldest_ms == INT64_MAX) /* no row is pending, so none is uncertain */
		return true;
	return stored_read(
		&s->stored, s->link, stream, end.stream, from, s->oldest_ms - SESSION_DAY_MS, err);
}

/* A stream that is gone for good cannot hold what is uncertain. */
static bool look_up_other(struct session *s, const struct position *position, struct error *err)
{
	size_t stream;
	bool missing;
	struct error why = { 0 };

	if (streams_add(&s->streams, position->stream, &stream, &missing, &why))
		return look_up(s, stream, position, err);
	if (!missing) {
		*err = why;
		return false;
	}
	session_alarm(s, "stream %s, into which rows went before, is gone", position->stream);
	return true;
}

static bool look_up_all(
	struct session *s, const struct position *positions, size_t count, struct error *err)
{
	const struct position *ours = NULL;
	size_t stream;
	bool missing;

	if (!s->config->stream) {
		for (size_t i = 0; i < count; i++)
			if (!look_up_other(s, &positions[i], err))
				return false;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(positions[i].stream, s->config->stream) == 0)
			ours = &positions[i];
	return streams_add(&s->streams, s->config->stream, &stream, &missing, err) &&
		look_up(s, stream, ours, err);
}

/* Messages behind all that was ever marked here, which no pending row was found for. */
static uint64_t count_unknown(const struct session *s, size_t stream)
{
	uint64_t count = 0, index;

	for (size_t at = 0; map_next(&s->stored.ids, &at, &index);) {
		const struct stored_message *message = &s->stored.messages[index];
		count += message->stream == stream &&
			message->seq > s->streams.items[stream].marked_before;
	}
	return count;
}

void session_name_unknown(struct session *s)
{
	for (size_t i = 0; i < s->streams.count; i++) {
		const struct known_stream *known = &s->streams.items[i];
		uint64_t count = known->marked_before ? count_unknown(s, i) : 0;
		if (count > 0)
			log_info(s->config->name,
				"stream %s holds %" PRIu64 " message%s after sequence %" PRIu64
				", the last one that is marked here, of which no row is known: of "
				"another publisher, or the database went back and has forgotten them",
				known->position.stream, count, count == 1 ? "" : "s",
				known->marked_before);
	}
}

/* A long look-up must not cost the lease: whoever takes it over would look up as long, and lose it too. */
static bool keep_lease(void *context, struct error *err)
{
	struct outbox *outbox = ((struct session *)context)->outbox;
	struct lease *lease = outbox_lease(outbox);

	return clock_now_ms() < lease_renew_at_ms(lease) ||
		lease_renew(outbox_db(outbox), lease, err);
}

bool session_look_up(struct session *s, struct error *err)
{
	struct position *positions;
	struct arena arena;
	size_t count;

	arena_init(&arena);
	s->stored.keep = keep_lease;
	s->stored.context = s;
	bool ok = outbox_oldest(s->outbox, &s->oldest_ms, err) &&
		outbox_positions(s->outbox, &arena, &positions, &count, err) &&
		look_up_all(s, positions, count, err);
	s->stored.keep = NULL; /* from now on the feed's thread does it */
	arena_finish(&arena);
	return ok;
}
