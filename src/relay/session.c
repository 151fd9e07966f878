/*
 * The loop of a session: read → order → publish → settle. The calling thread owns everything here; the
 * feed's thread reads and settles, cnats' thread delivers answers, and both ring the bell.
 */
#include "relay/session.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"

#define TURN_MS	     250 /* while messages are on their way */
#define IDLE_TURN_MS 5000
#define MEND_TURN_MS 5 /* while the chain of expected sequences is broken */
#define REPORT_MS    1000
#define HEALTHY_MS   2000 /* so long without trouble ends an outage where there is nothing to send */

void session_alarm(struct session *s, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_error_list(s->report, format, arguments);
	va_end(arguments);
	const char *text = s->report->last_error;
	uint64_t hash = hash_bytes(text, strlen(text), 0), told;
	if (map_get(&s->counts->alarms, hash, &told))
		return;
	map_put(&s->counts->alarms, hash, true);
	log_error(s->config->name, "%s", text);
}

void counts_say_held(struct counts *counts, const char *relay, bool now)
{
	int64_t dead = log_held_back(&counts->dead_lines, now);

	if (dead > 0)
		log_warning(relay, "%" PRId64 " more rows are dead; \"dray dead list\" shows them",
			dead);
}

/*
 * As a rule one and a half batches that wait are enough: one is sent while the next is read. Where all that wait stand
 * behind busy keys, and few are on their way, other keys are looked for behind them.
 */
static size_t rows_wanted(const struct session *s)
{
	size_t waiting = s->order.waiting;
	bool starving = waiting > 0 && !order_is_ready(&s->order) &&
		s->flights.count < window_enough(&s->window);

	return starving ? SIZE_MAX : room_left(3 * (size_t)s->config->batch / 2, waiting);
}

static void tell_room(const struct session *s)
{
	struct feed_room room = {
		.rows = room_left(
			(size_t)(s->config->max_in_flight + s->config->batch), s->rows.count),
		.bytes = room_left((size_t)s->config->max_in_flight_bytes, s->row_bytes),
		.wanted = rows_wanted(s),
	};

	if (room.wanted > room.rows)
		room.wanted = room.rows;
	feed_tell_room(s->feed, &room);
}

bool session_begin(struct session *s, struct error *err)
{
	if (!bell_init(&s->bell))
		return error_set(err, ERROR_UNAVAILABLE, "no more descriptors can be had");
	streams_init(&s->streams, s->link, s->config->stream,
		s->chain->on			     ? STREAMS_ALONE
			: outbox_is_guest(s->outbox) ? STREAMS_GUEST
						     : STREAMS_SHARED);
	order_init(&s->order, s->config->ordering, (size_t)s->config->batch);
	flights_init(&s->flights, (size_t)s->config->max_in_flight);
	window_init(&s->window, (size_t)s->config->max_in_flight);
	s->began_ms = clock_now_ms();
	s->next_sweep_ms = s->began_ms + SESSION_SWEEP_EVERY_MS;
	outbox_rewind(s->outbox);
	if (!session_look_up(s, err))
		return false;
	if (s->chain->on)
		chain_mend(s->chain, s->streams.items[0].acked);
	s->publisher = publisher_create(s->link, &s->bell, err);
	if (!s->publisher || !publisher_flush(s->publisher, err)) /* the server answers */
		return false;
	s->feed = feed_start(s->config, s->outbox, &s->bell, s->report, err);
	return s->feed != NULL;
}

static bool take_answers(struct session *s, struct error *err)
{
	struct answer answer;

	publisher_gather(s->publisher);
	while (publisher_next(s->publisher, &answer))
		if (!session_answer(s, &answer, err))
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
		if (s->scanned && s->streams.items[i].unsure_until == 0)
			positions[i].seq = flights_floor(&s->flights, i, s->streams.items[i].acked);
	}
	failpoint("relay.after_acknowledgement");
	feed_put(s->feed, s->verdicts, s->verdict_count, positions, s->streams.count);
	s->verdict_count = 0;
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
	s->swept_rows = 0;
	order_sweep_begin(&s->order, from);
	feed_sweep(s->feed, from, s->order.pass);
}

static void renew_report(struct session *s)
{
	s->reported_ms = clock_now_ms();
	s->counts->stuck = (int64_t)s->order.held;
	s->report->events = s->counts->delivered;
	s->report->dead = s->counts->dead;
	s->report->stuck = s->counts->stuck;
	s->report->lag_ms = s->counts->lag_ms;
	feed_report(s->feed, s->report);
}

