/*
 * A pipeline's life: paused and resumed, also by itself where too many events are refused. Each case on
 * both databases, with a relay into a stream and a sink out of it.
 */
#include "stage.h"

#include <jansson.h>

#define NOTICED_MS 8000 /* LEASE_LOOK_EVERY_MS, and a machine that is busy */

/* What dray status says of the pipeline "out" (the relay) or "in" (the sink). */
static char *status_of(struct stage *s, const char *name, const char *what)
{
	struct result result = dray_expect(0, "status", "-c", s->config, "--json");
	json_t *all = json_loads(result.out, 0, NULL), *item;
	char *found = text("no %s", name);
	size_t i;

	json_array_foreach(json_object_get(all, "pipelines"), i, item)
	{
		const json_t *value = json_object_get(item, what);
		if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
			found = json_is_string(value) ? text("%s", json_string_value(value))
						      : text("null");
	}
	json_decref(all);
	return found;
}

static void is_paused(struct stage *s, const char *name)
{
	assert_string_equal(status_of(s, name, "state"), "paused");
	assert_contains(status_of(s, name, "paused_by"), "@");
	assert_contains(status_of(s, name, "paused_at"), "T");
}

/* A pipeline says so within a few seconds. */
static void is_running(struct stage *s, const char *name)
{
	WAIT_UNTIL(20000, strcmp(status_of(s, name, "state"), "running") == 0);
}

static int64_t holders(struct stage *s, bool relay)
{
	struct testdb *db = relay ? s->outbox : s->archive;

	return testdb_int(db,
		"SELECT count(*) FROM %s WHERE length_ms > 0 AND resource %s 'sink:in'",
		testdb_table(db, "lease"), relay ? "<>" : "=");
}

static void test_a_relay_is_paused(void **state)
{
	struct stage s = stage_set(*state, "relay_rests", NULL, true);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	int64_t began = now_ms();
	struct result said = dray_expect(0, "pause", "out", "-c", s.config);
	assert_string_equal(said.out, "out: paused\n");
	assert_true(now_ms() - began < patience(NOTICED_MS));
	assert_int_equal(holders(&s, true), 0);
	is_paused(&s, "out");
	is_running(&s, "in");
	stage_emit(&s, 21, 40, 4);
	nap(1500);
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 20);
	said = dray_expect(0, "pause", "relay:out", "-c", s.config);
	assert_contains(said.out, "was paused already, at ");
	stage_stop(&s); /* and over a restart */
	stage_run(&s, NULL);
	stage_says(&s, "info", "was paused at");
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 20);
	began = now_ms();
	said = dray_expect(0, "resume", "out", "-c", s.config);
	assert_contains(said.out, "out: resumed; it was paused at ");
	stage_exact(&s);
	assert_true(now_ms() - began < patience(NOTICED_MS));
	is_running(&s, "out");
	said = dray_expect(0, "resume", "out", "-c", s.config);
	assert_string_equal(said.out, "out: is not paused\n");
	stage_end(&s);
}

/* What was on its way is settled first: nothing is left to be looked up, and no attempt was made in vain. */
static void test_a_busy_relay_is_paused(void **state)
{
	struct stage s = stage_set(*state, "busy_rests", NULL, true);

	stage_run(&s, NULL);
	struct writer *writer = writer_start(s.from, s.name, 20, 20, 1);
	WAIT_UNTIL(20000, testdb_in_state(s.outbox, "delivered") > 200);
	dray_expect(0, "pause", "out", "-c", s.config);
	int64_t last = jetstream_last(s.js, s.name);
	assert_int_equal(testdb_in_state(s.outbox, "delivered"), last);
	nap(500);
	writer_end(writer);
	assert_int_equal(jetstream_last(s.js, s.name), last);
	assert_true(testdb_in_state(s.outbox, "pending") > 0);
	dray_expect(0, "resume", "out", "-c", s.config);
	stage_exact(&s);
	stage_end(&s);
}

