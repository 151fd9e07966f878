/*
 * A writer is never hurt: whatever becomes of the relay, inserts go on without an error and at their own speed,
 * the queue of notifications does not fill, and transactions can be prepared where nothing rings.
 */
#include "crew.h"

#include <libpq-fe.h>
#include <signal.h>

#define BATCH 1000

static const char settings[] = "lease: 1500ms, batch: 100";

static double queue_usage(struct crew *crew)
{
	return strtod(testdb_text(crew->db, "SELECT pg_notification_queue_usage()"), NULL);
}

static bool is_asleep(struct crew *crew)
{
	return testdb_int(crew->db,
		       "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = "
		       "1685217657 AND mode = 'ExclusiveLock' AND granted") == 1;
}

/* Of relays, which the server knows of. */
static int64_t sessions(struct crew *crew)
{
	return testdb_int(crew->db,
		"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dray' AND "
		"datname = current_database()");
}

/* A relay that sleeps: it listens, and holds the bell. */
static void sleeping_relay(struct crew *crew, const char *name, const char *url)
{
	crew_make(crew, "postgres", name, false, settings);
	crew_start(crew, 0, url, NULL);
	crew_measure(crew);
	WAIT_UNTIL(20000, is_asleep(crew));
}

/* How long so many transactions of one row take, in ms; none may fail. */
static int64_t write_rows(struct crew *crew, int rows)
{
	int64_t began = now_ms();

	for (int i = 0; i < rows; i++)
		testdb_exec(crew->db,
			"INSERT INTO dray.outbox (subject, key, payload) VALUES ('%s.a', 'k%d', 'x')",
			crew->name, i % 7);
	return now_ms() - began;
}

/* The same without any relay, to compare with. */
static int64_t usual_time(void)
{
	static int64_t usual;
	struct crew alone;

	if (usual)
		return usual;
	crew_make(&alone, "postgres", "alone", false, settings);
	usual = write_rows(&alone, BATCH);
	testdb_close(alone.db);
	jetstream_close(alone.js);
	return usual;
}

static void check_speed(struct crew *crew, const char *what)
{
	int64_t took = write_rows(crew, BATCH), usual = usual_time();

	say("%d inserts with a relay that is %s: %lld ms; without any: %lld ms; queue %.6f", BATCH,
		what, (long long)took, (long long)usual, queue_usage(crew));
	assert_true(took < usual * 5 + 500);
	assert_true(queue_usage(crew) < 0.1);
}

/* What the relay's session holds: a stale one is ended by the successor, and the queue drains. */
static void successor_frees_the_queue(struct crew *crew)
{
	crew_start(crew, 1, NULL, NULL);
	WAIT_UNTIL(20000, crew_holds(crew, 1));
	crew_measure(crew);
	WAIT_UNTIL(20000, testdb_in_state(crew->db, "pending") == 0);
	WAIT_UNTIL(20000, sessions(crew) == 1);
	testdb_exec(crew->db, "NOTIFY anything"); /* the queue's tail moves with the next one */
	WAIT_UNTIL(20000, queue_usage(crew) == 0);
}

static void test_a_paused_relay(void **state)
{
	struct crew crew;

	(void)state;
	sleeping_relay(&crew, "paused", NULL);
	proc_signal(crew.members[0], SIGSTOP);
	check_speed(&crew, "paused");
	successor_frees_the_queue(&crew);
	proc_signal(crew.members[0], SIGCONT);
	crew_wait_stand_by(&crew, 0);
	crew_finish(&crew);
}

static void test_a_relay_that_is_cut_off(void **state)
{
	struct proxy *way = proxy_start(pg.port);
	struct crew crew;

	(void)state;
	crew_make(&crew, "postgres", "cut", false, settings);
	crew_start(&crew, 0, proxy_pg_url(way, testdb_text(crew.db, "SELECT current_database()")),
		NULL);
	crew_measure(&crew);
	WAIT_UNTIL(20000, is_asleep(&crew));
	proxy_hold(way, PROXY_BOTH);
	check_speed(&crew, "cut off");
	successor_frees_the_queue(&crew);
	proxy_clear(way);
	crew_finish(&crew);
}

static void test_a_relay_that_is_killed(void **state)
{
	struct crew crew;

	(void)state;
	sleeping_relay(&crew, "killed", NULL);
	proc_kill(crew.members[0]);
	check_speed(&crew, "killed");
	crew_start(&crew, 0, NULL, NULL);
	crew_finish(&crew);
}

/*
 * The queue itself, made as full as a listener that never reads can: the trigger sends nothing more, so that the
 * relay's writers do not fill it, and none of them fails.
 */
static void test_a_queue_that_fills(void **state)
{
	struct crew crew;

	(void)state;
	sleeping_relay(&crew, "queue", NULL);
	struct testdb *stuck = testdb_open(crew.database);
	testdb_exec(stuck, "LISTEN anything");
	testdb_exec(stuck, "BEGIN"); /* it hears nothing until it ends */
	testdb_int(stuck, "SELECT 1");
	int64_t wanted = 0;
	while (queue_usage(&crew) < 0.1 && wanted++ < 3000)
		testdb_exec(crew.db,
			"SELECT pg_notify('anything', repeat('x', 7900) || i || '-%lld') FROM "
			"generate_series(1, 1000) AS i",
			(long long)wanted);
	double before = queue_usage(&crew);
	assert_true(before >= 0.1);
	proc_signal(crew.members[0], SIGSTOP);
	write_rows(&crew, 200);
	assert_true(queue_usage(&crew) == before);
	proc_signal(crew.members[0], SIGCONT);
	WAIT_UNTIL(20000, testdb_in_state(crew.db, "pending") == 0); /* poll_interval is the net */
	testdb_close(stuck);
	crew_finish(&crew);
}

