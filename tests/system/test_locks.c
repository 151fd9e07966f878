/*
 * Somebody else holds what dray needs in the database, for longer than dray waits for it: SQLite's write
 * lock, its whole file, a reader that keeps its log from shrinking; PostgreSQL's outbox and events locked,
 * a transaction that stays open. Rows are only late; nothing is lost, twice or turned around.
 */
#include <sys/stat.h>

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

static int64_t size_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

/* Nothing stops; the log only grows until the reader ends. */
static void hold_a_reader(struct load *load)
{
	const char *wal = text("%s-wal", load->from + strlen("sqlite:"));
	struct testdb *reader = testdb_open(load->from);
	size_t from = load_log_size(load);

	testdb_exec(reader, "BEGIN");
	testdb_int(reader, "SELECT count(*) FROM dray_outbox");
	int64_t began = size_of(wal), delivered = testdb_in_state(load->outbox, "delivered");
	load_fault_begin(load, "a reader stays");
	nap(held_ms() / 2);
	say("the log of the file grew from %lld to %lld bytes", (long long)began,
		(long long)size_of(wal));
	assert_true(size_of(wal) > began);
	assert_true(testdb_in_state(load->outbox, "delivered") > delivered);
	testdb_exec(reader, "COMMIT");
	load_fault_end(load);
	testdb_close(reader);
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
