/* Nothing lost, nothing leaked, nothing twice, nothing altered, nothing turned around. */
#include "audit.h"

#include "faults.h"
#include "feeder.h"
#include "writers.h"

#define STUCK_MS 45000 /* without any progress */

static int64_t rows_in(struct world *world, const char *table, const char *where)
{
	return testdb_int(world->db, "SELECT count(*) FROM %s WHERE %s",
		testdb_table(world->db, table), where);
}

/* What is still on its way; said now and then, for those who want to know what takes so long. */
static int64_t backlog(struct world *world, struct jetstream *js, int64_t *say_ms)
{
	int64_t pending = rows_in(world, "outbox", "state = 'pending'");
	int64_t behind = jetstream_count(js, STREAM) - rows_in(world, "events", "TRUE");
	int64_t queued = feeder_backlog(world->feeder, world->db);

	if (pending + behind + queued > 0 && now_ms() > *say_ms) {
		say("  on the way: %lld rows, %lld events of the stream, %lld of the queue",
			(long long)pending, (long long)behind, (long long)queued);
		*say_ms = now_ms() + 5000;
	}
	return pending + behind + queued;
}

static void say_row(void *context, const char *const *cells)
{
	(void)context;
	say("still pending: row %s, subject %s, key %s, attempts %s, %s", cells[0], cells[1],
		cells[2] ? cells[2] : "(none)", cells[3], cells[4] ? cells[4] : "no error");
}

/* Gives what never arrived. */
static int64_t wait_until_arrived(struct world *world, struct jetstream *js)
{
	int64_t least = INT64_MAX, end = 0, say_ms = now_ms() + 3000, now;

	while ((now = backlog(world, js, &say_ms)) > 0 && (now < least || now_ms() < end)) {
		if (now < least)
			end = now_ms() + patience(STUCK_MS);
		least = now < least ? now : least;
		world_check_drays(world);
		nap(200); /* to look costs more than to wait */
	}
	if (now > 0)
		testdb_each(world->db, say_row, NULL,
			text("SELECT id, subject, key, attempts, last_error FROM %s WHERE state = "
			     "'pending' ORDER BY id LIMIT 10",
				testdb_table(world->db, "outbox")));
	return now > 0 ? now : 0;
}

/* Where a sequence gives each session a block of ids, they say nothing of the order of commits. */
static bool ids_in_blocks(const struct world *world)
{
	return world->plan->cached_ids && world->plan->options.postgres;
}

/*
 * Rows that come one by one, when everybody sleeps; gives how many did not leave at once. One of a block that was
 * drawn long ago has to wait for the sweep.
 */
static int64_t slow_alone(struct world *world, struct jetstream *js)
{
	int64_t slow = 0;

	if (ids_in_blocks(world))
		return 0;
	for (int i = 0; i < 3; i++) {
		nap(1200);
		int64_t before = jetstream_last(js, STREAM), end = now_ms() + patience(4000);
		writers_add_one(world->writers);
		while (jetstream_last(js, STREAM) == before && now_ms() < end)
			nap(10);
		slow += jetstream_last(js, STREAM) == before;
	}
	return slow;
}

/* The message of the last row gets lost on its way to the sink; nothing comes after it that would tell. */
static void lose_the_last(struct world *world)
{
	int before = network_lose_next(world, "Nats-Msg-Id");

	writers_add_one(world->writers);
	say("FAULT lose-last-message %d 1", network_has_lost(world, before, patience(4000)));
}

/* A row that was about to be given up ends either way; only where it is dead it must not be in the stream. */
static struct oracle *read_ledger(struct world *world)
{
	bool ordered = strcmp(world->plan->ordering, "none") != 0 && !ids_in_blocks(world);

	return oracle_from_query(world->db,
		text("SELECT %s, event_id, subject, key, %s FROM ledger WHERE kind = 'good' OR (kind = "
		     "'given_up' AND event_id NOT IN (SELECT %s FROM %s WHERE state = 'dead')) ORDER "
		     "BY n",
			ordered ? "n" : "1",
			testdb_pick(world->db, "lower(hex(CAST(payload AS BLOB)))",
				"encode(convert_to(payload, 'UTF8'), 'hex')"),
			testdb_pick(world->db, "event_id", "event_id::text"),
			testdb_table(world->db, "outbox")));
}

/* The rows of ledger and outbox that are the same event; an event_id alone may stand for two. */
static char *joined(struct world *world)
{
	return text("ledger l LEFT JOIN %s o ON %s = l.event_id AND o.payload = %s",
		testdb_table(world->db, "outbox"),
		testdb_pick(world->db, "o.event_id", "o.event_id::text"),
		testdb_pick(world->db, "CAST(l.payload AS BLOB)", "convert_to(l.payload, 'UTF8')"));
}

