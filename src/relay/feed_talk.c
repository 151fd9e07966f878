/* What the feed's thread and the session say to each other, under the feed's lock. */
#include "relay/feed_talk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define DUE_AGAIN_MS 50 /* where more rows were due than could be read at once */

/* Under the lock. */
static void poke(struct feed *feed)
{
	uint64_t one = 1;

	if (feed->asleep && write(feed->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

size_t feed_least(const struct feed *feed)
{
	return ((size_t)feed->config->batch + 1) / 2;
}

/* How many rows to read now; under the lock. */
static size_t wanted_of(const struct feed *feed)
{
	return feed->given_bytes < feed->room.bytes ? room_left(feed->room.wanted, feed->given) : 0;
}

/* Under the lock. */
static bool is_full(const struct feed *feed)
{
	return feed->given_bytes >= feed->room.bytes ||
		room_left(feed->room.rows, feed->given) < feed_least(feed);
}

/* Under the lock. */
static void note_due(struct feed *feed, int64_t ms)
{
	int64_t due = clock_now_ms() + ms;

	if (due < feed->due_ms)
		feed->due_ms = due;
}

/* --- the thread --- */

static void hear_verdicts(struct feed *feed, struct turn *turn)
{
	turn->streams = feed->streams;
	turn->positions = memory_new((feed->streams + 1) * sizeof(*turn->positions));
	if (feed->streams)
		memcpy(turn->positions, feed->positions, feed->streams * sizeof(*turn->positions));
	verdicts_add(&feed->waiting, feed->put.items, feed->put.count);
	feed->put.count = 0;
}

static void hear_sweep(struct feed *feed, struct turn *turn)
{
	turn->no_sweep = feed->sweep_unwanted;
	turn->sweep = feed->sweep_wanted;
	turn->sweep_from = feed->sweep_from;
	turn->sweep_pass = feed->sweep_pass;
	feed->sweep_wanted = feed->sweep_unwanted = false;
}

void feed_hear(struct feed *feed, struct turn *turn)
{
	int64_t now = clock_now_ms();

	pthread_mutex_lock(&feed->lock);
	*turn = (struct turn){
		.stopping = feed->stopping, .wanted = wanted_of(feed), .full = is_full(feed)
	};
	turn->returned = feed->returned;
	feed->returned = NULL;
	hear_verdicts(feed, turn);
	hear_sweep(feed, turn);
	turn->due = feed->due_ms <= now || feed->next_poll_ms <= now;
	if (turn->due && turn->wanted >= feed_least(feed)) /* otherwise nothing is read yet */
		feed->due_ms = INT64_MAX;
	turn->has_report = feed->has_report && feed->next_report_ms <= now;
	if (turn->has_report)
		turn->report = feed->report;
	pthread_mutex_unlock(&feed->lock);
}

/* Only now their next try stands in the table, and a look before it would miss them. */
static void note_retries(struct feed *feed, const struct verdicts *settled)
{
	for (size_t i = 0; i < settled->count; i++)
		if (settled->items[i].outcome == OUTCOME_RETRY)
			note_due(feed, settled->items[i].delay_ms);
}

static void make_room(struct feed *feed, size_t count)
{
	size_t wanted = feed->news.settled_count + count;

	if (wanted <= feed->settled_room)
		return;
	feed->settled_room = wanted * 2;
	feed->news.settled =
		memory_grow(feed->news.settled, feed->settled_room * sizeof(struct row *));
}

void feed_tell_settled(struct feed *feed, const struct verdicts *settled, bool ok, size_t missed)
{
	pthread_mutex_lock(&feed->lock);
	make_room(feed, settled->count);
	for (size_t i = 0; i < settled->count; i++)
		feed->news.settled[feed->news.settled_count++] = settled->items[i].row;
	note_retries(feed, settled);
	feed->news.missed += missed;
	feed->news.progress = feed->news.progress || ok;
	feed->news.work_until_ms = lease_work_until_ms(outbox_lease(feed->outbox));
	pthread_mutex_unlock(&feed->lock);
	bell_ring(feed->bell);
}

void feed_tell_lease(struct feed *feed)
{
	const struct lease *lease = outbox_lease(feed->outbox);

	pthread_mutex_lock(&feed->lock);
	feed->news.work_until_ms = lease_work_until_ms(lease);
	feed->news.paused = lease->pause.on;
	pthread_mutex_unlock(&feed->lock);
	if (lease->pause.on)
		bell_ring(feed->bell);
}

void feed_tell_failure(struct feed *feed, const struct error *err)
{
	pthread_mutex_lock(&feed->lock);
	feed->news.failed = true;
	feed->news.err = *err;
	pthread_mutex_unlock(&feed->lock);
	bell_ring(feed->bell);
}

void feed_give(struct feed *feed, struct batch *batch)
{
	pthread_mutex_lock(&feed->lock);
	batch->settled_before = feed->news.settled_count;
	if (batch->more_due)
		note_due(feed, DUE_AGAIN_MS);
	*feed->last_batch = batch;
	feed->last_batch = &batch->next;
	feed->given += batch->count;
	feed->given_bytes += batch->bytes;
	feed->news.needs_sweeps = outbox_needs_sweeps(feed->outbox);
	pthread_mutex_unlock(&feed->lock);
	bell_ring(feed->bell);
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

bool feed_fall_asleep(struct feed *feed, bool wanted, int64_t *until)
{
	pthread_mutex_lock(&feed->lock);
	bool busy = feed->put.count > 0 || feed->stopping || feed->sweep_wanted ||
		(!wanted && wanted_of(feed) >= feed_least(feed));
	feed->asleep = !busy;
	feed->sated = !busy && !wanted;
	*until = wanted ? earliest(feed->next_poll_ms, feed->due_ms) : INT64_MAX;
	if (feed->has_report)
		*until = earliest(*until, feed->next_report_ms);
	pthread_mutex_unlock(&feed->lock);
	*until = earliest(*until, feed->next_prune_ms);
	return !busy;
}

void feed_wake_up(struct feed *feed)
{
	uint64_t count;

	pthread_mutex_lock(&feed->lock);
	feed->asleep = feed->sated = false;
	pthread_mutex_unlock(&feed->lock);
	if (read(feed->wake_fd, &count, sizeof(count)) < 0)
		return; /* it was something else */
}

/* --- the session --- */

void feed_take(struct feed *feed, struct feed_news *news)
{
	pthread_mutex_lock(&feed->lock);
	*news = feed->news;
	feed->news.batches = NULL;
	feed->last_batch = &feed->news.batches;
	feed->news.settled = NULL;
	feed->news.settled_count = feed->news.missed = feed->settled_room = 0;
	feed->news.progress = false;
	feed->room.wanted = room_left(feed->room.wanted, feed->given);
	feed->room.rows = room_left(feed->room.rows, feed->given);
	feed->room.bytes = room_left(feed->room.bytes, feed->given_bytes);
	feed->given = feed->given_bytes = 0;
	pthread_mutex_unlock(&feed->lock);
}

void feed_put(struct feed *feed, const struct verdict *verdicts, size_t count,
	const struct position *positions, size_t streams)
{
	pthread_mutex_lock(&feed->lock);
	verdicts_add(&feed->put, verdicts, count);
	if (streams > feed->streams)
		feed->positions = memory_grow(feed->positions, streams * sizeof(*positions));
	if (streams)
		memcpy(feed->positions, positions, streams * sizeof(*positions));
	feed->streams = streams;
	poke(feed);
	pthread_mutex_unlock(&feed->lock);
}

void feed_return(struct feed *feed, struct row *rows)
{
	struct row **end = &rows;

	while (*end)
		end = &(*end)->next;
	pthread_mutex_lock(&feed->lock);
	*end = feed->returned;
	feed->returned = rows;
	pthread_mutex_unlock(&feed->lock);
}

void feed_tell_room(struct feed *feed, const struct feed_room *room)
{
	pthread_mutex_lock(&feed->lock);
	feed->room = *room;
	if (feed->sated && wanted_of(feed) >= feed_least(feed))
		poke(feed);
	pthread_mutex_unlock(&feed->lock);
}

void feed_due(struct feed *feed, int64_t ms)
{
	pthread_mutex_lock(&feed->lock);
	int64_t before = feed->due_ms;
	note_due(feed, ms);
	if (feed->due_ms < before)
		poke(feed);
	pthread_mutex_unlock(&feed->lock);
}

void feed_sweep(struct feed *feed, int64_t from, uint64_t pass)
{
	pthread_mutex_lock(&feed->lock);
	feed->sweep_wanted = true;
	feed->sweep_from = from;
	feed->sweep_pass = pass;
	poke(feed);
	pthread_mutex_unlock(&feed->lock);
}

void feed_stop_sweep(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	feed->sweep_wanted = false;
	feed->sweep_unwanted = true;
	pthread_mutex_unlock(&feed->lock);
}

void feed_report(struct feed *feed, const struct report *report)
{
	pthread_mutex_lock(&feed->lock);
	feed->report = *report;
	feed->has_report = true;
	pthread_mutex_unlock(&feed->lock);
}

void feed_ask_to_stop(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	feed->stopping = true;
	poke(feed);
	pthread_mutex_unlock(&feed->lock);
}
