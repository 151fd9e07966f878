/* An outbox in PostgreSQL: the gaps that transactions leave in the ids, and when they are closed. */
#include "box.h"

#define BEGIN(db)    testdb_exec(db, "BEGIN")
#define COMMIT(db)   testdb_exec(db, "COMMIT")
#define ROLLBACK(db) testdb_exec(db, "ROLLBACK")

static void put(struct testdb *db, const char *key)
{
	testdb_emit(db, "a", key, NULL, "x");
}

static void test_a_late_commit(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	for (int i = 0; i < 5; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	assert_int_equal(outbox_late(box.outbox), 0);
	COMMIT(late);
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "1g 3n"); /* by id, in one batch */
	assert_int_equal(outbox_late(box.outbox), 1);
	box_has(box_read_some(&box, 10), "");
	box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_close(late);
	box_drop(&box);
}

static void test_late_and_out_of_order(void **state)
{
	struct box box = box_make(true);
	struct testdb *a = testdb_open(box.url), *b = testdb_open(box.url);

	(void)state;
	BEGIN(a);
	BEGIN(b);
	put(a, "a"); /* 1 */
	put(b, "b"); /* 2 */
	box_emit(&box, 1); /* 3 */
	put(b, "b"); /* 4 */
	put(a, "a"); /* 5 */
	box_has(box_read_some(&box, 10), "3n");
	COMMIT(b);
	box_has(box_read_some(&box, 10), "2g 4n");
	box_emit(&box, 1); /* 6 */
	box_has(box_read_some(&box, 10), "6n");
	COMMIT(a);
	box_has(box_read_some(&box, 10), "1g 5g");
	testdb_close(a);
	testdb_close(b);
	box_drop(&box);
}

/* The only row of the first transactions may be behind everything that was ever delivered. */
static void test_a_gap_at_the_beginning(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	box_emit(&box, 1);
	testdb_exec(box.app, "UPDATE dray.outbox SET state = 'delivered'");
	BEGIN(late);
	put(late, "a");
	box_emit(&box, 1);
	outbox_close(box.outbox);
	box_open(&box);
	outbox_rewind(box.outbox);
	box_has(box_read_some(&box, 10), "3n");
	box_has(box_read_some(&box, 10), "");
	COMMIT(late);
	box_has(box_read_some(&box, 10), "2g");
	testdb_close(late);
	box_drop(&box);
}

