/*
 * The outbox's thread. Settling comes first, since it frees rows; then reading, where there is room; then
 * it sleeps in outbox_wait, from which a new row or the session wakes it.
 */
#include "relay/feed.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "relay/verdicts.h"

#define DUE_AGAIN_MS  50 /* where more rows were due than could be read at once */
#define COMPANY_MS    20 /* so long a verdict waits for others */
#define PRUNE_LATE_MS 1000

struct feed {
	const struct config_relay *config;
	struct outbox *outbox;
	struct bell *bell;
	struct metrics *metrics;
	pthread_t thread;
	int wake_fd;
	bool look; /* there may be rows to read */
	bool look_back; /* and some behind the cursor that a person put back */
	int64_t next_poll_ms, next_report_ms; /* monotonic */
	struct report_rate rate;
	int64_t next_prune_ms; /* monotonic; INT64_MAX: never */
	uint64_t pass; /* of the running sweep */
	bool sweeping;

	pthread_mutex_t lock; /* what follows */
	bool stopping, asleep;
	bool starved; /* asleep until there is room */
	struct verdicts put; /* to settle */
	int64_t put_ms; /* monotonic: since when the first of them waits */
	struct position *positions;
	size_t streams;
	size_t room, room_bytes; /* the session's, less what it has taken since it told */
	size_t given, given_bytes; /* that it has not taken yet */
	int64_t due_ms; /* monotonic; INT64_MAX: nothing known */
	bool sweep_wanted, sweep_unwanted;
	int64_t sweep_from;
	uint64_t sweep_pass;
	struct report report;
	bool has_report;
	struct feed_news news;
	struct batch **last_batch;
	size_t settled_room;
};

