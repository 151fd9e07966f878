/* What an answer, or its absence, means for a row: delivered, later, dead, or trouble of the relay's. */
#include "relay/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "relay/backoff.h"

#define ACK_WAIT_MS 5000

static struct verdict *new_verdict(struct session *s, struct row *row, enum outcome outcome)
{
	if (s->verdict_count == s->verdict_room) {
		s->verdict_room = s->verdict_room ? s->verdict_room * 2 : 256;
		s->verdicts = memory_grow(s->verdicts, s->verdict_room * sizeof(*s->verdicts));
	}
	struct verdict *verdict = &s->verdicts[s->verdict_count++];
	*verdict = (struct verdict){ .row = row, .id = row->id, .outcome = outcome };
	return verdict;
}

void session_deliver(struct session *s, struct row *row, size_t stream, uint64_t seq)
{
	struct verdict *verdict = new_verdict(s, row, OUTCOME_DELIVERED);
	struct known_stream *known = &s->streams.items[stream];

	verdict->stream = stream;
	verdict->seq = seq;
	if (seq > known->acked)
		known->acked = seq;
	if (seq > known->position.marked_seq) { /* it is, when the position is written */
		known->position.marked_seq = seq;
		memcpy(known->position.marked_id, row->event.id.data, row->event.id.size);
		known->position.marked_id[row->event.id.size] = '\0';
	}
	s->counts->delivered++;
	if (!row->created_ms)
		return;
	s->counts->lag_ms = clock_wall_ms() - row->created_ms;
	histogram_add(&s->report->metrics->latency, s->counts->lag_ms);
}

static void say_dead(struct session *s, const struct row *row, const char *why)
{
	s->counts->dead++;
	if (log_may_say(&s->counts->dead_lines, 1))
		log_warning(s->config->name, "row %" PRId64 " is dead: %s", row->id, why);
}

void session_fail(struct session *s, struct row *row, bool dead, const char *why)
{
	const struct config_retry *retry = &s->config->retry;

	dead = dead || backoff_exhausted(retry, row->attempts + 1);
	struct verdict *verdict = new_verdict(s, row, dead ? OUTCOME_DEAD : OUTCOME_RETRY);
	verdict->error = memory_text(why);
	report_error(s->report, "row %" PRId64 ": %s", row->id, why);
	if (dead) {
		say_dead(s, row, why);
		row->given_up = true;
		s->giving_up++;
		return;
	}
	s->counts->retried++;
	verdict->delay_ms = backoff_delay(retry, row->attempts + 1, backoff_chance());
	for (struct row *each = order_failed(&s->order, row), *next; each; each = next) {
		next = each->next;
		session_forget(s, each);
	}
}

static void done(struct session *s, struct row *row, size_t stream, uint64_t seq)
{
	session_deliver(s, row, stream, seq);
	order_done(&s->order, row);
}

static bool other_event(struct session *s, struct row *row, uint64_t seq)
{
	char why[256];

	snprintf(why, sizeof(why),
		"its event_id was used before for another event, which the stream holds at %" PRIu64,
		seq);
	session_fail(s, row, true, why);
	return true;
}

/* The stream had the id already: from before a crash, or from another event that took the same id. */
static bool judge_duplicate(
	struct session *s, struct row *row, size_t stream, uint64_t seq, struct error *err)
{
	bool same;

	if (!stored_is_same(s->link, s->streams.items[stream].position.stream, seq, &row->event,
		    &same, err))
		return false;
	s->counts->duplicates++;
	if (!same)
		return other_event(s, row, seq);
	done(s, row, stream, seq);
	return true;
}

/* A stream that is gone meets every row alike: the relay waits for it, and no row's attempts grow. */
static bool stream_is_there(struct session *s, struct error *err)
{
	struct stream_info info;
	bool missing;

	if (!s->config->stream)
		return true;
	if (!stream_get_info(s->link, s->config->stream, &info, &missing, err)) {
		err->kind = ERROR_UNAVAILABLE;
		return false;
	}
	stream_info_finish(&info);
	return true;
}

/* 503: either nobody takes the subject, which is the row's trouble, or its stream has no leader. */
static bool ask(struct session *s, struct row *row, struct error *err)
{
	bool taken;
	char why[128 + EVENT_SUBJECT_MAX];

	if (!streams_anyone(&s->streams, row->event.subject, &taken, err))
		return false;
	if (taken)
		return error_set(err, ERROR_UNAVAILABLE,
			"the stream that takes '%.*s' does not answer (no leader?)",
			(int)row->event.subject.size, row->event.subject.data);
	if (!stream_is_there(s, err))
		return false;
	snprintf(why, sizeof(why), "no stream listens to subject '%.*s'",
		(int)row->event.subject.size, row->event.subject.data);
	session_fail(s, row, false, why);
	return true;
}

