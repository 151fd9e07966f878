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
	assert_string_equal(status_of(&s, "in", "state"), "running");
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
	assert_string_equal(status_of(&s, "out", "state"), "running");
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
	WAIT_UNTIL(20000, strcmp(status_of(&s, "in", "state"), "running") == 0);
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
	WAIT_UNTIL(20000, strcmp(status_of(&s, "in", "state"), "running") == 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_a_relay_is_paused),
		FOR_BOTH(test_a_busy_relay_is_paused),
		FOR_BOTH(test_a_sink_is_paused),
		FOR_BOTH(test_a_busy_sink_is_paused),
		FOR_BOTH(test_nobody_runs),
		FOR_BOTH(test_a_constraint_refuses_all),
		FOR_ONE(test_writers_pay_nothing, "postgres"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("life", tests, fixture_start, NULL);
}
