/* Rows that may fly: each is routed to its stream and sent, as far as the window and the lease allow. */
#include "relay/session.h"

#include <stdio.h>

#include "base/clock.h"

/* Which stream a row goes to. One that is new to the session is looked up first: it may hold the row. */
static bool route(struct session *s, struct row *row, size_t *stream, struct error *err)
{
	bool fresh;
	int64_t oldest = s->oldest_ms < row->created_ms ? s->oldest_ms : row->created_ms;

	if (!s->config->stream && !event_check_subject(row->event.subject, NULL)) {
		*stream = s->streams.count ? 0 : STREAMS_NONE; /* sending it will say why not */
		return true;
	}
	if (!streams_for(&s->streams, row->event.subject, stream, &fresh, err))
		return false;
	if (outbox_is_guest(s->outbox) && s->oldest_ms == INT64_MAX)
		return true; /* nothing was published before */
	return !fresh ||
		stored_read(&s->stored, s->link, *stream, s->streams.items[*stream].position.stream,
			0, oldest - SESSION_DAY_MS, err);
}

static void fail_unrouted(struct session *s, struct row *row)
{
	char why[128 + EVENT_SUBJECT_MAX];
	struct error err = { 0 };

	if (!event_check_subject(row->event.subject, &err)) {
		session_fail(s, row, true, err.text);
		return;
	}
	snprintf(why, sizeof(why), "no stream listens to subject '%.*s'",
		(int)row->event.subject.size, row->event.subject.data);
	session_fail(s, row, false, why);
}

static bool launch(struct session *s, struct row *row, size_t stream, struct error *err)
{
	uint64_t acked = s->streams.items[stream].acked;
	struct flight *flight = flights_launch(&s->flights, row, stream, acked, clock_now_ms());
	struct error why = { 0 };

	flight->expected = s->chain->last;
	const struct expected expected = { s->config->stream,
		s->chain->on ? &flight->expected : NULL };
	if (publisher_send(s->publisher, flight->token, &row->event, &expected, &why)) {
		s->chain->last++;
		s->sent = true;
		metrics_add(s->report->metrics, METRIC_PUBLISHED, 1);
		return true;
	}
	if (why.kind != ERROR_REJECTED) {
		*err = why;
		return false;
	}
	flights_land(&s->flights, flight);
	session_fail(s, row, true, why.text);
	return true;
}

static bool send_row(struct session *s, struct row *row, struct error *err)
{
	size_t stream;
	bool dealt = false;

	if (!route(s, row, &stream, err))
		return false;
	if (stream == STREAMS_NONE) {
		fail_unrouted(s, row);
		return true;
	}
	if (!session_settle_stored(s, row, true, &dealt, err))
		return false;
	if (dealt) {
		if (!row->given_up) /* its key is held until that is settled */
			order_done(&s->order, row);
		return true;
	}
	return launch(s, row, stream, err);
}

static bool may_send(struct session *s)
{
	return !s->chain->broken && !(s->chain->on && s->giving_up > 0) &&
		s->flights.count < s->chain->window &&
		window_is_open(&s->window, s->flights.count) &&
		s->flights.bytes < (size_t)s->config->max_in_flight_bytes &&
		!stop_requested(s->stop) && clock_now_ms() < s->work_until_ms;
}

bool session_send_ready(struct session *s, struct error *err)
{
	struct row *row;

	while (may_send(s) && (row = order_next(&s->order)))
		if (!send_row(s, row, err))
			return false;
	if (!s->sent || s->flights.count > SESSION_LONE_MESSAGES)
		return true;
	s->sent = false;
	return publisher_flush(s->publisher, err);
}
