/*
 * Total order (ORDERING_STREAM): what to do when an answer is not as foretold. Nothing more is sent until
 * every message on its way is answered or given up waiting for; then the stream is asked where it ends, and
 * what it holds beyond the last acknowledgement is compared with the rows that are not settled. Those that
 * it holds are delivered, the others take their places again, and the chain goes on from there. A message
 * that was given up and still arrives either fits, and is found at the next break, or is turned away.
 */
#include "relay/session.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

/* Back to where it stood; or out of memory, to be read again when the row before it is through. */
static void give_back(struct session *s, struct row *row)
{
	if (order_return(&s->order, row))
		return;
	session_forget(s, row);
}

static void turn_away(struct session *s, struct row *row)
{
	row->next = NULL;
	if (s->turned_away)
		s->turned_away_last->next = row;
	else
		s->turned_away = row;
	s->turned_away_last = row;
}

/* What was sent behind a break is not judged: it comes again, in its place. */
static bool comes_again(
	const struct session *s, const struct flight *flight, enum judgement judgement)
{
	if (judgement == JUDGE_BREAK)
		return true;
	return chain_is_behind(s->chain, flight->token) &&
		(judgement == JUDGE_DEAD || judgement == JUDGE_RETRY || judgement == JUDGE_ASK);
}

static bool check_stored(
	struct session *s, const struct flight *flight, const struct puback *ack, struct error *err)
{
	if (s->first_away && flight->token > s->first_away)
		s->overtaken = true;
	return chain_stored(s->chain, flight->expected, ack->seq) ||
		error_set(err, ERROR_USAGE,
			"stream %s stored a message at %" PRIu64 " that had to come after %" PRIu64
			": the server does not check %s; use ordering: key",
			ack->stream, ack->seq, flight->expected, HEADER_EXPECTED_LAST);
}

bool session_chain_answer(struct session *s, struct flight *flight, const struct puback *ack,
	bool *dealt, struct error *err)
{
	enum judgement judgement = puback_judge(ack);

	*dealt = false;
	if (!s->chain->on)
		return true;
	if (judgement == JUDGE_DELIVERED)
		return check_stored(s, flight, ack, err);
	*dealt = comes_again(s, flight, judgement);
	chain_break(s->chain, flight->token, clock_now_ms());
	if (!*dealt)
		return true;
	if (s->first_away == 0 || flight->token < s->first_away)
		s->first_away = flight->token;
	turn_away(s, flights_land(&s->flights, flight));
	return true;
}

/* Where the stream ends now; trouble where it is not the one that the session began with. */
static bool find_end(struct session *s, uint64_t *end, struct error *err)
{
	const struct known_stream *known = &s->streams.items[0];
	const char *name = known->position.stream;
	struct stream_info info;

	if (!stream_get_info(s->link, name, &info, NULL, err)) {
		err->kind = ERROR_UNAVAILABLE;
		return false;
	}
	*end = info.last_seq;
	bool same = strcmp(info.created, known->position.created) == 0;
	stream_info_finish(&info);
	if (!same)
		return error_set(err, ERROR_UNAVAILABLE, "stream %s was made anew", name);
	return *end >= known->acked ||
		error_set(err, ERROR_UNAVAILABLE,
			"stream %s ends at sequence %" PRIu64 ", but acknowledged %" PRIu64, name,
			*end, known->acked);
}

/* What was turned away, then what was not answered. */
static struct row *take_unstored(struct session *s)
{
	while (s->flights.oldest)
		turn_away(s, flights_land(&s->flights, s->flights.oldest));
	struct row *rows = s->turned_away;
	s->turned_away = NULL;
	s->first_away = 0;
	return rows;
}

struct found {
	uint64_t count; /* rows of which the stream holds what was not known to be stored */
	uint64_t end; /* everything up to here was read */
};

/* Delivers the rows that the stream holds, gives the others back. */
static bool sort_out(struct session *s, struct row *rows, struct found *found, struct error *err)
{
	struct row *next;
	bool dealt;

	for (struct row *row = rows; row; row = next) {
		next = row->next;
		const struct stored_message *at = stored_find(&s->stored, row->event.id);
		found->count += at && at->seq > s->chain->seen;
		if (at && at->seq > found->end)
			found->end = at->seq;
		if (!session_settle_stored(s, row, true, &dealt, err))
			return false;
		if (dealt)
			order_done(&s->order, row);
		else
			give_back(s, row);
	}
	return true;
}

/*
 * A message of somebody else takes just the sequence after which the second of our messages had to come; so
 * the first alone is turned away. Nothing can be done about it but to say so.
 */
static void say_overtaken(struct session *s)
{
	if (s->overtaken)
		session_alarm(s,
			"the order of stream %s is broken: row %" PRId64
			" was overtaken by rows behind it, since another publisher put a message between",
			s->streams.items[0].position.stream, s->turned_away->id);
	s->overtaken = false;
}

/* Messages that are no row's. */
static bool meet_strangers(struct session *s, uint64_t count, uint64_t end, struct error *err)
{
	const char *name = s->streams.items[0].position.stream;

	if (count == 0)
		return true;
	if (!chain_bears_stranger(s->chain, clock_now_ms()))
		return error_set(err, ERROR_USAGE,
			"stream %s takes messages of another publisher again and again (the last up to "
			"sequence %" PRIu64
			"); ordering: stream needs a stream that this relay alone "
			"publishes into: give it one, or use ordering: key",
			name, end);
	session_alarm(s,
		"stream %s got %" PRIu64 " message%s of another publisher, up to sequence %" PRIu64
		"; ordering: stream needs it alone",
		name, count, count == 1 ? "" : "s", end);
	return true;
}

/* What is not answered is stored above the lowest sequence that was known when it was sent, if at all. */
static bool read_unknown(struct session *s, uint64_t end, struct error *err)
{
	const struct known_stream *known = &s->streams.items[0];
	uint64_t from = flights_floor(&s->flights, 0, known->acked);

	if (from < s->chain->seen)
		from = s->chain->seen;
	return end <= from ||
		stored_read(&s->stored, s->link, 0, known->position.stream, from + 1, 0, err);
}

bool session_mend(struct session *s, struct error *err)
{
	int64_t now = clock_now_ms();
	struct found found = { 0 };

	if (!chain_is_due(s->chain, s->flights.count, now) || now >= s->work_until_ms ||
		s->giving_up > 0)
		return true;
	if (!find_end(s, &found.end, err) || !read_unknown(s, found.end, err))
		return false;
	say_overtaken(s);
	struct row *waiting = order_take_waiting(&s->order); /* behind the others */
	if (!sort_out(s, take_unstored(s), &found, err) || !sort_out(s, waiting, &found, err))
		return false;
	uint64_t strangers = found.end - s->chain->seen - s->chain->stored - found.count;
	chain_mend(s->chain, found.end);
	log_debug(
		s->config->name, "the chain broke; it goes on after sequence %" PRIu64, found.end);
	return meet_strangers(s, strangers, found.end, err);
}
