/*
 * One session of a sink. Always: what is stored and the position move together; nothing is acknowledged
 * before it is stored; an event counts as stored only when a commit said so.
 */
#include "sink/ingest.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "sink/ddl.h"
#include "sink/place.h"
#include "sink/trim.h"
#include "sink/turn.h"

#define IDLE_MS	  1000
#define FORGET_MS 60000 /* how often to look which events of a durable cannot come again */
#define LINGER_MS 2 /* how long a batch waits for more where the stream has nothing more */

bool ingest_init(struct ingest *ingest, const struct config *config, const struct config_sink *sink,
	struct metrics *metrics, struct stop *stop, struct error *err)
{
	*ingest = (struct ingest){ .config = sink, .stop = stop };
	ingest->table = table_create(sink, stop, err);
	if (!ingest->table)
		return false;
	ingest->link = link_create(&config->nats, sink->name, stop);
	load_init(&ingest->load, (size_t)sink->batch, sink->max_dead_ratio);
	ingest->report = (struct report){ .name = sink->name,
		.kind = "sink",
		.holder = table_lease(ingest->table)->holder,
		.resource = sink->stream,
		.backlog = -1,
		.lag_ms = -1,
		.metrics = metrics };
	ingest->rate = report_rate_begin(0);
	tombstones_init(&ingest->tombstones, sink->name, sink->retention_ms);
	ingest->prune_at_ms = sink->retention_ms > 0 ? clock_now_ms() : INT64_MAX;
	return true;
}

/* Whoever holds the lease writes the row. */
static bool is_ours(const struct ingest *ingest, int64_t now)
{
	const struct lease *lease = table_lease(ingest->table);

	return db_is_open(table_db(ingest->table)) && lease->epoch > 0 &&
		now < lease->confirmed_ms + lease->length_ms;
}

void ingest_report(struct ingest *ingest, const char *state)
{
	struct report *report = &ingest->report;
	int64_t now = clock_now_ms();

	report->state = state;
	report->rate = report_rate(&ingest->rate, report->events);
	ingest->report_at_ms = now + REPORT_EVERY_MS;
	if (is_ours(ingest, now))
		report_write(table_db(ingest->table), report, NULL);
}

void ingest_show(struct ingest *ingest, enum metrics_state state)
{
	const struct lease *lease = table_lease(ingest->table);

	metrics_set(ingest->report.metrics, METRIC_STATE, state);
	metrics_set(ingest->report.metrics, METRIC_LEASE_UNTIL_MS, lease_held_until_ms(lease));
}

/* The session works: an outage is over. */
static void well(struct ingest *ingest)
{
	ingest->progress++;
	ingest->was_up = true;
	if (!ingest->out)
		return;
	ingest->out = false;
	if (!ingest->keep_error) {
		ingest->report.last_error[0] = '\0';
		metrics_error(ingest->report.metrics, "", 0);
	}
	log_info(ingest->config->name, "working again after %.1f s",
		(double)(clock_now_ms() - ingest->out_since_ms) / 1000);
}

static bool open_stream(struct ingest *ingest, struct error *err)
{
	struct stream_info before = { 0 }, after = { 0 };
	bool ok = link_is_up(ingest->link) || link_connect(ingest->link, err);

	ok = ok && stream_get_info(ingest->link, ingest->config->stream, &before, NULL, err);
	if (!ok)
		return false;
	ok = place_find(ingest, &before, err);
	if (ok) {
		ingest->consumer = consumer_open(ingest->link, ingest->config, &before,
			&ingest->position, ingest->placed, err);
		/* Only now it is certain that the consumer is one of this stream, not of a new one. */
		ok = ingest->consumer &&
			stream_get_info(ingest->link, ingest->config->stream, &after, NULL, err);
	}
	if (ok)
		table_expect(ingest->table, !consumer_is_durable(ingest->consumer));
	if (ok && strcmp(before.created, after.created) != 0)
		ok = error_set(err, ERROR_CONFLICT, "stream %s was made anew just now",
			ingest->config->stream);
	stream_info_finish(&before);
	stream_info_finish(&after);
	return ok;
}

/* What a durable's events are known by would grow for ever. */
static bool forget(struct ingest *ingest, int64_t now, struct error *err)
{
	int64_t acked, given;

	if (now < ingest->forget_at_ms || !table_maps(ingest->table) || !ingest->placed ||
		!consumer_is_durable(ingest->consumer))
		return true;
	ingest->forget_at_ms = now + FORGET_MS;
	return consumer_acked(ingest->link, ingest->config, &acked, &given, err) &&
		table_acknowledged(ingest->table, ingest->position.epoch, acked, err);
}

