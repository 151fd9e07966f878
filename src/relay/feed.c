/*
 * The outbox's thread. Settling comes first, since it frees rows; then reading, where rows are wanted and were not
 * read beside it; then it sleeps in outbox_wait, from which a new row or the session wakes it.
 */
#include "relay/feed.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "relay/feed_talk.h"

#define COMPANY_MS    20 /* so long a verdict waits for others */
#define PRUNE_LATE_MS 1000

/* --- reading --- */

static bool has_room(const struct feed *feed, const struct turn *turn)
{
	return turn->wanted >= feed_least(feed);
}

static bool is_to_read(const struct feed *feed, const struct turn *turn)
{
	return !turn->stopping && !turn->read && has_room(feed, turn) && (feed->look || turn->due);
}

static struct read_plan plan_of(const struct feed *feed, const struct turn *turn)
{
	size_t limit = (size_t)feed->config->batch;

	return (struct read_plan){ .limit = turn->wanted < limit ? turn->wanted : limit,
		.bytes = feed->config->max_in_flight_bytes / 4 + 1,
		.sweep = feed->sweeping,
		.due = turn->due || feed->look_back,
		.ahead_ms = turn->due ? feed->config->poll_interval_ms : 0 };
}

static void steer_sweep(struct feed *feed, const struct turn *turn)
{
	if (turn->no_sweep) {
		outbox_stop_sweep(feed->outbox);
		feed->sweeping = false;
	}
	if (turn->sweep) {
		outbox_sweep(feed->outbox, turn->sweep_from);
		feed->pass = turn->sweep_pass;
		feed->sweeping = feed->look = true;
	}
}

static void take_batch(struct feed *feed, struct turn *turn, struct batch *batch)
{
	failpoint("relay.after_read");
	turn->read = true;
	feed->look = !batch->caught_up || (feed->sweeping && !batch->sweep_done);
	feed->look_back = false;
	if (turn->due)
		feed->next_poll_ms = clock_now_ms() + feed->config->poll_interval_ms;
	batch->pass = feed->sweeping ? feed->pass : 0;
	if (batch->sweep_done)
		feed->sweeping = false;
	feed_give(feed, batch);
}

static bool read_batch(struct feed *feed, struct turn *turn, struct error *err)
{
	struct read_plan plan = plan_of(feed, turn);
	struct batch *batch;

	if (!outbox_read(feed->outbox, &plan, &batch, err))
		return false;
	take_batch(feed, turn, batch);
	return true;
}

/* While settling. */
struct beside {
	struct feed *feed;
	struct turn *turn;
};

static void take_beside(void *context, struct batch *batch)
{
	const struct beside *beside = context;

	take_batch(beside->feed, beside->turn, batch);
}

/* --- settling --- */

/* There is more to do than to wait for: whatever can be cheaper later is left for later. */
static bool is_busy(const struct feed *feed, const struct turn *turn)
{
	return feed->look && !turn->stopping;
}

/*
 * Small writes cost as much as large ones, and rows far apart more: under load verdicts wait a little for their
 * neighbours.
 */
static bool is_worth_settling(const struct feed *feed, const struct turn *turn)
{
	size_t least = feed_least(feed);

	return !is_busy(feed, turn) || turn->full ||
		feed->waiting.count >= least * outbox_parts(feed->outbox) ||
		clock_now_ms() >= feed->waiting_since_ms + COMPANY_MS;
}

static void choose(struct feed *feed, struct turn *turn, struct verdicts *chosen)
{
	size_t part = feed->waiting.count / outbox_parts(feed->outbox);
	size_t count = feed_least(feed);

	if (!is_worth_settling(feed, turn))
		return;
	if (!is_busy(feed, turn))
		count = feed->waiting.count;
	else if (part > count)
		count = part;
	verdicts_take(&feed->waiting, count, turn->positions, chosen);
	feed->waiting_since_ms = clock_now_ms();
}

static bool gives_up(const struct verdicts *chosen)
{
	for (size_t i = 0; i < chosen->count; i++)
		if (chosen->items[i].outcome == OUTCOME_DEAD)
			return true;
	return false;
}

/* The rows are handed back also when settling failed: whoever takes them drops everything then. */
static bool settle_chosen(struct feed *feed, const struct turn *turn, const struct verdicts *chosen,
	struct error *err)
{
	size_t missed = 0;