static void test_a_sink_is_paused(void **state)
{
	struct stage s = stage_set(*state, "sink_rests", NULL, true);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	dray_expect(0, "pause", "in", "-c", s.config);
	assert_int_equal(holders(&s, false), 0);
	is_paused(&s, "in");
	stage_emit(&s, 21, 40, 4);
	stage_delivered(&s);
	assert_int_equal(stage_archived(&s), 20);
	stage_stop(&s);
	stage_run(&s, NULL);
	stage_says(&s, "info", "sink:in was paused at");
	assert_int_equal(stage_archived(&s), 20);
	dray_expect(0, "resume", "in", "-c", s.config);
	stage_exact(&s);
	stage_end(&s);
}

/* It stores all the time, which renews its lease: it has to look all the same. */
static void test_a_busy_sink_is_paused(void **state)
{
	struct stage s = stage_set(*state, "busy_sink", NULL, true);

	stage_run(&s, NULL);
	struct writer *writer = writer_start(s.from, s.name, 20, 20, 1);
	WAIT_UNTIL(20000, stage_archived(&s) > 200);
	dray_expect(0, "pause", "in", "-c", s.config);
	int64_t stored = stage_archived(&s);
	nap(500);
	assert_int_equal(stage_archived(&s), stored);
	writer_end(writer);
	dray_expect(0, "resume", "in", "-c", s.config);
	stage_exact(&s);
	stage_end(&s);
}

/* Neither one that never ran, nor one that nobody runs now, needs somebody to notice. */
static void test_nobody_runs(void **state)
{
	struct stage s = stage_set(*state, "nobody", NULL, true);

	dray_expect(0, "pause", "in", "-c", s.config);
	struct result said = dray_expect(0, "pause", "out", "-c", s.config, "--json");
	assert_contains(said.out, "\"paused\":true,\"changed\":true");
	stage_emit(&s, 1, 10, 2);
	stage_run(&s, NULL);
	stage_says(&s, "info", "sink:in was paused at");
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 10);
	stage_stop(&s);
	said = dray_expect(2, "pause", "nobody", "-c", s.config);
	assert_contains(said.err, "the config has no relay or sink \"nobody\"");
	said = dray_expect(2, "pause", "sink:out", "-c", s.config);
	assert_contains(said.err, "the config has no sink \"out\"");
	said = dray_expect(2, "resume", "in", "--database", s.from);
	assert_contains(said.err, "knows no relay or sink \"in\"");
	dray_expect(0, "resume", "in", "-c", s.config);
	dray_expect(0, "resume", "out", "-c", s.config);
	stage_run(&s, NULL);
	stage_exact(&s);
	is_running(&s, "in");
	said = dray_expect(0, "pause", "in", "--database", s.to); /* without a config */
	is_paused(&s, "in");
	stage_end(&s);
}

static int64_t dead(struct stage *s)
{
	return testdb_int(
		s->archive, "SELECT count(*) FROM %s", testdb_table(s->archive, "sink_dead"));
}

static void refuse_all(struct stage *s)
{
	testdb_exec(s->archive, "%s",
		testdb_pick(s->archive,
			"CREATE TRIGGER no_more BEFORE INSERT ON dray_events "
			"BEGIN SELECT raise(ABORT, 'no more of them'); END",
			"ALTER TABLE dray.events ADD CONSTRAINT \"no more of them\" CHECK (false) "
			"NOT VALID"));
}

/* The sink pauses itself rather than moving a stream aside; neither a restart nor anybody else goes on. */
static void test_a_constraint_refuses_all(void **state)
{
	struct stage s = stage_set(*state, "refuses_all", NULL, true);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	refuse_all(&s);
	stage_emit(&s, 21, 400, 4);
	stage_delivered(&s);
	stage_says(&s, "error", "paused itself: 100 of the last 1000 events could not be stored");
	stage_says(&s, "error", "no more of them");
	assert_int_equal(dead(&s), 100);
	assert_string_equal(status_of(&s, "in", "state"), "paused");
	assert_string_equal(status_of(&s, "in", "paused_by"), "dray");
	assert_contains(status_of(&s, "in", "paused_why"), "no more of them");
	stage_stop(&s);
	stage_run(&s, NULL);
	stage_says(&s, "info", "was paused at");
	nap(500);
	assert_int_equal(dead(&s), 100);
	testdb_exec(s.archive, "%s",
		testdb_pick(s.archive, "DROP TRIGGER no_more",
			"ALTER TABLE dray.events DROP CONSTRAINT \"no more of them\""));
	dray_expect(0, "resume", "in", "-c", s.config);
	stage_archives(&s, 300);
	assert_int_equal(dead(&s), 100);
	is_running(&s, "in");
	stage_end(&s);
}

