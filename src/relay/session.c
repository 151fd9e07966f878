/*
 * The loop of a session: read → order → publish → settle. The calling thread owns everything here; the
 * feed's thread reads and settles, cnats' thread delivers answers, and both ring the bell.
 */
#include "relay/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/memory.h"

#define SWEEP_EVERY_MS 10000 /* the net; never more than 1 % of the time */
#define SWEEP_SOON_MS  1000
#define LONE_MESSAGES \
	32 /* up to so many on their way are not left to the client's 1 ms of gathering */
#define TURN_MS	     250 /* while messages are on their way */
#define IDLE_TURN_MS 5000
#define REPORT_MS    1000
#define GATHER_US    300 /* under load: many answers a turn, not a switch of threads for each */
#define HEALTHY_MS \
	2000 /* so long without trouble ends an outage even if there is nothing to send */
#define DAY_MS		((int64_t)24 * 3600 * 1000)
#define LOOK_UP_BY_TIME 100000

static size_t capacity(const struct config_relay *config)
{
	return (size_t)(config->max_in_flight + 2 * config->batch);
}

/* From where on the stream may hold own messages that are not settled. 0: by time. */
static uint64_t uncertain_from(struct session *s, struct known_stream *known,
	const struct position *old, const struct position *end)
{
	if (!old || old->seq == 0)
		return 0;
	if (strcmp(old->created, end->created) != 0) {
		log_error(s->config->name,
			"stream %s was made anew: what it held before, up to sequence %" PRIu64
			", is gone",
			old->stream, old->seq);
		return 1;
	}
	if (end->seq < old->seq) {
		log_error(s->config->name,
			"stream %s ends at sequence %" PRIu64 ", but acknowledged up to %" PRIu64
			": it has lost messages that were marked delivered",
			old->stream, end->seq, old->seq);
		return end->seq + 1;
	}
	known->position.seq = old->seq;
	return end->seq - old->seq > LOOK_UP_BY_TIME ? 0 : old->seq + 1;
}

/* Looks up one stream. Until every pending row was read once its position stays where it was. */
static bool look_up(struct session *s, size_t stream, const struct position *old, int64_t oldest_ms,
	struct error *err)
{
	struct known_stream *known = &s->streams.items[stream];
	const struct position end = known->position;

	known->position.seq = 0;
	uint64_t from = uncertain_from(s, known, old, &end);
	if (oldest_ms == INT64_MAX) /* no row is pending, so none is uncertain */
		return true;
	return stored_read(&s->stored, s->link, stream, end.stream, from, oldest_ms - DAY_MS, err);
}

/* A stream that is gone for good cannot hold what is uncertain. */
static bool look_up_other(
	struct session *s, const struct position *position, int64_t oldest_ms, struct error *err)
{
	size_t stream;
	bool missing;
	struct error why = { 0 };

	if (streams_add(&s->streams, position->stream, &stream, &missing, &why))
		return look_up(s, stream, position, oldest_ms, err);
	if (!missing) {
		*err = why;
		return false;
	}
	log_warning(s->config->name, "stream %s, into which rows went before, is gone",
		position->stream);
	return true;
}

static bool look_up_all(struct session *s, const struct position *positions, size_t count,
	int64_t oldest_ms, struct error *err)
{
	const struct position *ours = NULL;
	size_t stream;
	bool missing;

	if (!s->config->stream) {
		for (size_t i = 0; i < count; i++)
			if (!look_up_other(s, &positions[i], oldest_ms, err))
				return false;
		return true;
	}
	for (size_t i = 0; i < count; i++)
		if (strcmp(positions[i].stream, s->config->stream) == 0)
			ours = &positions[i];
	return streams_add(&s->streams, s->config->stream, &stream, &missing, err) &&
		look_up(s, stream, ours, oldest_ms, err);
}

