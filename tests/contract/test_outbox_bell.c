/* An outbox in PostgreSQL: the bell that wakes its reader, and a server that goes away. */
#include "box.h"

#include <libpq-fe.h>

#define BEGIN(db)  testdb_exec(db, "BEGIN")
#define COMMIT(db) testdb_exec(db, "COMMIT")

static void put(struct testdb *db, const char *key)
{
	testdb_emit(db, "a", key, NULL, "x");
}

static PGconn *listen_to(struct box *box)
{
	PGconn *connection = PQconnectdb(box->url);
	char *listen = text(
		"LISTEN \"dray_%s\"", testdb_text(box->app, "SELECT 'dray.outbox'::regclass::oid"));

	PQclear(PQexec(connection, listen));
	return connection;
}

/* How many rings came within a moment. */
static int rings(PGconn *connection)
{
	int count = 0;

	for (int i = 0; i < 5; i++) {
		nap(20);
		PQclear(PQexec(connection, "SELECT 1"));
		for (PGnotify *ring; (ring = PQnotifies(connection)); PQfreemem(ring))
			count++;
	}
	return count;
}

static void fall_asleep(struct box *box)
{
	box_has(box_read_some(box, 10), "");
	box_wait_once(box, -1, 1000); /* takes the bell, and looks once more */
	box_has(box_read_some(box, 10), "");
	box_wait_once(box, -1, 20);
}

static void test_the_bell_rings_only_for_sleepers(void **state)
{
	struct box box = box_make(true);
	PGconn *ear = listen_to(&box);

	(void)state;
	box_emit(&box, 3); /* at work: nobody need ring */
	assert_int_equal(rings(ear), 0);
	box_has(box_read_some(&box, 10), "1n 2n 3n");
	fall_asleep(&box);
	box_emit(&box, 1);
	assert_int_equal(rings(ear), 1);
	struct batch *batch = box_read_some(&box, 10);
	assert_string_equal(box_rows_of(batch), "4n");
	struct verdict verdict = box_delivered(batch->rows[0], 0, 4);
	box_settle(&box, &verdict, 1); /* at work again */
	batch_destroy(batch);
	box_emit(&box, 3);
	assert_int_equal(rings(ear), 0);
	box_has(box_read_some(&box, 10), "5n 6n 7n");
	fall_asleep(&box);
	outbox_close(box.outbox); /* a relay that is gone is not rung for */
	WAIT_UNTIL(5000,
		testdb_int(box.app,
			"SELECT count(*) FROM pg_locks WHERE locktype = "
			"'advisory' AND classid = 1685217657") == 0);
	box_emit(&box, 1);
	assert_int_equal(rings(ear), 0);
	PQfinish(ear);
	box_drop(&box);
}

static void test_without_notify_nobody_rings(void **state)
{
	struct box box = box_make_closed(true);
	PGconn *ear = listen_to(&box);

	(void)state;
	box.relay->wakeup = WAKEUP_POLL;
	box_open(&box);
	fall_asleep(&box);
	box_emit(&box, 1);
	assert_int_equal(rings(ear), 0);
	PQfinish(ear);
	box_drop(&box);
}

/* A writer that is open keeps the relay from taking the bell: it looks often meanwhile. */
static void test_an_open_writer_before_the_sleep(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	for (int i = 0; i < 5; i++) {
		BEGIN(late);
		put(late, "a");
		box_has(box_read_some(&box, 10), "");
		int64_t began = now_ms();
		int waits = 0;
		while (now_ms() - began < 300) {
			box_has(box_read_some(&box, 10), "");
			box_wait_once(&box, -1, 10000);
			waits++;
		}
		assert_in_range(waits, 3, 60); /* nor does it spin */
		COMMIT(late);
		began = now_ms();
		box_wait_for_row(&box, 5000);
		assert_true(now_ms() - began < patience(SOON_MS));
	}
	testdb_close(late);
	box_drop(&box);
}

/* While a gap is open, late commits are noticed without a ring. */
static void test_a_late_commit_while_asleep(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	for (int i = 0; i < 10; i++) {
		box_has(box_read_some(&box, 10), "");
		box_wait_once(&box, -1, 10000);
	}
	COMMIT(late);
	int64_t began = now_ms();
	box_wait_for_row(&box, 5000);
	assert_true(now_ms() - began < patience(SOON_MS));
	testdb_close(late);
	box_drop(&box);
}

static bool backend_lives(struct box *box, int64_t pid)
{
	return testdb_int(box->app, "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld",
		       (long long)pid) == 1;
}