static void tell_held(struct ingest *ingest, bool now)
{
	int64_t dead = log_held_back(&ingest->dead_lines, now);

	if (dead > 0)
		log_warning(ingest->config->name,
			"%lld more events set aside (sink_dead); \"dray dead list\" shows them",
			(long long)dead);
}

/* Deleted keys past their retention, in steps between batches. */
static bool prune(struct ingest *ingest, int64_t now, struct error *err)
{
	struct tombstones *tombstones = &ingest->tombstones;
	bool over;

	if (now < ingest->prune_at_ms)
		return true;
	if (!tombstones_step(tombstones, table_db(ingest->table), false, true, &over, err))
		return false;
	ingest->prune_at_ms = clock_now_ms() +
		(over ? tombstones_every_ms(tombstones->age_ms) : tombstones->pace.pause_ms);
	return true;
}

static bool due(struct ingest *ingest, int64_t now, struct error *err)
{
	if (!turn_keep(ingest, now, err))
		return false;
	tell_held(ingest, false);
	if (now >= ingest->report_at_ms)
		ingest_report(ingest, "running");
	return forget(ingest, now, err) && prune(ingest, now, err) && trim_look(ingest, now, err);
}

static int64_t next_due(struct ingest *ingest, int64_t now)
{
	int64_t at = lease_keep_at_ms(table_lease(ingest->table));

	if (ingest->report_at_ms < at)
		at = ingest->report_at_ms;
	if (ingest->prune_at_ms < at)
		at = ingest->prune_at_ms;
	return at < now ? now : at < now + IDLE_MS ? at : now + IDLE_MS;
}

/*
 * Fills the batch: waits for a first event until something else is due, then as long as the batch may wait
 * to become full, but only a moment where the stream has no more.
 */
static bool fetch(struct ingest *ingest, struct error *err)
{
	struct load *load = &ingest->load;
	int64_t now = clock_now_ms(), until = next_due(ingest, now), full_by = 0;
	struct pull_message message;
	bool quiet = false;

	while (load->count < load->room && load->bytes < ingest->config->batch_bytes) {
		if (now > until && load->count > 0)
			return true;
		if (!consumer_next(ingest->consumer, now < until ? until - now : 0, &message, err))
			return err->kind == ERROR_NONE ||
				(err->kind == ERROR_STOPPED && load->count > 0);
		if (!trim_precedes(ingest, &message, &ingest->trimmed, err) || ingest->trimmed) {
			pull_release(&message);
			return ingest->trimmed;
		}
		now = clock_now_ms();
		if (load->count == 0)
			full_by = now + ingest->config->max_wait_ms;
		if (message.pending > 0)
			until = full_by;
		else if (!quiet || load->count == 0)
			until = now + LINGER_MS < full_by ? now + LINGER_MS : full_by;
		quiet = message.pending == 0;
		ingest->report.backlog = (int64_t)message.pending;
		load_add(load, &message);
	}
	return true;
}

static void tell_dead(struct ingest *ingest, size_t dead)
{
	const struct load *load = &ingest->load;
	size_t first = 0;

	if (!log_may_say(&ingest->dead_lines, (int64_t)dead))
		return;
	while (!load->events[first].fault)
		first++;
	log_warning(ingest->config->name,
		"%zu of %zu events set aside (sink_dead) in %zu transaction%s, the first at "
		"sequence %lld: %s",
		dead, load->done, load->tries, load->tries == 1 ? "" : "s",
		(long long)load->events[first].seq, load->events[first].fault);
}

/* What is committed counts, also where the rest of the load is not. */
static void count(struct ingest *ingest)
{
	const struct load *load = &ingest->load;
	struct metrics *metrics = ingest->report.metrics;
	size_t dead = load_dead(load);

	if (load->done == 0)
		return;
	const struct table_event *last = &load->events[load->done - 1];
	ingest->report.events += (int64_t)(load->done - dead);
	ingest->report.dead += (int64_t)dead;
	int64_t now_ms = clock_wall_ms();
	ingest->report.lag_ms = now_ms - last->time_ns / 1000000;
	if (ingest->report.lag_ms < 0)
		ingest->report.lag_ms = 0;
	metrics_set(metrics, METRIC_DONE, ingest->report.events);
	metrics_set(metrics, METRIC_DEAD, ingest->report.dead);
	metrics_set(metrics, METRIC_LAG_MS, ingest->report.lag_ms);
	histogram_add(&metrics->batch, (int64_t)load->done);
	for (size_t i = 0; i < load->done; i++)
		histogram_add(&metrics->latency, now_ms - load->events[i].time_ns / 1000000);
	if (dead > 0)
		tell_dead(ingest, dead);
}

