/*
 * Wall clocks that lie: dray's and PostgreSQL's jump by an hour either way while everything is at work. Nothing
 * is lost, turned around or doubled, a lease stays with its holder and is taken over in time, and a row that
 * failed is not held for that hour. nats-server's clock stays: no means at hand moves a static program's.
 * With sanitizers only PostgreSQL's clock moves.
 */
#include "crew.h"

#include <signal.h>

#include "support/fake_clock.h"

#define HOUR	 3600
#define LEASE_MS 1000

static struct fake_clock of_dray, of_postgres;

static int start(void **state)
{
	fixture_start_nats(state);
	fake_clock_make(&of_dray, "dray");
	fake_clock_make(&of_postgres, "postgres");
	for (int i = 0; of_postgres.variables[i]; i++)
		putenv((char *)(uintptr_t)of_postgres.variables[i]);
	pg_server_start(&pg, "pg", NULL);
	for (int i = 0; of_postgres.variables[i]; i++) {
		char *name = text("%s", of_postgres.variables[i]);
		name[strcspn(name, "=")] = '\0';
		unsetenv(name);
		if (fake_clock_moves_dray())
			dray_environment(name, strchr(of_dray.variables[i], '=') + 1);
	}
	return 0;
}

/* By what an hour's jump of the database's clock is seen, in dray itself where it is SQLite. */
static void move(int dray_hours, int postgres_hours)
{
	fake_clock_move(&of_dray, dray_hours * HOUR);
	fake_clock_move(&of_postgres, postgres_hours * HOUR);
}

static int64_t epoch(struct crew *crew)
{
	return testdb_int(crew->db, "SELECT epoch FROM %s", testdb_table(crew->db, "lease"));
}

static int64_t attempts(struct crew *crew)
{
	return testdb_int(crew->db, "SELECT max(attempts) FROM %s WHERE key = 'failing'",
		testdb_table(crew->db, "outbox"));
}

/* For longer than a lease whoever held it goes on, and what is put arrives as always. */
static void goes_on(struct crew *crew, int holder)
{
	int64_t before = epoch(crew), end = now_ms() + LEASE_MS * 5 / 4;

	assert_true(crew_holds(crew, holder));
	while (now_ms() < end) {
		assert_in_range(crew_measure(crew), 0, patience(LEASE_MS));
		nap(50);
	}
	assert_true(crew_holds(crew, holder));
	assert_int_equal(epoch(crew), before);
}

/* No start time says that the process is gone: it is another machine's. */
static void crash_elsewhere(struct crew *crew, int member)
{
	proc_kill(crew->members[member]);
	testdb_exec(
		crew->db, "UPDATE %s SET holder = 'db2/1/1-1-1'", testdb_table(crew->db, "lease"));
}

static void takes_over(struct crew *crew, int from, int to)
{
	int64_t began = now_ms();

	crash_elsewhere(crew, from);
	WAIT_UNTIL(20000, crew_holds(crew, to));
	say("%s: took over after %lld ms, the lease being %d ms", crew->name,
		(long long)(now_ms() - began), LEASE_MS);
	assert_in_range(now_ms() - began, LEASE_MS / 2, patience(LEASE_MS + 250));
	crew_start(crew, from, NULL, NULL);
	crew_wait_stand_by(crew, from);
}

/* An event that no stream takes yet is tried again and again, whatever the clock was when it failed. */
static void retries_go_on(struct crew *crew)
{
	int64_t tried = attempts(crew);

	WAIT_UNTIL(8000, attempts(crew) > tried + 1);
}

static void test_jumps(void **state)
{
	const char *const *what = *state;
	bool sink = strcmp(what[0], "sinks") == 0;
	struct writer *writer = NULL;
	struct crew crew;

	move(0, 0);
	crew_make(&crew, what[1], text("clocks_%s", what[0]), sink,
		text("lease: %dms%s", LEASE_MS,
			sink ? "" : ", retry: { initial: 1s, max: 2s, max_attempts: 0 }"));
	crew_start_all(&crew, 2);
	if (!sink) {
		testdb_emit(crew.db, "later.a", "failing", NULL, "x");
		writer = writer_start(crew.database, crew.name, 20, 3, 10);
		WAIT_UNTIL(20000, attempts(&crew) > 0);
	}
	move(1, 1);
	goes_on(&crew, 0);
	takes_over(&crew, 0, 1);
	move(0, 0); /* back by an hour: a row that failed lies in the future now */
	goes_on(&crew, 1);
	if (!sink)
		retries_go_on(&crew);
	move(-1, -1);
	goes_on(&crew, 1);
	takes_over(&crew, 1, 0);
	move(-1, 1); /* they need not agree either */
	goes_on(&crew, 0);
	if (!sink) {
		retries_go_on(&crew);
		jetstream_change(
			crew.js, crew.name, text("\"%s.>\", \"later.>\"", crew.name), NULL);
		say("%s: %lld transactions of 3 rows meanwhile", crew.name,
			(long long)writer_end(writer));
	}
	crew_finish(&crew);
	move(0, 0);
}

static const char *const kinds[][2] = { { "relays", "sqlite" }, { "relays", "postgres" },
	{ "sinks", "sqlite" }, { "sinks", "postgres" } };

#define CASE(i, name) \
	{ "test_jumps (" name ")", test_jumps, NULL, NULL, (void *)(uintptr_t)kinds[i] }

int main(void)
{
	const struct CMUnitTest relays[] = { CASE(0, "relays, sqlite"),
		CASE(1, "relays, postgres") };
	const struct CMUnitTest sinks[] = { CASE(2, "sinks, sqlite"), CASE(3, "sinks, postgres") };

	only_named_tests();
	int failed = cmocka_run_group_tests_name("clocks", relays, start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("clocks of sinks", sinks, NULL, NULL);
	return failed;
}