/* A former holder that is cut off but not gone is ended, since writers would ring for it for ever. */
static void test_a_stale_sleeper_is_ended(void **state)
{
	struct box box = box_make_closed(true);
	struct testdb *stale = testdb_open(box.url), *writer = testdb_open(box.url);
	int64_t pid = testdb_int(stale, "SELECT pg_backend_pid()");
	int64_t writing = testdb_int(writer, "SELECT pg_backend_pid()");

	(void)state;
	testdb_exec(stale,
		"SELECT pg_advisory_lock(1685217657, ('dray.outbox'::regclass::oid::bigint & "
		"2147483647)::int)");
	box_open(&box);
	WAIT_UNTIL(5000, !backend_lives(&box, pid));
	BEGIN(writer); /* one that just writes is left alone */
	put(writer, "a");
	outbox_close(box.outbox);
	box_open(&box);
	COMMIT(writer);
	assert_true(backend_lives(&box, writing));
	box_has(box_read_some(&box, 10), "1n");
	testdb_close(stale);
	testdb_close(writer);
	box_drop(&box);
}

/* jsonb prints its own way; what arrives is JSON all the same. */
static void test_headers_are_jsonb(void **state)
{
	struct box box = box_make(true);

	(void)state;
	testdb_emit(box.app, "a", NULL, "{\"b\":[\"1\",  \"2\"],\"a\":\"\\u00e9\"}", "x");
	struct batch *batch = box_read_some(&box, 10);
	assert_true(is_slice(
		batch->rows[0]->event.headers, "{\"a\": \"\xc3\xa9\", \"b\": [\"1\", \"2\"]}"));
	batch_destroy(batch);
	box_drop(&box);
}

static void is_away(struct box *box, bool done, const struct error *err)
{
	assert_false(done);
	assert_int_equal(err->kind, ERROR_UNAVAILABLE);
	assert_false(db_is_open(outbox_db(box->outbox)));
}

static void connect_again(struct box *box)
{
	testdb_close(box->app);
	box->app = testdb_open(box->url);
}

static void test_a_restart_of_the_server(void **state)
{
	struct box box = box_make(true);
	struct read_plan plan = { .limit = 10, .bytes = 1000 };
	struct batch *batch, *kept;
	size_t missed;
	struct error err;

	(void)state;
	box_emit(&box, 2);
	kept = box_read_some(&box, 10);
	struct verdict verdict = box_delivered(kept->rows[0], 0, 1);
	pg_server_end(&server);
	is_away(&box, outbox_read(box.outbox, &plan, &batch, &err), &err);
	is_away(&box, outbox_settle(box.outbox, &verdict, 1, &box_at_ten, 1, &missed, &err), &err);
	is_away(&box, outbox_wait(box.outbox, -1, 100, &err), &err);
	is_away(&box, outbox_open(box.outbox, &err), &err);
	pg_server_again(&server);
	connect_again(&box);
	box_open(&box); /* the lease is still ours */
	assert_int_equal(outbox_lease(box.outbox)->epoch, 2);
	outbox_rewind(box.outbox);
	box_has(box_read_some(&box, 10), "1n 2n");
	assert_int_equal(box_settle(&box, &verdict, 1), 0);
	batch_destroy(kept);
	int64_t began = now_ms();
	box_emit(&box, 1);
	box_wait_for_row(&box, 5000); /* it listens again */
	assert_true(now_ms() - began < patience(SOON_MS) + 100);
	/* Killed while it sleeps: it is noticed at once, not at the end of the wait. */
	for (int i = 0; i < 3; i++)
		fall_asleep(&box);
	pg_server_kill(&server);
	began = now_ms();
	while (outbox_wait(box.outbox, -1, 30000, &err) && now_ms() - began < patience(5000))
		continue;
	is_away(&box, false, &err);
	assert_true(now_ms() - began < patience(5000));
	pg_server_again(&server);
	connect_again(&box);
	box_open(&box);
	box_drop(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_bell_rings_only_for_sleepers),
		cmocka_unit_test(test_without_notify_nobody_rings),
		cmocka_unit_test(test_an_open_writer_before_the_sleep),
		cmocka_unit_test(test_a_late_commit_while_asleep),
		cmocka_unit_test(test_a_stale_sleeper_is_ended),
		cmocka_unit_test(test_headers_are_jsonb),
		cmocka_unit_test(test_a_restart_of_the_server),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("bell of an outbox", tests, server_start, server_stop);
}