static void test_a_rolled_back_gap_closes(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	box_has(box_read_some(&box, 10), "");
	ROLLBACK(late);
	for (int i = 0; i < 2; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	assert_int_equal(outbox_late(box.outbox), 0);
	testdb_close(late);
	box_drop(&box);
}

/* Who came after a gap was seen is not waited for, or a gap would stay open as long as somebody writes. */
static void test_later_writers_keep_no_gap_open(void **state)
{
	struct box box = box_make(true);
	struct testdb *gone = testdb_open(box.url), *busy[3];

	(void)state;
	BEGIN(gone);
	put(gone, "a");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	box_has(box_read_some(&box, 10), "");
	for (int i = 0; i < 3; i++) {
		busy[i] = testdb_open(box.url);
		BEGIN(busy[i]);
		put(busy[i], "b");
	}
	ROLLBACK(gone);
	for (int i = 0; i < 3; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	for (int i = 0; i < 3; i++) {
		COMMIT(busy[i]);
		testdb_close(busy[i]);
	}
	box_has(box_read_some(&box, 10), "3n 4n 5n");
	testdb_close(gone);
	box_drop(&box);
}

static void test_a_prepared_transaction(void **state)
{
	struct box box = box_make(true);

	(void)state;
	BEGIN(box.app);
	put(box.app, "a");
	testdb_exec(box.app, "PREPARE TRANSACTION 'box'");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	for (int i = 0; i < 5; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	testdb_exec(box.app, "COMMIT PREPARED 'box'");
	box_has(box_read_some(&box, 10), "1g");
	box_drop(&box);
}

/* A writer in a savepoint, that is a subtransaction, holds its ids as long as the whole. */
static void test_a_savepoint(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	testdb_exec(late, "BEGIN; SAVEPOINT s");
	put(late, "a");
	testdb_exec(late, "ROLLBACK TO s");
	put(late, "a");
	testdb_exec(late, "RELEASE s");
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "3n");
	box_has(box_read_some(&box, 10), "");
	COMMIT(late);
	box_has(box_read_some(&box, 10), "2g");
	box_has(box_read_some(&box, 10), "");
	box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_close(late);
	box_drop(&box);
}

/* The id is drawn, but nothing is written yet: the transaction has no xid, only the lock. */
static void *insert_slowly(void *context)
{
	struct inserter *inserter = context;
	struct testdb *db = testdb_open(inserter->url);
	bool done = testdb_try(db, NULL,
		"INSERT INTO dray.outbox (subject, payload) VALUES ('slow', CASE WHEN pg_sleep(1.5) "
		"IS NULL THEN 'a'::bytea ELSE 'b'::bytea END)");

	inserter->committed_ms = done ? now_ms() : -1;
	testdb_close(db);
	return NULL;
}

static void test_an_id_before_any_xid(void **state)
{
	struct box box = box_make(true);
	static struct inserter inserter;

	(void)state;
	inserter = (struct inserter){ .url = box.url };
	box_emit(&box, 1); /* the first of 32 ids is logged, which takes an xid */
	box_has(box_read_some(&box, 10), "1n");
	box_has(box_read_some(&box, 10), ""); /* what is below 1 is closed */
	assert_int_equal(pthread_create(&inserter.thread, NULL, insert_slowly, &inserter), 0);
	WAIT_UNTIL(5000, testdb_int(box.app, "SELECT last_value FROM dray.outbox_id_seq") == 2);
	assert_int_equal(testdb_int(box.app,
				 "SELECT count(backend_xid) FROM pg_stat_activity WHERE query LIKE "
				 "'INSERT%%slow%%'"),
		0);
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "3n");
	for (int i = 0; i < 5; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(inserter.committed_ms, 0);
	assert_int_equal(outbox_gaps(box.outbox), 1);
	pthread_join(inserter.thread, NULL);
	assert_true(inserter.committed_ms > 0);
	box_has(box_read_some(&box, 10), "2g");
	box_drop(&box);
}

/* Drawn ahead, no lock tells of it: the gap is closed long since, and the sweep is the net. */
static void test_ids_drawn_ahead(void **state)
{
	struct box box = box_make(true);

	(void)state;
	assert_int_equal(testdb_int(box.app, "SELECT nextval('dray.outbox_id_seq')"), 1);
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "2n");
	for (int i = 0; i < 3; i++)
		box_has(box_read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_exec(box.app,
		"INSERT INTO dray.outbox (id, subject, payload) OVERRIDING SYSTEM VALUE VALUES (1, "
		"'a', '')");
	box_has(box_read_some(&box, 10), "");
	outbox_sweep(box.outbox, INT64_MIN);
	struct batch *batch = box_read_sweep(&box, 10);
	assert_true(batch->sweep_done);
	box_has(batch, "1s 2s");
	box_drop(&box);
}

/* More rows in a gap than fit: nothing above may go ahead of the rest. */
static void test_a_gap_with_many_rows(void **state)
{
	struct box box = box_make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	for (int i = 0; i < 5; i++)
		put(late, "a");
	box_emit(&box, 1); /* 6 */
	box_has(box_read_some(&box, 2), "6n");
	COMMIT(late);
	box_emit(&box, 1); /* 7 */
	static const char *const expected[] = { "1g 2g", "3g 4g", "5g 7n" };
	for (int i = 0; i < 3; i++) {
		struct batch *batch = box_read_some(&box, 2);
		assert_int_equal(batch->caught_up, i == 2);
		box_has(batch, expected[i]);
	}
	testdb_close(late);
	box_drop(&box);
}

static void test_more_gaps_than_can_be_watched(void **state)
{
	struct box box = box_make(true);
	struct testdb *holder = testdb_open(box.url);

	(void)state;
	BEGIN(holder);
	put(holder, "a"); /* 1 */
	testdb_exec(box.app,
		"INSERT INTO dray.outbox (id, subject, payload) OVERRIDING SYSTEM VALUE SELECT 3 * i, "
		"'a', '' FROM generate_series(1, 2100) AS i");
	struct batch *batch = box_read_some(&box, 10000);
	assert_int_equal(batch->count, 2100);
	batch_destroy(batch);
	assert_true(outbox_needs_sweeps(box.outbox));
	assert_in_range(outbox_gaps(box.outbox), 2000, 2200);
	COMMIT(holder);
	box_has(box_read_some(&box, 10), ""); /* its gap was the oldest */
	box_has(box_read_some(&box, 10), "");
	assert_false(outbox_needs_sweeps(box.outbox));
	assert_int_equal(outbox_gaps(box.outbox), 0);
	outbox_sweep(box.outbox, INT64_MIN);
	box_has(box_read_sweep(&box, 2), "1s 3s");
	testdb_close(holder);
	box_drop(&box);
}

/*
 * A key's rows come in the order of their commits, though the first has its id from before a gap was seen.
 * The reader never stops, so its looks fall between every two commits of the writer.
 */
#define TURNS 150

struct turns {
	pthread_t thread;
	const char *url;
	_Atomic bool over, failed;
};

static bool take_turns(struct testdb *low, struct testdb *high, int turn)
{
	static const char insert[] =
		"INSERT INTO dray.outbox (subject, key, payload) VALUES ('a', '%s', '')";
	char *other = text(insert, "other"), *key = text(insert, text("k%d", turn));

	if (!testdb_try(low, NULL, "BEGIN") || !testdb_try(low, NULL, key) ||
		!testdb_try(high, NULL, other))
		return false;
	nap(4 + turn % 5); /* the reader sees the gap */
	return testdb_try(low, NULL, "COMMIT") && testdb_try(high, NULL, key);
}

static void *write_turns(void *context)
{
	struct turns *turns = context;
	struct testdb *low = testdb_open(turns->url), *high = testdb_open(turns->url);

	for (int turn = 0; turn < TURNS && !turns->failed; turn++)
		turns->failed = !take_turns(low, high, turn);
	turns->over = true;
	testdb_close(low);
	testdb_close(high);
	return NULL;
}

static void test_one_snapshot(void **state)
{
	struct box box = box_make(true);
	struct turns turns = { .url = box.url };
	int64_t last[TURNS] = { 0 };
	size_t seen = 0, rest = 1;

	(void)state;
	assert_int_equal(pthread_create(&turns.thread, NULL, write_turns, &turns), 0);
	while (!turns.over || rest > 0) {
		bool over = turns.over;
		struct batch *batch = box_read_some(&box, 100);
		rest = over ? batch->count : 1;
		for (size_t i = 0; i < batch->count; i++) {
			const struct row *row = batch->rows[i];
			seen++;
			if (row->event.key.data[0] != 'k')
				continue;
			int turn =
				atoi(text_bytes(row->event.key.data + 1, row->event.key.size - 1));
			if (last[turn] > row->id)
				give_up("row %lld of key k%d came after row %lld",
					(long long)row->id, turn, (long long)last[turn]);
			last[turn] = row->id;
		}
		batch_destroy(batch);
	}
	pthread_join(turns.thread, NULL);
	assert_false(turns.failed);
	assert_int_equal(seen, 3 * TURNS);
	assert_true(outbox_late(box.outbox) > TURNS / 2);
	box_drop(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_late_commit),
		cmocka_unit_test(test_late_and_out_of_order),
		cmocka_unit_test(test_a_gap_at_the_beginning),
		cmocka_unit_test(test_a_rolled_back_gap_closes),
		cmocka_unit_test(test_later_writers_keep_no_gap_open),
		cmocka_unit_test(test_a_prepared_transaction),
		cmocka_unit_test(test_a_savepoint),
		cmocka_unit_test(test_an_id_before_any_xid),
		cmocka_unit_test(test_ids_drawn_ahead),
		cmocka_unit_test(test_a_gap_with_many_rows),
		cmocka_unit_test(test_more_gaps_than_can_be_watched),
		cmocka_unit_test(test_one_snapshot),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("gaps of an outbox", tests, server_start, server_stop);
}