static void say_poison(void *context, const char *const *cells)
{
	(void)context;
	say("not dead with a reason: %s, subject '%s', headers %s, state %s, error %s", cells[0],
		cells[1], cells[2] ? cells[2] : "-", cells[3] ? cells[3] : "(no row)",
		cells[4] ? cells[4] : "-");
}

static int64_t count_each(
	struct world *world, const char *what, const char *from, testdb_row_fn *fn)
{
	int64_t count = testdb_int(world->db, "SELECT count(*) FROM %s", from);

	if (count > 0)
		testdb_each(world->db, fn, NULL, text("SELECT %s FROM %s LIMIT 5", what, from));
	return count;
}

/* Poisonous rows that did not end as dead with a reason. */
static int64_t undead(struct world *world)
{
	return count_each(world, "l.kind, l.subject, l.headers, o.state, o.last_error",
		text("%s WHERE l.kind IN ('poison', 'same_id') AND (o.state IS NULL OR o.state <> 'dead' OR "
		     "coalesce(o.last_error, '') = '')",
			joined(world)),
		say_poison);
}

static void say_unmarked(void *context, const char *const *cells)
{
	(void)context;
	say("badly settled: %s, key %s, state %s, marked with %s, stored at %s, error %s", cells[0],
		cells[1] ? cells[1] : "(none)", cells[2] ? cells[2] : "(no row)",
		cells[3] ? cells[3] : "-", cells[4] ? cells[4] : "-", cells[5] ? cells[5] : "-");
}

/* Rows whose settlement does not say what happened to them. */
static int64_t unmarked(struct world *world)
{
	const char *outbox = testdb_table(world->db, "outbox");

	if (world->plan->deletes)
		return testdb_int(
			world->db, "SELECT count(*) FROM %s o WHERE state <> 'dead'", outbox);
	return count_each(world, "l.event_id, l.key, o.state, o.stream_seq, e.seq, o.last_error",
		text("%s LEFT JOIN %s e ON e.msg_id = l.event_id WHERE l.kind = 'good' AND "
		     "(o.state IS NULL OR o.state <> 'delivered' OR e.seq IS NULL OR o.stream_seq "
		     "<> e.seq)",
			joined(world), testdb_table(world->db, "events")),
		say_unmarked);
}

static const char *published_ms(struct world *world)
{
	return testdb_pick(world->db,
		"CAST(round((julianday(e.published_at) - 2440587.5) * 86400000) AS INTEGER)",
		"(extract(epoch FROM e.published_at) * 1000)::bigint");
}

/* Scheduled rows that the stream had before they were due. */
static int64_t early(struct world *world)
{
	return testdb_int(world->db,
		"SELECT count(*) FROM ledger l JOIN %s e ON e.msg_id = l.event_id WHERE l.delay_ms > 0 "
		"AND %s < l.due_ms - 20",
		testdb_table(world->db, "events"), published_ms(world));
}

/* Events that were given to the archive once more, after a transaction that had given them was committed. */
static int64_t stored_again(struct world *world)
{
	return testdb_int(world->db, "SELECT count(*) - count(DISTINCT seq) FROM attempts");
}

/* Events that came after one with a higher id. Scheduled rows take their place when they are due. */
static int64_t unsorted(struct world *world)
{
	if (!world_is_in_total_order(world))
		return 0;
	return testdb_int(world->db,
		"SELECT count(*) FROM (SELECT i.id, max(i.id) OVER (ORDER BY e.seq) AS highest FROM %s e "
		"JOIN (SELECT event_id, min(id) AS id FROM ids GROUP BY event_id) i ON i.event_id = e.msg_id JOIN ledger l ON l.event_id = e.msg_id WHERE "
		"l.delay_ms = 0 AND l.kind <> 'same_id') WHERE id < highest",
		testdb_table(world->db, "events"));
}

struct stalls {
	struct world *world;
	int64_t last_ms; /* when the message before was stored */
	int64_t longest[PLAN_FAULTS];
	const char *names[PLAN_FAULTS];
	int count;
	int64_t longest_of_all;
};

static void note_stall(struct stalls *stalls, const char *name, int64_t ms)
{
	int i = 0;

	while (i < stalls->count && strcmp(stalls->names[i], name) != 0)
		i++;
	if (i == PLAN_FAULTS)
		return;
	if (i == stalls->count)
		stalls->names[stalls->count++] = name;
	stalls->longest[i] = ms > stalls->longest[i] ? ms : stalls->longest[i];
	stalls->longest_of_all = ms > stalls->longest_of_all ? ms : stalls->longest_of_all;
}

