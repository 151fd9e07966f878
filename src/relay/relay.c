/*
 * A relay: one session after another. Between two of them this thread alone uses the outbox; it keeps the
 * lease while NATS is away, waits with backoff, and says once that an outage began and once that it ended.
 */
#include "relay/relay.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "relay/backoff.h"
#include "relay/session.h"

#define DRAIN_MS	3000 /* for answers after a stop */
#define DRAIN_BROKEN_MS 500 /* and after trouble */

static const struct config_retry waiting = {
	.initial_ms = 100, .max_ms = 5000, .multiplier = 2, .jitter = 0.3
};

struct relay {
	const struct config_relay *config;
	struct outbox *outbox;
	struct link *link;
	struct stop *stop;
	struct counts counts;
	struct chain chain;
	struct report report;
	int64_t failures; /* since the last progress */
	int64_t outage_ms; /* monotonic: when it began; 0: none */
	bool told_set_up; /* that it is not only a server that is away */
	bool standing_by;
	bool worked; /* what stops it now was in order before: it may be so again */
};

/* What whoever watches sees: the state, and until when the lease is held. */
static void show(struct relay *relay, enum metrics_state state)
{
	const struct lease *lease = outbox_lease(relay->outbox);

	metrics_set(relay->report.metrics, METRIC_STATE, state);
	metrics_set(relay->report.metrics, METRIC_LEASE_UNTIL_MS, lease_held_until_ms(lease));
}

static void recovered(void *context)
{
	struct relay *relay = context;

	if (relay->outage_ms)
		log_info(relay->config->name, "working again after %.1f s",
			(double)(clock_now_ms() - relay->outage_ms) / 1000);
	relay->outage_ms = 0;
	relay->told_set_up = false;
	relay->failures = 0;
	relay->worked = true;
}

static void trouble(struct relay *relay, const struct error *err)
{
	report_error(&relay->report, "%s", err->text);
	show(relay, STATE_WAITING);
	bool set_up = err->kind == ERROR_SCHEMA;
	if (relay->outage_ms && (!set_up || relay->told_set_up)) {
		log_debug(relay->config->name, "still waiting: %s", err->text);
		return;
	}
	relay->told_set_up = set_up;
	if (!relay->outage_ms)
		relay->outage_ms = clock_now_ms();
	log_warning(relay->config->name, "waiting: %s; will keep trying, up to every %d s",
		err->text, (int)(waiting.max_ms / 1000));
}

/* While the relay waits, its lease is kept and its row in the table of pipelines too. */
static void keep_lease(struct relay *relay, const char *state)
{
	struct lease *lease = outbox_lease(relay->outbox);
	struct db *db = outbox_db(relay->outbox);

	if (!db_is_open(db) ||
		lease->epoch == 0) /* the row is written by whoever holds the lease */
		return;
	if (clock_now_ms() >= lease_renew_at_ms(lease) && !lease_renew(db, lease, NULL))
		return;
	metrics_set(relay->report.metrics, METRIC_LEASE_UNTIL_MS, lease_held_until_ms(lease));
	relay->report.state = state;
	relay->report.rate = 0;
	report_write(db, &relay->report, NULL);
}

static void wait_ms(struct relay *relay, int64_t ms, const char *state)
{
	int64_t until = clock_now_ms() + ms, quarter = relay->config->lease_ms / 4;

	keep_lease(relay, state);
	while (!stop_requested(relay->stop) && clock_now_ms() < until) {
		int64_t left = until - clock_now_ms();
		stop_wait(relay->stop, left < quarter ? left : quarter);
		if (left > quarter)
			keep_lease(relay, state);
	}
}

static bool both_ends(struct relay *relay, struct error *err)
{
	struct lease *lease = outbox_lease(relay->outbox);

	if (!outbox_open(relay->outbox, err))
		return false;
	if (relay->standing_by)
		log_info(relay->config->name, "took over %s, epoch %lld", lease->resource,
			(long long)lease->epoch);
	relay->standing_by = false;
	return link_is_up(relay->link) || link_connect(relay->link, err);
}