static int64_t lowest_row(const struct session *s)
{
	int64_t lowest = order_dropped_from(&s->order);
	uint64_t value;

	for (size_t at = 0; map_next(&s->rows, &at, &value);) {
		const struct row *row = (const struct row *)(uintptr_t)value;
		if (row->id < lowest)
			lowest = row->id;
	}
	return lowest;
}

/* Of the rows that were read before a stream was met none is left: whatever of them it held is settled. */
static void end_doubts(struct session *s)
{
	for (size_t i = 0; s->scanned && i < s->streams.count; i++) {
		int64_t *until = &s->streams.items[i].unsure_until;
		if (*until == INT64_MAX)
			*until = s->highest;
		if (*until > 0 && *until < lowest_row(s))
			*until = 0;
	}
}

/* What needs a look now and then. */
static void keep_books(struct session *s)
{
	if (clock_now_ms() - s->reported_ms < REPORT_MS)
		return;
	end_doubts(s);
	renew_report(s);
	counts_say_held(s->counts, s->config->name, false);
}

/* For whoever watches; nothing but stores, so that it can be done every turn. */
static void show_numbers(const struct session *s)
{
	struct metrics *metrics = s->report->metrics;

	metrics_set(metrics, METRIC_DONE, s->counts->delivered);
	metrics_set(metrics, METRIC_RETRIED, s->counts->retried);
	metrics_set(metrics, METRIC_DEAD, s->counts->dead);
	metrics_set(metrics, METRIC_DUPLICATES, s->counts->duplicates);
	metrics_set(metrics, METRIC_LAG_MS, s->counts->lag_ms);
	metrics_set(metrics, METRIC_IN_FLIGHT, (int64_t)s->flights.count);
}

static bool take_turn(struct session *s, struct error *err)
{
	if (!link_is_up(s->link))
		return error_set(
			err, ERROR_UNAVAILABLE, "%s: the connection broke", link_label(s->link));
	if (!take_answers(s, err) || !session_take_rows(s, err) || !session_mend(s, err) ||
		!session_send_ready(s, err) || !session_check_silence(s, err))
		return false;
	put_verdicts(s);
	tell_room(s);
	steer_sweep(s);
	keep_books(s);
	show_numbers(s);
	return true;
}

static int64_t next_turn_ms(const struct session *s)
{
	bool sweeps =
		s->scanned && !s->order.sweeping; /* else the batch that ends it is waited for */
	int64_t left = sweeps ? s->next_sweep_ms - clock_now_ms() : IDLE_TURN_MS;

	if (s->chain->broken)
		return MEND_TURN_MS;
	if (s->flights.count > 0 || order_is_ready(&s->order))
		return TURN_MS;
	return left < IDLE_TURN_MS ? left : IDLE_TURN_MS;
}

static bool is_well(const struct session *s)
{
	return s->settled_any ||
		(s->flights.count == 0 && clock_now_ms() - s->began_ms > HEALTHY_MS);
}

bool session_run(
	struct session *s, void (*progress)(void *context), void *context, struct error *err)
{
	bool told = false;

	while (!stop_requested(s->stop) && !s->paused && !outbox_is_done(s->outbox)) {
		if (!take_turn(s, err))
			return false;
		if (!told && is_well(s)) {
			told = true;
			progress(context);
		}
		publisher_rest(s->publisher, s->flights.count);
		bell_wait(&s->bell, s->stop->fd, told ? next_turn_ms(s) : TURN_MS);
	}
	return true;
}

/* Answers still come: what was stored is settled, the rest is looked up by the next session. */
static void drain(struct session *s, int64_t ms)
{
	int64_t until = clock_now_ms() + ms;
	struct answer answer;

	while (s->flights.count > 0 && clock_now_ms() < until && link_is_up(s->link)) {
		publisher_gather(s->publisher);
		while (publisher_next(s->publisher, &answer)) {
			struct flight *flight = flights_find(&s->flights, answer.token);
			if (flight && puback_judge(&answer.ack) == JUDGE_DELIVERED)
				session_answer(s, &answer, NULL);
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
	if (s->settled_any)
		map_finish(&s->counts->alarms);
	if (s->feed) {
		drain(s, drain_ms);
		stop_feed(s);
		show_numbers(s);
	}
	metrics_set(s->report->metrics, METRIC_IN_FLIGHT, 0);
	outbox_rest(s->outbox);
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