/* Nothing was stored though this row was there to be stored. */
static void see_stall(void *context, const char *const *cells)
{
	struct stalls *stalls = context;
	int64_t stored = strtoll(cells[0], NULL, 10), ready = strtoll(cells[1], NULL, 10);
	int64_t from = ready > stalls->last_ms ? ready : stalls->last_ms;
	const char *name = faults_at(stalls->world, from, stored);

	if (name && stored > from)
		note_stall(stalls, name, stored - from);
	stalls->last_ms = stored;
}

static int64_t say_stalls(struct world *world)
{
	struct stalls stalls = { .world = world };

	testdb_each(world->db, see_stall, &stalls,
		text("SELECT %s, l.due_ms FROM ledger l JOIN %s e ON e.msg_id = l.event_id WHERE l.late "
		     "= 0 AND l.kind = 'good' ORDER BY e.seq",
			published_ms(world), testdb_table(world->db, "events")));
	for (int i = 0; i < stalls.count; i++)
		say("STALL %s %lld", stalls.names[i], (long long)stalls.longest[i]);
	return stalls.longest_of_all;
}

/* For the joins; the tables go without while dray works on them. */
static void make_indexes(struct world *world)
{
	testdb_exec(world->db,
		"CREATE INDEX seek_outbox ON %s (event_id); CREATE INDEX seek_events ON %s (msg_id); "
		"CREATE INDEX seek_ledger ON ledger (event_id); ANALYZE %s",
		testdb_table(world->db, "outbox"), testdb_table(world->db, "events"),
		testdb_pick(world->db, "", "ledger, dray.outbox, dray.events"));
}

struct verdicts {
	struct oracle_counts stream, archive;
	int64_t stuck, slow, unsorted, undead, unmarked, early, set_aside, queue_missing, again;
};

static bool is_good(const struct verdicts *v)
{
	const struct oracle_counts *s = &v->stream, *a = &v->archive;

	return s->lost + s->leaked + s->duplicated + s->altered + s->reordered + a->lost +
			a->leaked + a->duplicated + a->altered + a->reordered + v->undead +
			v->unmarked + v->early + v->set_aside + v->queue_missing + v->again ==
		0 &&
		v->stuck + v->slow + v->unsorted == 0;
}

static void say_result(
	struct world *world, const struct verdicts *v, int64_t began_ms, int64_t stall)
{
	const struct plan *plan = world->plan;

	say("RESULT %s seed=%llu database=%s server=%d%s window=%d rows=%lld queued=%lld faults=%d "
	    "lost=%lld leaked=%lld duplicated=%lld altered=%lld reordered=%lld unsorted=%lld archive=%lld "
	    "again=%lld queue=%lld undead=%lld unmarked=%lld early=%lld stuck=%lld slow=%lld stall_ms=%lld ms=%lld",
		is_good(v) ? "good" : "BREACH", (unsigned long long)plan->options.seed,
		plan->options.postgres ? "postgres" : "sqlite", world->cluster.servers[0].version,
		plan->options.cluster ? "-cluster" : "", plan->window_ms,
		(long long)testdb_int(world->db, "SELECT count(*) FROM ledger"),
		(long long)feeder_count(world->feeder), plan->fault_count,
		(long long)v->stream.lost, (long long)v->stream.leaked,
		(long long)v->stream.duplicated, (long long)v->stream.altered,
		(long long)v->stream.reordered, (long long)v->unsorted,
		(long long)(v->archive.lost + v->archive.leaked + v->archive.duplicated +
			v->archive.altered + v->archive.reordered + v->set_aside),
		(long long)v->again, (long long)v->queue_missing, (long long)v->undead,
		(long long)v->unmarked, (long long)v->early, (long long)v->stuck,
		(long long)v->slow, (long long)stall, (long long)(now_ms() - began_ms));
}

bool audit(struct world *world, int64_t began_ms)
{
	struct jetstream *js = world_jetstream(world);
	struct verdicts v = { .stuck = wait_until_arrived(world, js) };

	v.slow = slow_alone(world, js);
	if (world->plan->options.postgres && world->plan->drawn_last)
		writers_add_drawn(world->writers);
	v.stuck += wait_until_arrived(world, js);
	lose_the_last(world);
	v.stuck += wait_until_arrived(world, js);

	world_finish(world);
	struct oracle *oracle = read_ledger(world);
	v.stream = oracle_see_stream(oracle, js, STREAM);
	v.archive = oracle_see_archive(oracle, world->db);
	make_indexes(world);
	v.unsorted = unsorted(world);
	v.undead = undead(world);
	v.unmarked = unmarked(world);
	v.early = early(world);
	v.set_aside = rows_in(world, "sink_dead", "sink <> 'queue'");
	v.again = stored_again(world);
	v.queue_missing = feeder_missing(world->feeder, world->db);
	say_result(world, &v, began_ms, say_stalls(world));
	oracle_destroy(oracle);
	jetstream_close(js);
	return is_good(&v);
}