static void prepare(struct crew *crew, const char *what, bool works)
{
	char *words = NULL;

	testdb_exec(crew->db, "BEGIN");
	testdb_emit(crew->db, text("%s.a", crew->name), "k", NULL, what);
	bool prepared = testdb_try(crew->db, &words, text("PREPARE TRANSACTION '%s'", what));
	if (prepared != works)
		give_up("PREPARE TRANSACTION %s: %s", works ? "fails" : "works", words);
	testdb_try(crew->db, NULL, prepared ? text("COMMIT PREPARED '%s'", what) : "ROLLBACK");
}

static char *with_wakeup(const struct crew *crew, const char *wakeup)
{
	return fixture_config(text("%s_%s", crew->name, wakeup),
		"relays: [ { name: r, database: \"%s\", stream: %s, wakeup: %s } ]\n",
		crew->database, crew->name, wakeup);
}

static void test_prepared_transactions(void **state)
{
	struct crew crew;
	static const char warning[] = "PREPARE TRANSACTION after an insert fails";

	(void)state;
	crew_make(&crew, "postgres", "prepared", false, "lease: 1500ms, wakeup: poll");
	crew_start(&crew, 0, NULL, NULL);
	crew_measure(&crew);
	for (int i = 0; i < 10; i++) { /* also while it sleeps */
		prepare(&crew, text("tx%d", i), true);
		nap(30);
	}
	crew_finish(&crew);
	crew_make(&crew, "postgres", "ringing", false, settings);
	assert_contains(dray_expect(0, "check", "-c", with_wakeup(&crew, "notify")).out, warning);
	assert_lacks(dray_expect(0, "check", "-c", with_wakeup(&crew, "poll")).out, warning);
	crew_start(&crew, 0, NULL, NULL);
	crew_measure(&crew);
	WAIT_UNTIL(20000, is_asleep(&crew));
	prepare(&crew, "rings", false);
	crew_finish(&crew);
}

/* --- SQLite: a process that is paused inside a write transaction keeps the file, and nothing can be done --- */

/* What two looks at the paused relay see: whether a writer gets the file, and a checkpoint the whole WAL. */
struct hold {
	int writers, checkpoints, looks;
};

static void look_while_paused(struct crew *crew, struct hold *hold)
{
	proc_signal(crew->members[0], SIGSTOP);
	WAIT_UNTIL(5000, is_stopped(crew->members[0]));
	hold->looks++;
	if (testdb_try(crew->db, NULL, "BEGIN IMMEDIATE"))
		testdb_exec(crew->db, "ROLLBACK");
	else
		hold->writers++;
	hold->checkpoints += testdb_int(crew->db, "PRAGMA wal_checkpoint(TRUNCATE)") != 0;
	proc_signal(crew->members[0], SIGCONT);
}

static void tell(const char *what, const struct hold *hold)
{
	say("an SQLite relay paused %s, %d times: a writer was kept out %d times, a checkpoint %d",
		what, hold->looks, hold->writers, hold->checkpoints);
}

/* It has no transaction open, so it keeps nobody out, but for the moment of a renewal. */
static void test_an_idle_relay_holds_nothing(void **state)
{
	struct hold hold = { 0 };
	struct crew crew;

	(void)state;
	crew_make(&crew, "sqlite", "idle", false, settings);
	crew_start(&crew, 0, NULL, NULL);
	crew_measure(&crew);
	nap(1000);
	testdb_exec(crew.db, "PRAGMA busy_timeout = 0");
	for (int i = 0; i < (long_run() ? 200 : 30); i++) {
		look_while_paused(&crew, &hold);
		nap(7 + i % 13);
	}
	tell("while idle", &hold);
	assert_true(hold.writers <= hold.looks / 5 && hold.checkpoints <= hold.looks / 5);
	testdb_exec(crew.db, "PRAGMA busy_timeout = 20000");
	crew_finish(&crew);
}

/* At full speed it is in a transaction now and then, and not all the time: writers get their turn. */
static void test_a_busy_relay_leaves_room(void **state)
{
	struct hold hold = { 0 };
	struct crew crew;

	(void)state;
	crew_make(&crew, "sqlite", "busy", false, settings);
	crew_start(&crew, 0, NULL, NULL);
	crew_measure(&crew);
	for (int i = 0; i < (long_run() ? 200 : 20); i++) {
		testdb_exec(crew.db, "PRAGMA busy_timeout = 20000");
		fixture_bulk(crew.db, text("'%s.a'", crew.name), i * 500 + 1, 500, 50);
		testdb_exec(crew.db, "PRAGMA busy_timeout = 0");
		nap(3 + i % 17);
		look_while_paused(&crew, &hold);
	}
	tell("under load", &hold);
	assert_true(hold.writers < hold.looks);
	testdb_exec(crew.db, "PRAGMA busy_timeout = 20000");
	crew_finish(&crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_paused_relay),
		cmocka_unit_test(test_a_relay_that_is_cut_off),
		cmocka_unit_test(test_a_relay_that_is_killed),
		cmocka_unit_test(test_prepared_transactions),
		cmocka_unit_test(test_an_idle_relay_holds_nothing),
		cmocka_unit_test(test_a_busy_relay_leaves_room),
	};
	const struct CMUnitTest heavy[] = { cmocka_unit_test(test_a_queue_that_fills) };

	only_named_tests();
	int failed = cmocka_run_group_tests_name("writers", tests, fixture_start, NULL);
	if (long_run()) /* it writes a tenth of the queue's 8 GB */
		failed += cmocka_run_group_tests_name("a full queue", heavy, NULL, NULL);
	return failed;
}
