/*
 * A backlog after a long quiet time: the database's statistics say that hardly a row is pending, and then
 * very many are. What dray asks of the database must not cost more with every row that waits.
 */
#include "fixture.h"

#define BEFORE 3000
#define ROWS   20000

static int64_t rows(void)
{
	return number_from("DRAY_ROWS", long_run() ? 200000 : ROWS);
}

static void test_statistics_of_quiet_times(void **state)
{
	const char *kind = *state;
	char *name = text("backlog_%s", kind), *database = fixture_database(kind, "backlog");
	char *config = fixture_config(name,
		"streams: [ { name: %s, subjects: [\"%s.>\"] } ]\n"
		"relays: [ { name: load, database: \"%s\" } ]\n",
		name, name, database);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	if (testdb_is_postgres(db))
		testdb_exec(db, "ALTER TABLE dray.outbox SET (autovacuum_enabled = off)");
	struct proc *daemon = dray_start(name, NULL, "run", "-c", config);
	fixture_bulk(db, text("'%s.a'", name), 0, BEFORE, 100);
	WAIT_UNTIL(30000, testdb_in_state(db, "delivered") == BEFORE);
	testdb_exec(db, "ANALYZE");
	int64_t began = now_ms();
	fixture_bulk(db, text("'%s.b'", name), BEFORE, rows(), 1000);
	WAIT_UNTIL(rows() < 30000 ? 15000 : rows() / 2, testdb_in_state(db, "pending") == 0);
	say("%s: %lld rows of a backlog in %lld ms", name, (long long)rows(),
		(long long)(now_ms() - began));
	dray_stop(daemon);
	testdb_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_statistics_of_quiet_times),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("a backlog", tests, fixture_start, NULL);
}