static bool run_session(struct relay *relay, struct error *err)
{
	struct session session = { .config = relay->config,
		.outbox = relay->outbox,
		.link = relay->link,
		.stop = relay->stop,
		.counts = &relay->counts,
		.chain = &relay->chain,
		.report = &relay->report };

	relay->report.state = "running";
	metrics_add(relay->report.metrics, METRIC_SESSIONS, 1);
	show(relay, STATE_STARTING);
	bool ok = session_begin(&session, err);
	if (ok) { /* from here on the lease is the feed's */
		metrics_set(relay->report.metrics, METRIC_STATE, STATE_RUNNING);
		ok = session_run(&session, recovered, relay, err);
	}
	session_end(&session, ok ? DRAIN_MS : DRAIN_BROKEN_MS);
	return ok;
}

static void stand_by(struct relay *relay, const struct error *err)
{
	struct lease *lease = outbox_lease(relay->outbox);

	if (!relay->standing_by)
		log_info(relay->config->name, "standing by: %s", err->text);
	relay->standing_by = true;
	relay->outage_ms = 0;
	lease->epoch = 0;
	show(relay, lease->pause.on ? STATE_PAUSED : STATE_STANDING_BY);
	stop_wait(relay->stop, lease_wait_ms(lease));
}

/* What was in order before may be so again. */
static bool may_pass(const struct relay *relay, enum error_kind kind)
{
	return kind == ERROR_UNAVAILABLE || (kind == ERROR_SCHEMA && relay->worked);
}

/* False: the set-up is at fault from the beginning, and there is no use in trying again. */
static bool take_turn(struct relay *relay, struct error *err)
{
	struct error why = { 0 };

	if ((both_ends(relay, &why) && run_session(relay, &why)) || why.kind == ERROR_STOPPED)
		return true;
	if (why.kind == ERROR_CONFLICT) { /* the lease is somebody else's, or was for a moment */
		stand_by(relay, &why);
		return true;
	}
	if (!may_pass(relay, why.kind)) {
		*err = why;
		return false;
	}
	trouble(relay, &why);
	wait_ms(relay, backoff_delay(&waiting, ++relay->failures, backoff_chance()), "waiting");
	return true;
}

static void finish(struct relay *relay)
{
	relay->report.state = "stopped";
	keep_lease(relay, "stopped");
	counts_say_held(&relay->counts, relay->config->name, true);
	map_finish(&relay->counts.alarms);
	outbox_destroy(relay->outbox);
	link_destroy(relay->link);
}

bool relay_run(const struct config *config, const struct config_relay *relay,
	struct metrics *metrics, struct stop *stop, struct error *err)
{
	return relay_run_outbox(config, relay, outbox_create(relay, stop, err), metrics, stop, err);
}

bool relay_run_outbox(const struct config *config, const struct config_relay *relay,
	struct outbox *outbox, struct metrics *metrics, struct stop *stop, struct error *err)
{
	struct relay run = { .config = relay, .stop = stop, .counts = { .lag_ms = -1 } };
	struct metrics unseen = { 0 };
	bool ok = true;

	chain_init(&run.chain, relay->ordering == ORDERING_STREAM, (size_t)relay->max_in_flight);
	if (!outbox)
		return false;
	run.outbox = outbox;
	run.link = link_create(&config->nats, relay->name, stop);
	run.report = (struct report){ .name = relay->name,
		.kind = "relay",
		.holder = outbox_lease(run.outbox)->holder,
		.resource = relay->table,
		.state = "waiting",
		.backlog = -1,
		.lag_ms = -1,
		.metrics = metrics ? metrics : &unseen };
	metrics_init(&unseen);
	while (ok && !stop_requested(stop) && !outbox_is_done(outbox))
		ok = take_turn(&run, err);
	if (!ok)
		report_error(&run.report, "%s", err->text);
	finish(&run);
	metrics_finish(&unseen);
	return ok;
}