/* Sequences of one stream only grow; a lower one is of another stream under the same name. */
static bool judge_stored(
	struct session *s, struct row *row, size_t stream, uint64_t seq, struct error *err)
{
	const struct known_stream *known = &s->streams.items[stream];

	if (seq <= known->acked)
		return error_set(err, ERROR_UNAVAILABLE,
			"stream %s acknowledged sequence %" PRIu64 " after %" PRIu64
			": it was purged to its beginning or made anew",
			known->position.stream, seq, known->acked);
	done(s, row, stream, seq);
	return true;
}

static bool stored_where(
	struct session *s, const struct puback *ack, size_t *stream, struct error *err)
{
	bool missing;

	*stream = streams_find(&s->streams, ack->stream);
	if (*stream != STREAMS_NONE)
		return true;
	if (s->config->stream)
		return error_set(err, ERROR_SCHEMA, "stream %s acknowledged instead of %s",
			ack->stream, s->config->stream);
	return streams_meet(&s->streams, ack->stream, stream, &missing, err);
}

static bool judge(struct session *s, struct row *row, const struct puback *ack, struct error *err)
{
	enum judgement judgement = puback_judge(ack);
	size_t stream = 0;
	char why[256];

	if (judgement == JUDGE_DELIVERED || judgement == JUDGE_DUPLICATE) {
		if (!stored_where(s, ack, &stream, err))
			return false;
		if (judgement == JUDGE_DUPLICATE)
			return judge_duplicate(s, row, stream, ack->seq, err);
		return judge_stored(s, row, stream, ack->seq, err);
	}
	if (judgement == JUDGE_ASK)
		return ask(s, row, err);
	if (ack->kind == PUBACK_NONSENSE)
		snprintf(why, sizeof(why), "the answer was no acknowledgement of a stream");
	else
		snprintf(why, sizeof(why), "%s (JetStream error %d)", ack->text, ack->code);
	if (judgement == JUDGE_PAUSE || judgement == JUDGE_STOP)
		return error_set(err, judgement == JUDGE_STOP ? ERROR_SCHEMA : ERROR_UNAVAILABLE,
			"JetStream: %s", why);
	session_fail(s, row, judgement == JUDGE_DEAD, why);
	return true;
}

bool session_answer(struct session *s, const struct answer *answer, struct error *err)
{
	struct flight *flight = flights_find(&s->flights, answer->token);
	bool dealt;

	if (!flight) /* of an earlier session's message, or one that was looked up */
		return true;
	if (answer->token > s->flights.newest_answered)
		s->flights.newest_answered = answer->token;
	if (window_is_round(&s->window, answer->token))
		window_next_round(
			&s->window, clock_now_ms() - flight->sent_ms, s->flights.newest->token);
	if (!session_chain_answer(s, flight, &answer->ack, &dealt, err))
		return false;
	if (dealt)
		return true;
	/* The row stays on its way until it is judged, so that its floor keeps the position back. */
	if (!judge(s, flight->row, &answer->ack, err))
		return false;
	flights_land(&s->flights, flight);
	return true;
}

/* One message has no answer, though later ones have: was it stored? */
static bool judge_unanswered(struct session *s, struct flight *flight, struct error *err)
{
	const struct known_stream *known = &s->streams.items[flight->stream];
	struct stored found = { 0 };
	struct row *row = flight->row;
	char why[400], server[256];

	bool ok = stored_read(&found, s->link, flight->stream, known->position.stream,
		flight->floor + 1, row->created_ms, err);
	const struct stored_message *message = ok ? stored_find(&found, row->event.id) : NULL;
	if (message) {
		ok = judge_duplicate(s, row, flight->stream, message->seq, err);
	} else if (ok) {
		link_last_error(s->link, server, sizeof(server));
		snprintf(why, sizeof(why), "no acknowledgement within %d s%s%s", ACK_WAIT_MS / 1000,
			server[0] ? "; the server said: " : "", server);
		session_fail(s, row, false, why);
	}
	stored_finish(&found);
	if (ok)
		flights_land(&s->flights, flight);
	return ok;
}

bool session_check_silence(struct session *s, struct error *err)
{
	struct flight *oldest = s->flights.oldest;
	char server[256];

	if (!oldest || clock_now_ms() - oldest->sent_ms < ACK_WAIT_MS)
		return true;
	if (s->flights.newest_answered > oldest->token) {
		if (!s->chain->on)
			return judge_unanswered(s, oldest, err);
		chain_break(s->chain, oldest->token, clock_now_ms());
		return true;
	}
	link_last_error(s->link, server, sizeof(server));
	return error_set(err, ERROR_UNAVAILABLE, "%s: no acknowledgement for %d s%s%s",
		link_label(s->link), ACK_WAIT_MS / 1000, server[0] ? "; the server said: " : "",
		server);
}
