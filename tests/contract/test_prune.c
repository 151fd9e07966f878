/* Pruning: the same cases on both databases, in small steps that wait for nobody. */
#include "box.h"

#include "relay/prune.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* So many more rows that were written, and delivered where they are, so long ago. */
static void fill(struct box *box, int rows, const char *state, int hours)
{
	const char *delivered = strcmp(state, "delivered") == 0 ? "at" : "NULL";

	if (box->postgres)
		testdb_exec(box->app,
			"INSERT INTO dray.outbox (subject, payload, state, created_at, delivered_at) "
			"SELECT 'a', 'x', '%s', at, %s FROM generate_series(1, %d) AS i, "
			"(SELECT now() - %d * interval '1 hour' AS at) AS clock",
			state, delivered, rows, hours);
	else
		testdb_exec(box->app,
			"WITH RECURSIVE n (i, at) AS "
			"(SELECT 1, strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now', '-%d hours') "
			"UNION ALL SELECT i + 1, at FROM n WHERE i < %d) "
			"INSERT INTO dray_outbox (subject, payload, state, created_at, delivered_at) "
			"SELECT 'a', 'x', '%s', at, %s FROM n",
			hours, rows, state, delivered);
}

static int64_t rows_of(struct box *box)
{
	return testdb_int(box->app, "SELECT count(*) FROM %s", box->table);
}

static bool step(struct box *box, struct prune *prune, bool dry)
{
	struct error err;
	bool over;

	if (!prune_step(prune, outbox_db(box->outbox), dry, true, &over, &err))
		give_up("%s", err.text);
	return over;
}

static int pass(struct box *box, struct prune *prune, bool dry)
{
	int steps = 1;

	while (!step(box, prune, dry))
		steps++;
	return steps;
}

static struct prune prune_of(const struct box *box)
{
	struct prune prune;

	prune_init(&prune, box->table, HOUR_MS);
	return prune;
}

static void only_old_delivered_rows_go(bool postgres)
{
	struct box box = box_make(postgres);
	struct prune prune = prune_of(&box);

	fill(&box, 10, "delivered", 2);
	fill(&box, 10, "pending", 2);
	fill(&box, 10, "dead", 2);
	fill(&box, 10, "delivered", 0);
	pass(&box, &prune, true);
	assert_int_equal(prune.deleted, 10);
	assert_int_equal(rows_of(&box), 40);
	prune = prune_of(&box);
	pass(&box, &prune, false);
	assert_int_equal(prune.deleted, 10);
	assert_int_equal(rows_of(&box), 30);
	assert_int_equal(testdb_int(box.app, "SELECT min(id) FROM %s", box.table), 11);
	box_drop(&box);
}

/* However many there are, each transaction deletes few. */
static void a_step_is_small(bool postgres)
{
	struct box box = box_make(postgres);
	struct prune prune = prune_of(&box);
	int64_t before = 20000, after;

	fill(&box, (int)before, "delivered", 2);
	for (bool over = false; !over; before = after) {
		over = step(&box, &prune, false);
		after = rows_of(&box);
		assert_in_range(before - after, 0, 5000);
		assert_true(prune.pace.pause_ms > 0);
	}
	assert_int_equal(before, 0);
	box_drop(&box);
}

/* A pass ends at the first rows that are too young, and the next begins behind what is gone. */
static void a_pass_looks_at_little(bool postgres)
{
	struct box box = box_make(postgres);
	struct prune prune = prune_of(&box);

	fill(&box, 1000, "delivered", 2);
	fill(&box, 30000, "delivered", 0);
	pass(&box, &prune, false);
	assert_int_equal(prune.deleted, 1000);
	assert_in_range(pass(&box, &prune, false), 1, 2);
	assert_true(prune.at >= 500);
	box_drop(&box);
}

/* A row that stays does not hide those behind it, nor what is old by then among what was passed over. */
static void what_stays_is_passed_by(bool postgres)
{
	struct box box = box_make(postgres);
	struct prune prune = prune_of(&box);

	fill(&box, 1, "dead", 2);
	fill(&box, 600, "delivered", 2);
	fill(&box, 1, "pending", 2);
	fill(&box, 600, "delivered", 2);
	pass(&box, &prune, false);
	assert_int_equal(rows_of(&box), 2);
	testdb_exec(
		box.app, "UPDATE %s SET state = 'delivered', delivered_at = created_at", box.table);
	pass(&box, &prune, false);
	assert_int_equal(rows_of(&box), 0);
	box_drop(&box);
}

/* Somebody writes: the step is left for later, at once. */
static void test_a_writer_is_not_waited_for(void **state)
{
	struct box box = box_make(false);
	struct prune prune = prune_of(&box);
	int64_t began;

	(void)state;
	fill(&box, 100, "delivered", 2);
	testdb_exec(box.app, "BEGIN IMMEDIATE");
	began = now_ms();
	assert_false(step(&box, &prune, false));
	assert_true(now_ms() - began < patience(1000));
	assert_int_equal(rows_of(&box), 100);
	testdb_exec(box.app, "COMMIT");
	pass(&box, &prune, false);
	assert_int_equal(rows_of(&box), 0);
	box_drop(&box);
}

static int64_t pages(struct box *box, const char *pragma)
{
	return testdb_int(box->app, "PRAGMA %s", pragma);
}

/* A file that is set so shrinks, but for a tenth. */
static void test_pages_are_given_back(void **state)
{
	struct box box = box_make(false);
	struct prune prune = prune_of(&box);

	(void)state;
	fill(&box, 20000, "delivered", 2);
	pass(&box, &prune, false);
	int64_t kept = pages(&box, "page_count");
	testdb_exec(box.app, "PRAGMA auto_vacuum = INCREMENTAL");
	testdb_exec(box.app, "VACUUM");
	fill(&box, 20000, "delivered", 2);
	int64_t full = pages(&box, "page_count");
	assert_true(pass(&box, &prune, false) > 3);
	assert_true(pages(&box, "page_count") < full / 2);
	assert_true(pages(&box, "freelist_count") * 10 <= pages(&box, "page_count"));
	say("%lld pages without, %lld of %lld with incremental vacuum", (long long)kept,
		(long long)pages(&box, "page_count"), (long long)full);
	assert_true(kept > full / 2);
	box_drop(&box);
}

ON_BOTH(only_old_delivered_rows_go)
ON_BOTH(a_step_is_small)
ON_BOTH(a_pass_looks_at_little)
ON_BOTH(what_stays_is_passed_by)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(only_old_delivered_rows_go),
		BOTH(a_step_is_small),
		BOTH(a_pass_looks_at_little),
		BOTH(what_stays_is_passed_by),
		cmocka_unit_test(test_a_writer_is_not_waited_for),
		cmocka_unit_test(test_pages_are_given_back),
	};

	only_named_tests();
	return cmocka_run_group_tests(tests, server_start, server_stop);
}
