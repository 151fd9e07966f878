/*
 * Somebody else holds what dray needs in the database, for longer than dray waits for it: SQLite's write
 * lock, its whole file, a reader that keeps its log from shrinking; PostgreSQL's outbox and events locked,
 * a transaction that stays open. Rows are only late; nothing is lost, twice or turned around.
 */
#include <stdlib.h>

#include "load.h"

static int64_t held_ms(void)
{
	return long_run() ? 20000 : 1500; /* the long one is longer than every deadline */
}

static void hold(struct load *load, const char *what, const char *url, const char *sql)
{
	struct testdb *other = testdb_open(url);
	size_t from = load_log_size(load);

	testdb_exec(other, "%s", sql);
	load_fault_begin(load, what);
	nap(held_ms());
	testdb_exec(other, "COMMIT");
	load_fault_end(load);
	testdb_close(other);
	load_wait_moving(load, 40000);
	nap(1000);
	load_check_log(load, from, what, 1);
}

/* How much of the log stays out of the file itself: frames, and INT64_MAX while somebody else looks. */
static void note_left(void *context, const char *const *cells)
{
	int64_t busy = strtoll(cells[0], NULL, 10), in_log = strtoll(cells[1], NULL, 10);

	*(int64_t *)context = busy ? INT64_MAX : in_log - strtoll(cells[2], NULL, 10);
}

static int64_t left_in_log(struct load *load)
{
	int64_t left = INT64_MAX;

	testdb_each(load->outbox, note_left, &left, "PRAGMA wal_checkpoint(PASSIVE)");
	return left;
}

/* Nothing stops; what is written stays in the log until the reader ends. */
static void hold_a_reader(struct load *load)
{
	struct testdb *reader = testdb_open(load->from);
	size_t from = load_log_size(load);

	testdb_exec(reader, "BEGIN");
	testdb_int(reader, "SELECT count(*) FROM dray_outbox");
	int64_t delivered = testdb_in_state(load->outbox, "delivered"), left;
	load_fault_begin(load, "a reader stays");
	nap(held_ms() / 2);
	WAIT_UNTIL(10000, (left = left_in_log(load)) != INT64_MAX);
	say("%lld frames of the log wait for the reader", (long long)left);
	assert_true(left > 0);
	assert_true(testdb_in_state(load->outbox, "delivered") > delivered);
	testdb_exec(reader, "COMMIT");
	load_fault_end(load);
	testdb_close(reader);
	WAIT_UNTIL(10000, left_in_log(load) == 0);
	load_wait_moving(load, 10000);
	load_check_log(load, from, "a reader stays", 1);
}

static void test_sqlite(void **state)
{
	struct load load;

	(void)state;
	load_start(&load, &(struct load_setup){ .kind = "sqlite", .name = "locked" });
	hold(&load, "outbox: write lock held", load.from, "BEGIN IMMEDIATE");
	hold(&load, "archive: write lock held", load.to, "BEGIN IMMEDIATE");
	hold_a_reader(&load);
	load_end(&load);
}

/* Rows of others pass; this one arrives when its transaction commits. */
static void hold_a_transaction(struct load *load)
{
	struct testdb *open = testdb_open(load->from);
	size_t from = load_log_size(load);

	testdb_exec(open, "BEGIN");
	char *id = testdb_emit(open, text("%s.slow", load->name), "slow", NULL, "late");
	load_fault_begin(load, "a transaction stays open");
	int64_t delivered = testdb_in_state(load->outbox, "delivered");
	nap(held_ms());
	assert_true(testdb_in_state(load->outbox, "delivered") > delivered);
	testdb_exec(open, "COMMIT");
	int64_t committed = now_ms();
	WAIT_UNTIL(10000,
		testdb_int(load->outbox,
			"SELECT count(*) FROM dray.outbox WHERE event_id = '%s' AND state = "
			"'delivered'",
			id) == 1);
	say("a row of a long transaction was delivered %lld ms after its commit",
		(long long)(now_ms() - committed));
	load_fault_end(load);
	testdb_close(open);
	load_check_log(load, from, "a transaction stays open", 1);
}

static void test_postgres(void **state)
{
	struct load load;

	(void)state;
	load_start(&load, &(struct load_setup){ .kind = "postgres", .name = "locked" });
	hold(&load, "outbox locked", load.from,
		"BEGIN; LOCK TABLE dray.outbox IN ACCESS EXCLUSIVE MODE");
	hold(&load, "events locked", load.to,
		"BEGIN; LOCK TABLE dray.events IN ACCESS EXCLUSIVE MODE");
	hold(&load, "leases locked", load.from,
		"BEGIN; LOCK TABLE dray.lease IN ACCESS EXCLUSIVE MODE");
	hold_a_transaction(&load);
	load_end(&load);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sqlite),
		cmocka_unit_test(test_postgres),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("locks of others", tests, fixture_start, NULL);
}