	failpoint("relay.before_settle");
	if (gives_up(chosen))
		failpoint("relay.before_giving_up");
	bool ok = outbox_settle(feed->outbox, chosen->items, chosen->count, turn->positions,
		turn->streams, &missed, err);
	failpoint("relay.after_settle");
	if (ok)
		histogram_add(&feed->metrics->batch, (int64_t)chosen->count);
	feed_tell_settled(feed, chosen, ok, missed);
	return ok;
}

static bool settle(struct feed *feed, struct turn *turn, bool *settled, struct error *err)
{
	struct verdicts chosen = { 0 };
	struct beside context = { feed, turn };
	struct read_beside beside = { plan_of(feed, turn), take_beside, &context };

	choose(feed, turn, &chosen);
	*settled = chosen.count > 0;
	if (*settled && is_to_read(feed, turn))
		outbox_expect(feed->outbox, &beside);
	bool ok = !*settled || settle_chosen(feed, turn, &chosen, err);
	verdicts_finish(&chosen);
	return ok;
}

/* --- the lease, the report, pruning --- */

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
	metrics_set(feed->metrics, METRIC_LEASE_UNTIL_MS, lease_held_until_ms(lease));
	feed_tell_lease(feed);
	return true;
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

/* --- sleeping --- */

static bool sleep_until_news(struct feed *feed, bool wanted, struct error *err)
{
	struct pollfd fd = { .fd = feed->wake_fd, .events = POLLIN };
	int64_t until, now = clock_now_ms(), keep_at = keep_at_ms(feed);
	bool ok = true;

	if (!feed_fall_asleep(feed, wanted, &until))
		return true;
	if (feed->waiting.count > 0 && feed->waiting_since_ms + COMPANY_MS < until)
		until = feed->waiting_since_ms + COMPANY_MS;
	if (keep_at < until)
		until = keep_at;
	int64_t ms = until > now ? until - now : 0;
	if (wanted) /* otherwise new rows would not help */
		ok = outbox_wait(feed->outbox, feed->wake_fd, ms, err);
	else
		poll(&fd, 1, (int)ms);
	feed_wake_up(feed);
	feed->look = true;
	feed->look_back = feed->look_back || wanted;
	return ok;
}

static bool rest(struct feed *feed, bool wanted, struct error *err)
{
	bool pruned = false, idle = feed->waiting.count == 0;

	return (!idle || prune(feed, true, &pruned, err)) &&
		(pruned || sleep_until_news(feed, wanted, err));
}

/* --- a turn --- */

static bool work(struct feed *feed, struct turn *turn, bool settled, struct error *err)
{
	bool pruned;

	if (!keep_lease(feed, err) || !write_report(feed, turn, err) ||
		!prune(feed, false, &pruned, err))
		return false;
	if (is_to_read(feed, turn))
		return read_batch(feed, turn, err);
	return settled || rest(feed, has_room(feed, turn), err);
}

static bool take_turn(struct feed *feed, bool *stopped, struct error *err)
{
	struct turn turn;
	bool settled, none = feed->waiting.count == 0;

	feed_hear(feed, &turn);
	if (none)
		feed->waiting_since_ms = clock_now_ms();
	steer_sweep(feed, &turn);
	bool ok = settle(feed, &turn, &settled, err);
	free(turn.positions);
	rows_release(turn.returned);
	*stopped = turn.stopping && !settled;
	return ok && (turn.stopping || work(feed, &turn, settled, err));
}

static void *run(void *context)
{
	struct feed *feed = context;
	struct error err = { 0 };
	bool stopped = false;

	while (!stopped && take_turn(feed, &stopped, &err))
		continue;
	if (err.kind != ERROR_NONE)
		feed_tell_failure(feed, &err);
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

void feed_stop(struct feed *feed, struct feed_news *news)
{
	feed_ask_to_stop(feed);
	pthread_join(feed->thread, NULL);
	feed_take(feed, news);
	verdicts_finish(&feed->waiting);
	verdicts_finish(&feed->put);
	free(feed->positions);
	rows_release(feed->returned);
	pthread_mutex_destroy(&feed->lock);
	close(feed->wake_fd);
	free(feed);
}