static double rate_of(struct stage *s, const char *name)
{
	struct result result = dray_expect(0, "status", "-c", s->config, "--json");
	json_t *all = json_loads(result.out, 0, NULL), *item;
	double rate = -1;
	size_t i;

	json_array_foreach(json_object_get(all, "pipelines"), i,
		item) if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0)
		rate = json_number_value(json_object_get(item, "rate"));
	json_decref(all);
	return rate;
}

/* A burst of a moment is seen until the next report, and gone after that. */
static void test_a_burst_has_a_rate(void **state)
{
	struct stage s = stage_set(*state, "burst", NULL, true);

	stage_run(&s, NULL);
	is_running(&s, "out");
	is_running(&s, "in");
	stage_emit(&s, 1, 100, 7);
	stage_exact(&s);
	WAIT_UNTIL(20000, rate_of(&s, "out") > 0 && rate_of(&s, "in") > 0);
	assert_true(rate_of(&s, "out") <= 100);
	WAIT_UNTIL(20000, rate_of(&s, "out") == 0 && rate_of(&s, "in") == 0);
	stage_end(&s);
}

/* A paused relay does not keep the bell from ringing for nobody. */
static void test_writers_pay_nothing(void **state)
{
	struct stage s = stage_set(*state, "cheap", NULL, true);
	const char *locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND "
			    "classid = 1685217657 AND mode = 'ExclusiveLock' AND database = "
			    "(SELECT oid FROM pg_database WHERE datname = current_database())";

	stage_run(&s, NULL);
	WAIT_UNTIL(20000, testdb_int(s.outbox, "%s", locks) == 1);
	dray_expect(0, "pause", "out", "-c", s.config);
	assert_int_equal(testdb_int(s.outbox, "%s", locks), 0);
	stage_emit(&s, 1, 10, 2);
	assert_int_equal(testdb_int(s.outbox, "%s", locks), 0);
	dray_expect(0, "resume", "out", "-c", s.config);
	stage_exact(&s);
	stage_end(&s);
}

static struct result seek(struct stage *s, int status, const char *to)
{
	return dray_expect(status, "seek", "in", "--to", to, "-c", s->config);
}

static int64_t position(struct stage *s)
{
	return testdb_int(
		s->archive, "SELECT seq FROM %s", testdb_table(s->archive, "sink_position"));
}

/* So that one sees what is read once more. */
static void forget_all(struct stage *s)
{
	testdb_exec(s->archive, "DELETE FROM %s", testdb_table(s->archive, "events"));
}

static int64_t lowest(struct stage *s)
{
	return testdb_int(
		s->archive, "SELECT min(seq) FROM %s", testdb_table(s->archive, "events"));
}