static bool look_up_uncertain(struct session *s, struct error *err)
{
	struct position *positions;
	struct arena arena;
	int64_t oldest_ms;
	size_t count;

	arena_init(&arena);
	bool ok = outbox_oldest(s->outbox, &oldest_ms, err) &&
		outbox_positions(s->outbox, &arena, &positions, &count, err) &&
		look_up_all(s, positions, count, oldest_ms, err);
	arena_finish(&arena);
	return ok;
}

bool session_begin(struct session *s, struct error *err)
{
	if (!bell_init(&s->bell))
		return error_set(err, ERROR_UNAVAILABLE, "no more descriptors can be had");
	streams_init(&s->streams, s->link, s->config->stream);
	order_init(&s->order, s->config->ordering, (size_t)s->config->batch);
	flights_init(&s->flights, (size_t)s->config->max_in_flight);
	s->began_ms = clock_now_ms();
	s->next_sweep_ms = s->began_ms + SWEEP_EVERY_MS;
	outbox_rewind(s->outbox);
	if (!look_up_uncertain(s, err))
		return false;
	s->publisher = publisher_create(s->link, &s->bell, err);
	if (!s->publisher || !publisher_flush(s->publisher, err)) /* the server answers */
		return false;
	s->feed = feed_start(s->config, s->outbox, &s->bell, err);
	return s->feed != NULL;
}

/* --- reading --- */

/* A row that the stream holds already is not sent again. True: it was dealt with. */
static bool settle_stored(struct session *s, struct row *row, bool *dealt, struct error *err)
{
	const struct stored_message *found = stored_find(&s->stored, row->event.id);
	bool same = true;

	*dealt = found != NULL;
	if (!found)
		return true;
	const struct stored_message at = *found;
	const char *stream = s->streams.items[at.stream].position.stream;
	/* A row that is not due has no payload here; the id must do. */
	if (row->wait_ms == 0 && !stored_is_same(s->link, stream, at.seq, &row->event, &same, err))
		return false;
	stored_forget(&s->stored, row->event.id);
	if (same)
		session_deliver(s, row, at.stream, at.seq);
	else
		session_fail(s, row, true, "its event_id was used before for another event");
	return true;
}

static bool offer_row(struct session *s, struct row *row, struct error *err)
{
	struct row *known = map_get_pointer(&s->rows, (uint64_t)row->id);
	bool dealt;

	if (known) {
		order_saw(&s->order, row);
		row_release(row);
		return true;
	}
	if (row->wait_ms > 0)
		feed_due(s->feed, row->wait_ms);
	map_put(&s->rows, (uint64_t)row->id, (uintptr_t)row);
	if (!settle_stored(s, row, &dealt, err))
		return false;
	if (dealt || order_add(&s->order, row))
		return true;
	map_remove(&s->rows, (uint64_t)row->id);
	row_release(row);
	return true;
}

static void end_sweep(struct session *s)
{
	int64_t now = clock_now_ms(), took = now - s->sweep_began_ms;

	order_sweep_end(&s->order);
	s->next_sweep_ms = now + (took * 100 > SWEEP_EVERY_MS ? took * 100 : SWEEP_EVERY_MS);
}

static bool offer_batch(struct session *s, struct batch *batch, struct error *err)
{
	bool ours = s->order.sweeping && batch->pass == s->order.pass;
	bool ends = ours && batch->sweep_done, ok = true;

	batch_hold(batch);
	for (size_t i = 0; i < batch->count; i++) {
		struct row *row = &batch->rows[i];
		if (ends && row->id > batch->sweep_end) {
			end_sweep(s);
			ends = false;
		}
		if (row->source == ROW_SWEEP && !ours)
			row->source = ROW_GAP;
		if (ok)
			ok = offer_row(s, row, err);
		else
			row_release(row);
	}
	s->scanned = s->scanned || (ok && batch->caught_up);
	batch_let_go(batch);
	if (ends)
		end_sweep(s);
	return ok;
}

