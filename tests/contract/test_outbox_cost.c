/*
 * What a read of an outbox in PostgreSQL costs, in pages, with many settled rows behind the cursor. They are
 * still in the indexes, since a transaction that began before them keeps vacuum away. The statements are the
 * relay's own, prepared on its own connection, so with its settings, whatever statistics the planner has.
 */
#include "box.h"

#include <libpq-fe.h>

#include "db/db.h"
#include "relay/outbox_postgres.h"

#define SETTLED	  200000
#define PAGES_MAX 200
#define HOLES	  10

static struct testdb *hold_snapshot(const struct box *box)
{
	struct testdb *old = testdb_open(box->url);

	testdb_exec(old, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	assert_int_equal(testdb_int(old, "SELECT count(*) FROM dray.outbox"), 0);
	return old;
}

static void add_pending(struct box *box, int rows)
{
	testdb_exec(box->app,
		"INSERT INTO dray.outbox (subject, key, payload) "
		"SELECT 'a.b', 'k' || i %% 1000, convert_to(repeat('x', 200), 'UTF8') "
		"FROM generate_series(1, %d) AS i",
		rows);
}

/* Half of them have failed once, half were scheduled; all are due. */
static void add_late(struct box *box, int rows)
{
	testdb_exec(box->app,
		"INSERT INTO dray.outbox (subject, payload, created_at, available_at, retry_at) "
		"SELECT 'a.b', 'x', now() - interval '1 hour', "
		"now() - CASE WHEN i %% 2 = 0 THEN interval '1 minute' ELSE interval '1 hour' END, "
		"CASE WHEN i %% 2 = 1 THEN now() - interval '1 minute' END "
		"FROM generate_series(1, %d) AS i",
		rows);
}

static void settle_all(struct box *box)
{
	testdb_exec(box->app,
		"UPDATE dray.outbox SET state = 'delivered', delivered_at = now(), stream = 'S', "
		"stream_seq = id WHERE state = 'pending'");
}

static int64_t last_id(struct box *box)
{
	return testdb_int(box->app, "SELECT max(id) FROM dray.outbox");
}

static char *explain_text(struct box *box, const char *statement)
{
	PGconn *connection = postgres_connection(connection_of(box->outbox));
	PGresult *result =
		PQexec(connection, text("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) %s", statement));

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		give_up("%s", PQerrorMessage(connection));
	char *plan = text("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return plan;
}

/* Of a statement as the driver has prepared it. */
static char *explain(struct box *box, const char *execute)
{
	return explain_text(box, text("EXECUTE %s", execute));
}

static int64_t member(const char *plan, const char *name)
{
	char *wanted = text("\"%s\": ", name); /* the first is that of the whole */
	const char *at = strstr(plan, wanted);

	if (!at)
		give_up("the plan says nothing of %s", name);
	return strtoll(at + strlen(wanted), NULL, 10);
}

struct look {
	int64_t cursor, hole;
	int64_t found,
		found_new; /* rows that all questions together, and that of new rows, must bring */
	int64_t pages_max;
};

static void check_plan(const char *plan, int64_t found, int64_t pages_max, const char *when)
{
	int64_t pages = member(plan, "Shared Hit Blocks") + member(plan, "Shared Read Blocks");

	say("%s: %lld pages", when, (long long)pages);
	if (pages > pages_max || strstr(plan, "Seq Scan"))
		give_up("%s: %lld pages:\n%s", when, (long long)pages, plan);
	assert_int_equal(member(plan, "Actual Rows"), found);
}

/* Reads behind the cursor, in gaps, and what is due. */
static void costs_little(struct box *box, struct look look, const char *when)
{
	const char *gaps = "";

	for (int i = 0; i < HOLES; i++)
		gaps = text("%s%s%lld", gaps, i ? "," : "", (long long)look.hole + i);
	char *plan = explain(box,
		text("read (%lld, 1000, 16777216, '{%s}', '{%s}', 0, %lld, 0, 1000, 1000, 360000)",
			(long long)look.cursor, gaps, gaps, (long long)look.cursor));
	check_plan(plan, look.found, look.pages_max, when);
	plan = explain(box, text("new (%lld, 1000, 16777)", (long long)look.cursor));
	check_plan(plan, look.found_new, look.pages_max, text("%s, new rows", when));
	plan = explain(box,
		text("read (%lld, 1000, 50, '{}', '{}', 0, 0, 0, 0, 0, 360000)",
			(long long)look.cursor)); /* where a payload is large */
	check_plan(plan, look.found_new > 0, look.pages_max, text("%s, few bytes", when));
}

/* Ids that were drawn and never came: what an open gap looks like. */
static int64_t make_holes(struct box *box)
{
	return 1 +
		testdb_int(box->app,
			"SELECT max(nextval(pg_get_serial_sequence('dray.outbox', 'id'))) - %d "
			"FROM generate_series(1, %d)",
			HOLES, HOLES);
}

static void test_settled_rows_cost_nothing(void **state)
{
	struct box box = box_make(true);
	struct testdb *old = hold_snapshot(&box);
	struct look look = { .pages_max = PAGES_MAX };

	(void)state;
	testdb_exec(box.app, "ALTER TABLE dray.outbox SET (autovacuum_enabled = false)");
	add_pending(&box, SETTLED / 2);
	look.hole = make_holes(&box);
	add_pending(&box, SETTLED / 2);
	settle_all(&box);
	look.cursor = last_id(&box);
	costs_little(&box, look, "no statistics");
	testdb_exec(box.app, "ANALYZE dray.outbox");
	costs_little(&box, look, "statistics of nothing pending");
	add_pending(&box, 100);
	add_late(&box, 20);
	look.found_new = 120;
	look.found = 140; /* the late ones are new, too */
	costs_little(&box, look, "some pending");
	add_pending(&box, SETTLED / 10);
	testdb_exec(box.app, "ANALYZE dray.outbox");
	settle_all(&box);
	look.cursor = last_id(&box);
	look.found = look.found_new = 0;
	costs_little(&box, look, "statistics of many pending");
	testdb_exec(old, "COMMIT");
	costs_little(&box, look, "without the old snapshot");
	testdb_close(old);
	box_drop(&box);
}

/* Those that failed or were scheduled cost a page each, until vacuum may take them; the others nothing. */
static void test_late_rows_cost_a_page_each(void **state)
{
	enum { LATE = 400 };
	struct box box = box_make(true);
	struct testdb *old = hold_snapshot(&box);
	struct look look = { .pages_max = PAGES_MAX + LATE };

	(void)state;
	look.hole = make_holes(&box);
	for (int i = 0; i < 10; i++) {
		add_pending(&box, SETTLED / 100);
		add_late(&box, LATE / 10);
	}
	settle_all(&box);
	look.cursor = last_id(&box);
	costs_little(&box, look, "late ones, settled");
	testdb_exec(old, "COMMIT");
	testdb_exec(box.app, "VACUUM dray.outbox");
	look.pages_max = PAGES_MAX;
	costs_little(&box, look, "and vacuumed");
	testdb_close(old);
	box_drop(&box);
}

/* What is asked when a relay or an audit begins, with settled rows alone before the first pending one. */
static void test_a_beginning_costs_little(void **state)
{
	const enum statement asked[] = { SQL_OUTBOX_OLDEST, SQL_AUDIT_FLOOR };
	struct box box = box_make(true);

	(void)state;
	add_pending(&box, SETTLED / 4);
	settle_all(&box);
	add_pending(&box, SETTLED / 20); /* so many that one seems to be near */
	testdb_exec(box.app, "VACUUM ANALYZE dray.outbox");
	for (size_t i = 0; i < 2; i++) {
		char *sql = db_statement_text(DB_POSTGRES, asked[i], box.table);
		check_plan(explain_text(&box, sql), 1, PAGES_MAX, text("question %zu", i + 1));
		free(sql);
	}
	char *plan = explain(&box,
		text("read (%lld, 1000, 16777216, '{%lld}', '{%d}', 0, 0, 0, 0, 0, 360000)",
			(long long)last_id(&box), (long long)INT64_MIN, SETTLED / 4));
	check_plan(plan, 0, PAGES_MAX, "a gap from the beginning of all");
	box_drop(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settled_rows_cost_nothing),
		cmocka_unit_test(test_late_rows_cost_a_page_each),
		cmocka_unit_test(test_a_beginning_costs_little),
	};

	only_named_tests();
	return cmocka_run_group_tests_name(
		"cost of reading an outbox", tests, server_start, server_stop);
}