static void poke(struct feed *feed)
{
	uint64_t one = 1;

	if (feed->asleep && write(feed->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is readable already */
}

static void hear(struct feed *feed)
{
	uint64_t count;

	if (read(feed->wake_fd, &count, sizeof(count)) < 0)
		return;
}

/* What the thread has to do in this turn, taken from the shared part. */
struct turn {
	struct verdicts put;
	struct position *positions;
	size_t streams;
	size_t room;
	bool stopping, due;
	struct report report;
	bool has_report;
};

static void take_sweep(struct feed *feed)
{
	if (feed->sweep_unwanted) {
		outbox_stop_sweep(feed->outbox);
		feed->sweeping = false;
	}
	if (feed->sweep_wanted) {
		outbox_sweep(feed->outbox, feed->sweep_from);
		feed->pass = feed->sweep_pass;
		feed->sweeping = feed->look = true;
	}
	feed->sweep_wanted = feed->sweep_unwanted = false;
}

/* Small reads cost as much as large ones: wait until there is room worth it. */
static size_t least_room(const struct feed *feed)
{
	return ((size_t)feed->config->batch + 1) / 2;
}

static size_t less(size_t room, size_t given)
{
	return given < room ? room - given : 0;
}

/* How many rows may be read now; under the lock. */
static size_t room_of(const struct feed *feed)
{
	return feed->given_bytes < feed->room_bytes ? less(feed->room, feed->given) : 0;
}

/* There is more to do than to wait for: whatever can be cheaper later is left for later. */
static bool is_busy(const struct feed *feed)
{
	return feed->look && !feed->stopping;
}

/* So are small writes, and those of rows far apart: under load verdicts wait a little for their neighbours. */
static bool is_worth_settling(const struct feed *feed, int64_t now)
{
	return !is_busy(feed) || room_of(feed) < least_room(feed) ||
		feed->put.count >= least_room(feed) * outbox_parts(feed->outbox) ||
		now - feed->put_ms >= COMPANY_MS;
}

static void take_verdicts(struct feed *feed, struct turn *turn, int64_t now)
{
	size_t part = feed->put.count / outbox_parts(feed->outbox), count = least_room(feed);

	if (!is_worth_settling(feed, now))
		return;
	if (!is_busy(feed))
		count = feed->put.count;
	else if (part > count)
		count = part;
	verdicts_take(&feed->put, count, turn->positions, &turn->put);
	feed->put_ms = now;
}

static void take_turn(struct feed *feed, struct turn *turn)
{
	int64_t now = clock_now_ms();

	pthread_mutex_lock(&feed->lock);
	*turn = (struct turn){
		.streams = feed->streams, .room = room_of(feed), .stopping = feed->stopping
	};
	turn->positions = memory_new((feed->streams + 1) * sizeof(*turn->positions));
	if (feed->streams)
		memcpy(turn->positions, feed->positions, feed->streams * sizeof(*turn->positions));
	take_verdicts(feed, turn, now);
	turn->due = feed->due_ms <= now || feed->next_poll_ms <= now;
	if (turn->due && turn->room >= least_room(feed)) /* otherwise nothing is read yet */
		feed->due_ms = INT64_MAX;
	if (feed->has_report && feed->next_report_ms <= now) {
		turn->report = feed->report;
		turn->has_report = true;
	}
	take_sweep(feed);
	pthread_mutex_unlock(&feed->lock);
}

/* Under the lock. */
static void note_due(struct feed *feed, int64_t ms)
{
	int64_t due = clock_now_ms() + ms;

	if (due < feed->due_ms)
		feed->due_ms = due;
}

/* Only now their next try stands in the table, and a look before it would miss them. */
static void note_retries(struct feed *feed, const struct verdicts *put)
{
	for (size_t i = 0; i < put->count; i++)
		if (put->items[i].outcome == OUTCOME_RETRY)
			note_due(feed, put->items[i].delay_ms);
}

static void announce_settled(struct feed *feed, struct verdicts *put, bool ok, size_t missed)
{
	pthread_mutex_lock(&feed->lock);
	size_t wanted = feed->news.settled_count + put->count;
	if (wanted > feed->settled_room) {
		feed->settled_room = wanted * 2;
		feed->news.settled =
			memory_grow(feed->news.settled, feed->settled_room * sizeof(struct row *));
	}
	for (size_t i = 0; i < put->count; i++)
		feed->news.settled[feed->news.settled_count++] = put->items[i].row;
	note_retries(feed, put);
	feed->news.missed += missed;
	feed->news.progress = feed->news.progress || ok;
	feed->news.work_until_ms = lease_work_until_ms(outbox_lease(feed->outbox));
	pthread_mutex_unlock(&feed->lock);
	bell_ring(feed->bell);
}

static bool gives_up(const struct verdicts *put)
{
	for (size_t i = 0; i < put->count; i++)
		if (put->items[i].outcome == OUTCOME_DEAD)
			return true;
	return false;
}

/* The rows are handed back also when settling failed: whoever takes them drops everything then. */
static bool settle(struct feed *feed, struct turn *turn, struct error *err)
{
	size_t missed = 0;
	bool ok = true;

	if (turn->put.count > 0) {
		failpoint("relay.before_settle");
		if (gives_up(&turn->put))
			failpoint("relay.before_giving_up");
		ok = outbox_settle(feed->outbox, turn->put.items, turn->put.count, turn->positions,
			turn->streams, &missed, err);
		failpoint("relay.after_settle");
		if (ok)
			histogram_add(&feed->metrics->batch, (int64_t)turn->put.count);
		announce_settled(feed, &turn->put, ok, missed);
	}
	verdicts_finish(&turn->put);
	return ok;
}

/* A guest has no lease to keep. */
static int64_t keep_at_ms(const struct feed *feed)
{
	return outbox_is_guest(feed->outbox) ? INT64_MAX
					     : lease_keep_at_ms(outbox_lease(feed->outbox));
}

static bool keep_lease(struct feed *feed, struct error *err)
{
	struct lease *lease = outbox_lease(feed->outbox);

	if (clock_now_ms() < keep_at_ms(feed))
		return true;
	if (!lease_keep(outbox_db(feed->outbox), lease, err))
		return false;
	pthread_mutex_lock(&feed->lock);
	feed->news.work_until_ms = lease_work_until_ms(lease);
	metrics_set(feed->metrics, METRIC_LEASE_UNTIL_MS, lease_held_until_ms(lease));
	feed->news.paused = lease->pause.on;
	pthread_mutex_unlock(&feed->lock);
	if (lease->pause.on)
		bell_ring(feed->bell);
	return true;
}

static void give_batch(struct feed *feed, struct batch *batch)
{
	batch->pass = feed->sweeping ? feed->pass : 0;
	if (batch->sweep_done)
		feed->sweeping = false;
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

static bool read_batch(struct feed *feed, const struct turn *turn, struct error *err)
{
	size_t limit = (size_t)feed->config->batch;
	struct read_plan plan = { .limit = turn->room < limit ? turn->room : limit,
		.bytes = feed->config->max_in_flight_bytes / 4 + 1,
		.sweep = feed->sweeping,
		.due = turn->due || feed->look_back,
		.ahead_ms = turn->due ? feed->config->poll_interval_ms : 0 };
	struct batch *batch;

	if (!outbox_read(feed->outbox, &plan, &batch, err))
		return false;
	failpoint("relay.after_read");
	feed->look = !batch->caught_up || (feed->sweeping && !batch->sweep_done);
	feed->look_back = false;
	if (turn->due)
		feed->next_poll_ms = clock_now_ms() + feed->config->poll_interval_ms;
	give_batch(feed, batch);
	return true;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* True: the session has put something meanwhile, so there is no time to sleep. */
static bool fall_asleep(struct feed *feed, bool room, int64_t *until)
{
	pthread_mutex_lock(&feed->lock);
	bool busy = feed->put.count > 0 || feed->stopping || feed->sweep_wanted ||
		(!room && room_of(feed) >= least_room(feed));
	feed->asleep = !busy;
	feed->starved = !busy && !room;
	*until = room ? earliest(feed->next_poll_ms, feed->due_ms) : INT64_MAX;
	if (feed->has_report)
		*until = earliest(*until, feed->next_report_ms);
	pthread_mutex_unlock(&feed->lock);
	*until = earliest(*until, keep_at_ms(feed));
	*until = earliest(*until, feed->next_prune_ms);
	return busy;
}

static bool sleep_until_news(struct feed *feed, bool room, struct error *err)
{
	struct pollfd fd = { .fd = feed->wake_fd, .events = POLLIN };
	int64_t until, now = clock_now_ms();
	bool ok = true;

	if (fall_asleep(feed, room, &until))
		return true;
	int64_t ms = until > now ? until - now : 0;
	if (room) /* otherwise new rows would not help */
		ok = outbox_wait(feed->outbox, feed->wake_fd, ms, err);
	else
		poll(&fd, 1, (int)ms);
	hear(feed);
	pthread_mutex_lock(&feed->lock);
	feed->asleep = feed->starved = false;
	pthread_mutex_unlock(&feed->lock);
	feed->look = feed->look_back = true;
	return ok;
}

static bool write_report(struct feed *feed, struct turn *turn, struct error *err)
{
	if (!turn->has_report)
		return true;
	turn->report.rate = report_rate(&feed->rate, turn->report.events);
	feed->next_report_ms = clock_now_ms() + REPORT_EVERY_MS;
	return outbox_report(feed->outbox, &turn->report, err);
}

/* In idle moments; where there is none, a little in every second. */
static bool prune(struct feed *feed, bool idle, bool *pruned, struct error *err)
{
	int64_t next, now = clock_now_ms();

	*pruned = feed->next_prune_ms <= (idle ? now : now - PRUNE_LATE_MS);
	if (!*pruned)
		return true;
	if (!outbox_prune(feed->outbox, &next, err))
		return false;
	feed->next_prune_ms = clock_now_ms() + next;
	return true;
}

static bool rest(struct feed *feed, bool room, struct error *err)
{
	bool pruned;

	return prune(feed, true, &pruned, err) && (pruned || sleep_until_news(feed, room, err));
}

static bool take_one_turn(struct feed *feed, bool *stopped, struct error *err)
{
	struct turn turn;
	bool pruned;

	take_turn(feed, &turn);
	bool room = turn.room >= least_room(feed), settled = turn.put.count > 0;
	bool ok = settle(feed, &turn, err);
	free(turn.positions);
	*stopped = turn.stopping && !settled;
	if (!ok || turn.stopping)
		return ok;
	if (!keep_lease(feed, err) || !write_report(feed, &turn, err) ||
		!prune(feed, false, &pruned, err))
		return false;
	if (room && (feed->look || turn.due))
		return read_batch(feed, &turn, err);
	return settled || rest(feed, room, err);
}

static void *run(void *context)
{
	struct feed *feed = context;
	struct error err = { 0 };
	bool stopped = false;

	while (!stopped && take_one_turn(feed, &stopped, &err))
		continue;
	if (err.kind != ERROR_NONE) {
		pthread_mutex_lock(&feed->lock);
		feed->news.failed = true;
		feed->news.err = err;
		pthread_mutex_unlock(&feed->lock);
		bell_ring(feed->bell);
	}
	return NULL;
}

struct feed *feed_start(const struct config_relay *config, struct outbox *outbox, struct bell *bell,
	const struct report *report, struct error *err)
{
	struct feed *feed = memory_new(sizeof(*feed));

	*feed = (struct feed){ .config = config,
		.outbox = outbox,
		.bell = bell,
		.metrics = report->metrics,
		.rate = report_rate_begin(report->events),
		.look = true,
		.due_ms = INT64_MAX,
		.next_prune_ms = config->retention_ms > 0 && !outbox_is_guest(outbox)
			? clock_now_ms()
			: INT64_MAX };
	feed->last_batch = &feed->news.batches;
	feed->news.work_until_ms = lease_work_until_ms(outbox_lease(outbox));
	pthread_mutex_init(&feed->lock, NULL);
	feed->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (feed->wake_fd >= 0 && pthread_create(&feed->thread, NULL, run, feed) == 0)
		return feed;
	if (feed->wake_fd >= 0)
		close(feed->wake_fd);
	free(feed);
	error_set(err, ERROR_UNAVAILABLE, "no more threads or descriptors can be had");
	return NULL;
}

void feed_take(struct feed *feed, struct feed_news *news)
{
	pthread_mutex_lock(&feed->lock);
	*news = feed->news;
	feed->news.batches = NULL;
	feed->last_batch = &feed->news.batches;
	feed->news.settled = NULL;
	feed->news.settled_count = feed->news.missed = feed->settled_room = 0;
	feed->news.progress = false;
	feed->room = less(feed->room, feed->given);
	feed->room_bytes = less(feed->room_bytes, feed->given_bytes);
	feed->given = feed->given_bytes = 0;
	pthread_mutex_unlock(&feed->lock);
}

void feed_stop(struct feed *feed, struct feed_news *news)
{
	pthread_mutex_lock(&feed->lock);
	feed->stopping = true;
	poke(feed);
	pthread_mutex_unlock(&feed->lock);
	pthread_join(feed->thread, NULL);
	feed_take(feed, news);
	verdicts_finish(&feed->put);
	free(feed->positions);
	pthread_mutex_destroy(&feed->lock);
	close(feed->wake_fd);
	free(feed);
}

void feed_put(struct feed *feed, const struct verdict *verdicts, size_t count,
	const struct position *positions, size_t streams)
{
	pthread_mutex_lock(&feed->lock);
	if (feed->put.count == 0)
		feed->put_ms = clock_now_ms();
	verdicts_add(&feed->put, verdicts, count);
	if (streams > feed->streams)
		feed->positions = memory_grow(feed->positions, streams * sizeof(*positions));
	if (streams)
		memcpy(feed->positions, positions, streams * sizeof(*positions));
	feed->streams = streams;
	poke(feed);
	pthread_mutex_unlock(&feed->lock);
}

void feed_room(struct feed *feed, size_t rows, size_t bytes)
{
	pthread_mutex_lock(&feed->lock);
	feed->room = rows;
	feed->room_bytes = bytes;
	if (feed->starved && room_of(feed) >= least_room(feed))
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