/* A sink that has nothing to do notices, one that nobody runs begins there; the epoch stays. */
static void test_seek(void **state)
{
	struct stage s = stage_set(*state, "seek", NULL, true);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	nap(50);
	char *between = testdb_text(s.archive, "SELECT %s",
		testdb_pick(s.archive, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
			"to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"));
	nap(50);
	stage_emit(&s, 21, 40, 4);
	stage_exact(&s);
	int64_t last = jetstream_last(s.js, s.name);
	forget_all(&s);
	struct result said = seek(&s, 0, "seq:11");
	assert_contains(said.out, text("from behind sequence %d", (int)last));
	assert_contains(said.out, "to behind 10; its last is 40");
	stage_archives(&s, 30);
	assert_int_equal(lowest(&s), 11);
	stage_says(&s, "info", "somebody moved the position from 40 to 10");
	stage_stop(&s);
	forget_all(&s);
	seek(&s, 0, text("time:%s", between));
	assert_int_equal(position(&s), 20);
	seek(&s, 0, "new");
	assert_int_equal(position(&s), 40);
	seek(&s, 0, "all");
	stage_run(&s, NULL);
	stage_exact(&s);
	assert_int_equal(testdb_int(s.archive, "SELECT max(epoch) FROM %s",
				 testdb_table(s.archive, "events")),
		0);
	said = dray_expect(0, "seek", "in", "--to", "seq:41", "--database", s.to, "--json");
	assert_contains(said.out, "\"epoch\":0,\"from\":40,\"to\":40,\"gone\":false");
	stage_end(&s);
}

/* What is read again is stored again as the mode says: a row an event, or a row a key. */
static void test_seek_in_other_modes(void **state)
{
	struct stage s = stage_set(*state, "modes", NULL, true);

	testdb_exec(s.archive, "CREATE TABLE log (seq bigint)");
	testdb_exec(s.archive, "CREATE TABLE item (id bigint PRIMARY KEY, seq bigint)");
	s.config = fixture_config(text("%s_modes", s.name),
		"sinks:\n"
		"  - { name: log, database: \"%s\", stream: %s, table: log, mode: insert, lease: 1s,\n"
		"      columns: { seq: \"@seq\" } }\n"
		"  - { name: item, database: \"%s\", stream: %s, table: item, mode: upsert, lease: 1s,\n"
		"      key: [id], columns: { id: \"$.id\", seq: \"@seq\" } }\n",
		s.to, s.name, s.to, s.name);
	for (int i = 1; i <= 20; i++)
		jetstream_publish(s.js, text("%s.a", s.name), NULL, text("{\"id\":%d}", i % 5));
	stage_run(&s, NULL);
	for (int i = 0; i < 2; i++) {
		WAIT_UNTIL(20000, testdb_int(s.archive, "SELECT count(*) FROM log") == 20 + 10 * i);
		WAIT_UNTIL(20000,
			testdb_int(s.archive, "SELECT sum(seq) FROM item") ==
				16 + 17 + 18 + 19 + 20);
		assert_int_equal(testdb_int(s.archive, "SELECT count(*) FROM item"), 5);
		if (i == 1)
			break;
		testdb_exec(s.archive, "DELETE FROM item WHERE id = 3");
		dray_expect(0, "seek", "log", "--to", "seq:11", "-c", s.config);
		dray_expect(0, "seek", "item", "--to", "seq:11", "-c", s.config);
	}
	stage_end(&s);
}

/* The store that is under way finds the position moved, and stores nothing. */
static void test_seek_under_load(void **state)
{
	struct stage s = stage_set(*state, "seek_busy", NULL, true);

	stage_run(&s, NULL);
	struct writer *writer = writer_start(s.from, s.name, 20, 20, 1);
	for (int i = 1; i <= 5; i++) {
		WAIT_UNTIL(20000, stage_archived(&s) > 200 * i);
		seek(&s, 0, "seq:1");
	}
	writer_end(writer);
	stage_exact(&s);
	stage_end(&s);
}

static void refuses(struct stage *s, int status, const char *to, const char *words)
{
	int64_t before = position(s);

	assert_contains(seek(s, status, to).err, words);
	assert_int_equal(position(s), before);
}

