/*
 * Rows that failed come again when their time is there: by the relay's own clock, neither by the poll, which is
 * ten minutes here, nor by the sweep, which comes at most every ten seconds.
 */
#include <signal.h>

#include "fixture.h"

#define SOON_MS 3000 /* long before the next sweep */

struct scene {
	char *name, *refused;
	struct testdb *db;
	struct jetstream *js;
	struct proc *daemon;
};

static struct scene set(
	const char *kind, const char *name, const char *failpoints, const char *more)
{
	struct scene s = { .name = text("%s_%s", name, kind) };
	char *database = fixture_database(kind, name);

	s.refused = text("%s_refused", s.name);
	char *config = scratch_path("%s.yaml", s.name);
	file_write(config,
		text("nats: { url: \"%s\" }\nrelays: [ { name: again, database: \"%s\", stream: %s, "
		     "poll_interval: 10m, %s } ]\n",
			nats.url, database, s.name, more));
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), NULL);
	dray_expect(0, "migrate", "-c", config);
	s.db = testdb_open(database);
	s.daemon = dray_start(s.name, failpoints, "run", "-c", config);
	return s;
}

static void emit_refused(struct scene *s, int rows)
{
	testdb_exec(s->db, "BEGIN");
	for (int i = 0; i < rows; i++)
		testdb_emit(s->db, text("%s.%d", s->refused, i), text("k%d", i), NULL, "x");
	testdb_exec(s->db, "COMMIT");
}

static int64_t least_attempts(struct scene *s)
{
	return testdb_int(s->db, "SELECT min(attempts) FROM %s", testdb_table(s->db, "outbox"));
}

/* From now on the stream takes what it refused; gives how long it takes until all is there. */
static int64_t accept_and_wait(struct scene *s)
{
	jetstream_change(s->js, s->name, text("\"%s.>\", \"%s.>\"", s->name, s->refused), NULL);
	int64_t since = now_ms();
	WAIT_UNTIL(60000, testdb_in_state(s->db, "pending") == 0);
	return now_ms() - since;
}

static void end(struct scene *s)
{
	struct oracle *oracle = oracle_from_outbox(s->db, "TRUE");

	dray_stop(s->daemon);
	oracle_require(oracle_see_stream(oracle, s->js, s->name));
	oracle_destroy(oracle);
	jetstream_close(s->js);
	testdb_close(s->db);
}

/* More of them are due at once than are read at once. */
static void test_many_are_due_at_once(void **state)
{
	struct scene s = set(*state, "many", NULL,
		"batch: 10, retry: { initial: 200ms, max: 200ms, jitter: 0, max_attempts: 0 }");

	emit_refused(&s, 100);
	WAIT_UNTIL(30000, least_attempts(&s) >= 2);
	assert_true(accept_and_wait(&s) < patience(SOON_MS));
	end(&s);
}

/* The relay's thread is slow: when the next try is due, the table does not know of the first one yet. */
static void test_due_before_it_is_settled(void **state)
{
	struct scene s = set(*state, "before", "relay.after_acknowledgement=sleep:300",
		"retry: { initial: 50ms, max: 50ms, jitter: 0, max_attempts: 0 }");

	emit_refused(&s, 1);
	WAIT_UNTIL(30000, least_attempts(&s) >= 1);
	assert_true(accept_and_wait(&s) < patience(SOON_MS));
	end(&s);
}

/* While it is busy with another row, the table is told of a try and read again, both. */
static void test_due_while_it_is_busy(void **state)
{
	struct scene s = set(*state, "busy", "relay.before_publish=sleep:400",
		"retry: { initial: 50ms, max: 50ms, jitter: 0, max_attempts: 0 }");

	emit_refused(&s, 1);
	WAIT_UNTIL(30000, least_attempts(&s) >= 1);
	for (int i = 0; i < 5; i++) { /* each keeps it from looking */
		testdb_emit(s.db, text("%s.other", s.name), NULL, NULL, "x");
		nap(150);
	}
	WAIT_UNTIL(30000, testdb_in_state(s.db, "pending") == 1);
	assert_true(accept_and_wait(&s) < patience(SOON_MS));
	end(&s);
}

/*
 * One key with many more rows than are kept in memory takes sweep after sweep, each slowed down by whatever keeps
 * the relay waiting. Then a row turns up where nobody looks but a sweep.
 */
static void test_the_net_comes_in_time(void **state)
{
	struct scene s = set(*state, "net", "relay.after_read=sleep:60", "batch: 20");
	const char *outbox = testdb_table(s.db, "outbox");

	fixture_bulk(s.db, text("'%s.' || key", s.name), 1, 3000, 1);
	WAIT_UNTIL(120000, testdb_in_state(s.db, "delivered") == 3000);
	testdb_exec(s.db, "UPDATE %s SET state = 'pending' WHERE id = 1", outbox);
	WAIT_UNTIL(20000, testdb_in_state(s.db, "pending") == 0);
	end(&s);
}

/*
 * The relay crashes when a row is given up and the table does not know it yet: the row is tried again, and goes out
 * now. What comes behind it must not have gone out before.
 */
static void given_up_at_a_crash(const char *kind, const char *ordering)
{
	struct scene s = set(kind, text("given_up_%s", ordering), "relay.before_settle=kill",
		text("ordering: %s, retry: { initial: 50ms, max: 50ms, jitter: 0, max_attempts: 1 }",
			ordering));

	testdb_exec(s.db, "BEGIN");
	testdb_emit(s.db, s.refused, "k", NULL, "first");
	testdb_emit(s.db, text("%s.second", s.name), "k", NULL, "second");
	testdb_exec(s.db, "COMMIT");
	assert_int_equal(proc_wait(s.daemon, 30000), 128 + SIGKILL);
	jetstream_change(s.js, s.name, text("\"%s.>\", \"%s\"", s.name, s.refused), NULL);
	s.daemon = dray_start(s.name, NULL, "run", "-c", scratch_path("%s.yaml", s.name));
	WAIT_UNTIL(30000, testdb_in_state(s.db, "delivered") == 2);
	end(&s);
}

static void test_given_up_at_a_crash(void **state)
{
	given_up_at_a_crash(*state, "key");
	given_up_at_a_crash(*state, "stream");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_given_up_at_a_crash),
		FOR_BOTH(test_many_are_due_at_once),
		FOR_BOTH(test_due_before_it_is_settled),
		FOR_BOTH(test_due_while_it_is_busy),
	};

	const struct CMUnitTest more[] = { FOR_BOTH(test_the_net_comes_in_time) };

	only_named_tests();
	int failed = cmocka_run_group_tests_name("retries", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("retries, more", more, NULL, NULL);
	return failed;
}