static bool take_rows(struct session *s, struct error *err)
{
	struct feed_news news;
	struct batch *next;
	bool ok = true;

	feed_take(s->feed, &news);
	for (struct batch *batch = news.batches; batch; batch = next) {
		next = batch->next;
		if (ok)
			ok = offer_batch(s, batch, err);
		else
			batch_destroy(batch);
	}
	for (size_t i = 0; i < news.settled_count; i++) {
		map_remove(&s->rows, (uint64_t)news.settled[i]->id);
		row_release(news.settled[i]);
	}
	free(news.settled);
	s->work_until_ms = news.work_until_ms;
	if ((news.missed > 0 || news.needs_sweeps) &&
		s->next_sweep_ms > clock_now_ms() + SWEEP_SOON_MS)
		s->next_sweep_ms = clock_now_ms() + SWEEP_SOON_MS;
	if (news.failed && ok)
		*err = news.err;
	return ok && !news.failed;
}

/* --- publishing --- */

/* Which stream a row goes to. One that is new to the session is looked up first: it may hold the row. */
static bool route(struct session *s, struct row *row, size_t *stream, struct error *err)
{
	bool fresh;

	if (!s->config->stream && !event_check_subject(row->event.subject, NULL)) {
		*stream = s->streams.count ? 0 : STREAMS_NONE; /* sending it will say why not */
		return true;
	}
	if (!streams_for(&s->streams, row->event.subject, stream, &fresh, err))
		return false;
	return !fresh ||
		stored_read(&s->stored, s->link, *stream, s->streams.items[*stream].position.stream,
			0, row->created_ms - DAY_MS, err);
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

	if (publisher_send(s->publisher, flight->token, &row->event, s->config->stream, &why)) {
		s->sent = true;
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
	if (!settle_stored(s, row, &dealt, err))
		return false;
	if (dealt) {
		order_done(&s->order, row);
		return true;
	}
	return launch(s, row, stream, err);
}

static bool may_send(const struct session *s)
{
	return s->flights.count < s->flights.capacity &&
		s->flights.bytes < (size_t)s->config->max_in_flight_bytes &&
		!stop_requested(s->stop) && clock_now_ms() < s->work_until_ms;
}

bool session_send_ready(struct session *s, struct error *err)
{
	struct row *row;

	while (may_send(s) && (row = order_next(&s->order)))
		if (!send_row(s, row, err))
			return false;
	if (!s->sent || s->flights.count > LONE_MESSAGES)
		return true;
	s->sent = false;
	return publisher_flush(s->publisher, err);
}

/* --- the turns --- */

static bool take_answers(struct session *s, struct error *err)
{
	const struct answer *answers;
	size_t count = publisher_take(s->publisher, &answers);

	for (size_t i = 0; i < count; i++)
		if (!session_answer(s, &answers[i], err))
			return false;
	return true;
}

static void put_verdicts(struct session *s)
{
	if (s->verdict_count == 0)
		return;
	struct position *positions = memory_new((s->streams.count + 1) * sizeof(*positions));
	for (size_t i = 0; i < s->streams.count; i++) {
		positions[i] = s->streams.items[i].position;
		if (s->scanned)
			positions[i].seq = flights_floor(&s->flights, i, s->streams.items[i].acked);
	}
	failpoint("relay.after_acknowledgement");
	feed_put(s->feed, s->verdicts, s->verdict_count, positions, s->streams.count);
	s->verdict_count = 0;
	s->settled_any = true;
	free(positions);
}

/* Rows that were dropped behind a key that is free now are read again; and now and then all pending ones. */
static void steer_sweep(struct session *s)
{
	int64_t now = clock_now_ms(), from = order_sweep_from(&s->order);

	if (s->order.sweeping) {
		if (s->order.hungry == 0 && !s->order.full) {
			order_sweep_abort(&s->order);
			feed_stop_sweep(s->feed);
		}
		return;
	}
	if (!s->scanned)
		return;
	if (now >= s->next_sweep_ms)
		from = INT64_MIN;
	if (from == INT64_MAX)
		return;
	s->sweep_began_ms = now;
	order_sweep_begin(&s->order, from);
	feed_sweep(s->feed, from, s->order.pass);
}

static void renew_report(struct session *s)
{
	int64_t now = clock_now_ms(), took = now - s->reported_ms;

	if (took < REPORT_MS)
		return;
	s->report->rate = (double)(s->counts->delivered - s->report->events) * 1000 / (double)took;
	s->reported_ms = now;
	s->counts->stuck = (int64_t)s->order.held;
	s->report->events = s->counts->delivered;
	s->report->dead = s->counts->dead;
	s->report->stuck = s->counts->stuck;
	s->report->lag_ms = s->counts->lag_ms;
	feed_report(s->feed, s->report);
}

static bool take_turn(struct session *s, struct error *err)
{
	if (!link_is_up(s->link))
		return error_set(
			err, ERROR_UNAVAILABLE, "%s: the connection broke", link_label(s->link));
	if (!take_answers(s, err) || !take_rows(s, err) || !session_send_ready(s, err) ||
		!session_check_silence(s, err))
		return false;
	put_verdicts(s);
	size_t room = capacity(s->config), used = s->rows.count;
	feed_room(s->feed, used < room ? room - used : 0);
	steer_sweep(s);
	renew_report(s);
	return true;
}

static int64_t next_turn_ms(const struct session *s)
{
	int64_t left = s->next_sweep_ms - clock_now_ms();

	if (s->flights.count > 0 || s->order.ready)
		return TURN_MS;
	return left < IDLE_TURN_MS ? left : IDLE_TURN_MS;
}

bool session_run(
	struct session *s, void (*progress)(void *context), void *context, struct error *err)
{
	bool told = false;

	while (!stop_requested(s->stop)) {
		if (!take_turn(s, err))
			return false;
		if (!told && (s->settled_any || clock_now_ms() - s->began_ms > HEALTHY_MS)) {
			told = true;
			progress(context);
		}
		bell_wait(&s->bell, s->stop->fd, told ? next_turn_ms(s) : TURN_MS);
		if (s->flights.count > LONE_MESSAGES)
			clock_sleep_us(GATHER_US);
	}
	return true;
}

/* --- the end --- */

/* Answers still come: what was stored is settled, the rest is looked up by the next session. */
static void drain(struct session *s, int64_t ms)
{
	int64_t until = clock_now_ms() + ms;
	const struct answer *answers;

	while (s->flights.count > 0 && clock_now_ms() < until && link_is_up(s->link)) {
		size_t count = publisher_take(s->publisher, &answers);
		for (size_t i = 0; i < count; i++) {
			struct flight *flight = flights_find(&s->flights, answers[i].token);
			if (flight && puback_judge(&answers[i].ack) == JUDGE_DELIVERED)
				session_answer(s, &answers[i], NULL);
			else if (flight)
				flights_land(&s->flights, flight);
		}
		if (s->flights.count > 0)
			bell_wait(&s->bell, -1, until - clock_now_ms());
	}
}

static void stop_feed(struct session *s)
{
	struct feed_news news;
	struct batch *next;

	put_verdicts(s);
	feed_stop(s->feed, &news);
	for (struct batch *batch = news.batches; batch; batch = next) {
		next = batch->next;
		batch_destroy(batch);
	}
	free(news.settled); /* they are among the rows in memory */
}

static void release_rows(struct session *s)
{
	uint64_t row;

	for (size_t at = 0; map_next(&s->rows, &at, &row);)
		row_release((struct row *)(uintptr_t)row);
	map_finish(&s->rows);
}

void session_end(struct session *s, int64_t drain_ms)
{
	if (s->feed) {
		drain(s, drain_ms);
		stop_feed(s);
	}
	publisher_destroy(s->publisher);
	for (size_t i = 0; i < s->verdict_count; i++)
		free(s->verdicts[i].error);
	free(s->verdicts);
	release_rows(s);
	order_finish(&s->order);
	flights_finish(&s->flights);
	stored_finish(&s->stored);
	streams_finish(&s->streams);
	bell_finish(&s->bell);
}
