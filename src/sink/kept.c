/*
 * Compares what is stored with what the stream holds. Usually one question to each side; only after a loss
 * the place where they part is searched for, by halving.
 */
#include "sink/kept.h"

#include <string.h>

#define EVIDENCE \
	16 /* stored events to try, where the stream removed the newest of them by itself */

enum likeness { LIKE_SAME, LIKE_OTHER, LIKE_UNKNOWN };

struct comparison {
	struct table *table;
	struct link *link;
	const struct stream_info *stream;
	int64_t epoch;
	bool *proven; /* something was the same */
};

static bool is_same(const struct table_mark *mark, const struct stream_message *message)
{
	return strcmp(mark->subject, message->subject) == 0 && strcmp(mark->id, message->id) == 0 &&
		strcmp(mark->time, message->time) == 0;
}

static bool ask_stream(const struct comparison *c, const struct table_mark *mark,
	enum likeness *likeness, struct error *err)
{
	struct stream_message message;

	if (!stream_get_message(c->link, c->stream->name, (uint64_t)mark->seq, &message, err))
		return false;
	if (message.found)
		*likeness = is_same(mark, &message) ? LIKE_SAME : LIKE_OTHER;
	*c->proven = *c->proven || *likeness == LIKE_SAME;
	stream_message_finish(&message);
	return true;
}

/* The newest stored event up to a sequence, and what the stream says of it. *seq 0: there is none. */
static bool compare(const struct comparison *c, int64_t up_to, int64_t *seq,
	enum likeness *likeness, struct error *err)
{
	struct table_mark mark;

	*likeness = LIKE_UNKNOWN;
	bool ok = table_newest(c->table, c->epoch, up_to, &mark, err);
	*seq = ok ? mark.seq : 0;
	if (ok && mark.seq > 0) {
		if ((uint64_t)mark.seq > c->stream->last_seq)
			*likeness = LIKE_OTHER;
		else if ((uint64_t)mark.seq >= c->stream->first_seq)
			ok = ask_stream(c, &mark, likeness, err);
	}
	if (ok)
		table_mark_finish(&mark);
	return ok;
}

/* Whether an event near the position is another one now. */
static bool find_evidence(
	const struct comparison *c, int64_t position, bool *lost, struct error *err)
{
	int64_t seq, at = position, step = 1;
	enum likeness likeness;

	for (int i = 0; i < EVIDENCE && at > 0 && (uint64_t)at >= c->stream->first_seq; i++) {
		if (!compare(c, at, &seq, &likeness, err))
			return false;
		if (likeness != LIKE_UNKNOWN || seq == 0) {
			*lost = likeness == LIKE_OTHER;
			return true;
		}
		at = seq - step;
		step *= 2;
	}
	return true;
}

/* What is stored up to `from` is not above *kept; what is stored above `to` is another event now. */
static bool find_end(const struct comparison *c, int64_t to, int64_t *kept, struct error *err)
{
	int64_t from = 0, seq;
	enum likeness likeness;

	*kept = 0;
	while (from < to) {
		int64_t middle = from + (to - from + 1) / 2;
		if (!compare(c, middle, &seq, &likeness, err))
			return false;
		bool nothing = seq <= *kept || (uint64_t)seq < c->stream->first_seq;
		if (likeness == LIKE_SAME)
			*kept = seq;
		if (nothing || likeness == LIKE_SAME)
			from = middle;
		else
			to = seq - 1;
	}
	return true;
}

bool kept_find(struct table *table, struct link *link, const struct stream_info *stream,
	const struct table_position *position, int64_t *kept, bool *proven, struct error *err)
{
	const struct comparison c = { table, link, stream, position->epoch, proven };
	bool lost = stream->last_seq < (uint64_t)position->seq;

	*proven = false;
	*kept = position->seq;
	if (!lost && !find_evidence(&c, position->seq, &lost, err))
		return false;
	return !lost || find_end(&c, position->seq, kept, err);
}