static bool store(struct ingest *ingest, struct error *err)
{
	struct load *load = &ingest->load;

	failpoint("sink.before_store");
	if (!ingest->placed && !place_begin(ingest, load->events[0].seq - 1, err))
		return false;
	bool ok = load_store(load, ingest->table, &ingest->position, err);
	count(ingest);
	if (!ok)
		return err->kind == ERROR_REJECTED ? turn_pause(ingest, err) : false;
	failpoint("sink.after_store");
	if (consumer_is_durable(ingest->consumer) && !place_store_others(ingest, err))
		return false;
	well(ingest);
	if (!consumer_ack(ingest->consumer, load, err))
		return false;
	load_clear(load);
	return true;
}

/* place_find says what is gone. */
static bool begin_behind(struct ingest *ingest, struct error *err)
{
	ingest->progress++;
	return error_set(
		err, ERROR_CONFLICT, "events were removed from stream %s", ingest->config->stream);
}

static bool turn(struct ingest *ingest, struct error *err)
{
	if (!fetch(ingest, err))
		return false;
	if (ingest->load.count == 0) {
		well(ingest);
	} else {
		failpoint("sink.after_fetch");
		if (!store(ingest, err))
			return false;
	}
	ingest_show(ingest, STATE_RUNNING);
	metrics_set(ingest->report.metrics, METRIC_BACKLOG, ingest->report.backlog);
	if (ingest->trimmed)
		return begin_behind(ingest, err);
	return due(ingest, clock_now_ms(), err);
}

static void give_lease_back(struct ingest *ingest)
{
	ingest_report(ingest, "stopped");
	lease_release(table_db(ingest->table), table_lease(ingest->table));
}

static bool creates(const struct config_sink *config)
{
	size_t count;
	const struct config_table *tables = config_tables(config, &count);

	for (size_t i = 0; i < count; i++)
		if (tables[i].create == CONFIG_TRUE)
			return true;
	return false;
}

static bool create_all(struct ingest *ingest, struct db *db, struct error *err)
{
	const struct config_sink *config = ingest->config;
	size_t count;
	const struct config_table *tables = config_tables(config, &count);
	bool made = false;

	for (size_t i = 0; i < count; i++) {
		if (!ddl_create(db, ingest->link, config, i, &made, err))
			return false;
		if (made)
			log_info(config->name, "made the table %s after a sample of stream %s",
				tables[i].table, config->stream);
	}
	return true;
}

/* create: true; once is enough, since a table that vanishes later was somebody's doing. */
static bool create_tables(struct ingest *ingest, struct error *err)
{
	if (ingest->created || !creates(ingest->config))
		return true;
	if (!link_is_up(ingest->link) && !link_connect(ingest->link, err))
		return false;
	struct db *db = db_create(ingest->config->database, "dray", ingest->stop, err);
	ingest->created = db && db_open(db, false, err) && create_all(ingest, db, err);
	db_destroy(db);
	return ingest->created;
}

void ingest_finish(struct ingest *ingest)
{
	if (!ingest->table)
		return;
	tell_held(ingest, true);
	load_finish(&ingest->load);
	tombstones_finish(&ingest->tombstones);
	link_destroy(ingest->link);
	table_destroy(ingest->table);
}

void ingest_run(struct ingest *ingest, struct error *err)
{
	bool ok = create_tables(ingest, err) && table_open(ingest->table, err);

	ingest->load.routes = table_routes(ingest->table);
	ok = ok && turn_take(ingest, err) && open_stream(ingest, err);
	if (ok) {
		metrics_add(ingest->report.metrics, METRIC_SESSIONS, 1);
		ingest_report(ingest, "running");
	}
	while (ok)
		ok = turn(ingest, err);
	if (stop_requested(ingest->stop)) /* whoever stands by need not wait for what follows */
		give_lease_back(ingest);
	if (ingest->consumer)
		consumer_give_back(ingest->consumer, &ingest->load);
	load_clear(&ingest->load);
	consumer_close(ingest->consumer);
	ingest->consumer = NULL;
}