static void test_nonsense_is_refused(void **state)
{
	struct stage s = stage_set(*state, "nonsense", NULL, true);

	assert_contains(seek(&s, 2, "seq:1").err, "it has no position in stream");
	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	stage_stop(&s);
	refuses(&s, 2, "seq:22", "seq:22 lies beyond the end of stream nonsense_");
	refuses(&s, 2, "time:2150-01-01T00:00:00Z", "lies in the future");
	refuses(&s, 2, "yesterday", "--to: ");
	jetstream_api(s.js, text("STREAM.PURGE.%s", s.name), "{\"seq\":11}");
	refuses(&s, 2, "seq:10", "has only what follows from sequence 11 on; --force begins there");
	refuses(&s, 2, "time:2020-01-01T00:00:00Z", "from sequence 11 on");
	struct result said =
		dray_expect(0, "seek", "in", "--to", "seq:5", "--force", "-c", s.config, "--json");
	assert_contains(said.out, "\"to\":10,\"gone\":true");
	said = dray_expect(2, "seek", "out", "--to", "seq:1", "-c", s.config);
	assert_contains(said.err, "it is a relay");
	said = dray_expect(2, "seek", "in", "-c", s.config);
	assert_contains(said.err, "say where to");
	jetstream_delete(s.js, s.name);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), NULL);
	refuses(&s, 1, "all", "was made anew since");
	jetstream_delete(s.js, s.name);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), "\"retention\":\"workqueue\"");
	refuses(&s, 2, "all", "removes what is acknowledged");
	stage_end(&s);
}

/* Two sinks with subjects of their own share a stream, its work and one table; each is paused by itself. */
static void test_sinks_share_a_stream(void **state)
{
	struct stage s = stage_set(*state, "shared", NULL, true);

	s.config = fixture_config(text("%s_two", s.name),
		"sinks:\n"
		"  - { name: even, database: \"%s\", stream: %s, subjects: [%s.even], lease: 1s }\n"
		"  - { name: odd, database: \"%s\", stream: %s, subjects: [%s.odd], lease: 1s }\n",
		s.to, s.name, s.name, s.to, s.name, s.name);
	stage_run(&s, NULL);
	for (int i = 1; i <= 100; i++)
		jetstream_publish(s.js, text("%s.%s", s.name, i % 2 ? "odd" : "even"), NULL, "x");
	stage_archives(&s, 100);
	dray_expect(0, "pause", "even", "-c", s.config);
	for (int i = 101; i <= 200; i++)
		jetstream_publish(s.js, text("%s.%s", s.name, i % 2 ? "odd" : "even"), NULL, "x");
	stage_archives(&s, 150);
	stage_stop(&s);
	stage_run(&s, NULL);
	dray_expect(0, "resume", "even", "-c", s.config);
	stage_archives(&s, 200);
	assert_int_equal(testdb_int(s.archive, "SELECT count(DISTINCT seq) FROM %s WHERE epoch = 0",
				 testdb_table(s.archive, "events")),
		200);
	stage_end(&s);
}

/* What runs always, and what runs where the long runs are asked for. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_a_relay_is_paused),
		FOR_ONE(test_a_busy_relay_is_paused, "postgres"),
		FOR_ONE(test_a_sink_is_paused, "sqlite"),
		FOR_ONE(test_a_busy_sink_is_paused, "postgres"),
		FOR_ONE(test_nobody_runs, "sqlite"),
		FOR_BOTH(test_a_constraint_refuses_all),
		FOR_ONE(test_writers_pay_nothing, "postgres"),
		FOR_BOTH(test_seek),
		FOR_ONE(test_seek_in_other_modes, "postgres"),
		FOR_ONE(test_seek_under_load, "postgres"),
		FOR_ONE(test_nonsense_is_refused, "sqlite"),
		FOR_ONE(test_sinks_share_a_stream, "postgres"),
	};
	const struct CMUnitTest more[] = {
		FOR_ONE(test_a_busy_relay_is_paused, "sqlite"),
		FOR_ONE(test_a_sink_is_paused, "postgres"),
		FOR_ONE(test_a_busy_sink_is_paused, "sqlite"),
		FOR_ONE(test_nobody_runs, "postgres"),
		FOR_BOTH(test_a_burst_has_a_rate),
		FOR_ONE(test_seek_in_other_modes, "sqlite"),
		FOR_ONE(test_seek_under_load, "sqlite"),
		FOR_ONE(test_nonsense_is_refused, "postgres"),
		FOR_ONE(test_sinks_share_a_stream, "sqlite"),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("life", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("life, more", more, NULL, NULL);
	return failed;
}
