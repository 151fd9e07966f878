/* Deleted keys are forgotten by their age, in small steps, and nothing else is. */
#include "target.h"

#include "sink/tombstones.h"

#define HOUR_MS ((int64_t)3600 * 1000)

static struct target make(bool postgres)
{
	struct target target =
		target_make(postgres, "upsert", "CREATE TABLE t (id bigint PRIMARY KEY, v bigint)",
			"CREATE TABLE t (id bigint PRIMARY KEY, v bigint)");

	target_set(&target, "columns.id", "$.id");
	target_set(&target, "key", "id");
	target_set(&target, "version", "$.v");
	target_set(&target, "delete_when.header", "T");
	target_set(&target, "delete_when.equals", "d");
	target_open(&target);
	return target;
}

static const char *versions(struct target *target)
{
	return testdb_table(target->look, "sink_version");
}

static int64_t deleted(struct target *target)
{
	return testdb_int(target->look, "SELECT count(*) FROM %s WHERE %s", versions(target),
		testdb_pick(target->look, "deleted = 1", "deleted"));
}

/* What is there was changed two hours ago. */
static void age(struct target *target)
{
	testdb_exec(target->look, "UPDATE %s SET changed_at = %s", versions(target),
		testdb_pick(target->look, "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 hours')",
			"now() - interval '2 hours'"));
}

static void delete_keys(struct target *target, int64_t from, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		target_add(target, from + i, NULL, "{\"T\":\"d\"}",
			text("{\"id\":%lld,\"v\":5}", (long long)(from + i)));
	assert_int_equal(target_store(target), 0);
}

/* A pass; gives how many steps it took. */
static int pass(struct target *target, struct tombstones *tombstones, bool dry)
{
	struct error err;
	bool over = false;
	int steps = 0;

	for (; !over; steps++)
		if (!tombstones_step(tombstones, table_db(target->table), dry, true, &over, &err))
			give_up("%s", err.text);
	return steps;
}

static void only_old_deleted_keys_go(bool postgres)
{
	struct target target = make(postgres);
	struct tombstones tombstones;

	tombstones_init(&tombstones, "mapped", HOUR_MS);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"v\":5}");
	delete_keys(&target, 2, 10);
	age(&target);
	delete_keys(&target, 20, 5);
	assert_int_equal(deleted(&target), 15);
	pass(&target, &tombstones, true);
	assert_int_equal(tombstones.forgotten, 10);
	assert_int_equal(deleted(&target), 15);
	tombstones.forgotten = 0;
	pass(&target, &tombstones, false);
	assert_int_equal(tombstones.forgotten, 10);
	assert_int_equal(deleted(&target), 5);
	assert_string_equal(target_rows(&target, "SELECT id FROM t"), "1;");
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM %s", versions(&target)), 6);
	age(&target);
	pass(&target, &tombstones, false); /* begins with the first again */
	assert_int_equal(deleted(&target), 0);
	tombstones_finish(&tombstones);
	target_drop(&target);
}

static void another_sinks_keys_stay(bool postgres)
{
	struct target target = make(postgres);
	struct tombstones tombstones;

	tombstones_init(&tombstones, "other", HOUR_MS);
	delete_keys(&target, 1, 10);
	age(&target);
	pass(&target, &tombstones, false);
	assert_int_equal(deleted(&target), 10);
	tombstones_finish(&tombstones);
	target_drop(&target);
}

/* However many there are, a step looks at few. */
static void many_go_in_steps(bool postgres)
{
	struct target target = make(postgres);
	struct tombstones tombstones;

	tombstones_init(&tombstones, "mapped", HOUR_MS);
	delete_keys(&target, 1, 8000);
	age(&target);
	assert_true(pass(&target, &tombstones, false) >= 4);
	assert_int_equal(deleted(&target), 0);
	assert_int_equal(tombstones.forgotten, 8000);
	assert_true(tombstones.pace.pause_ms > 0);
	tombstones_finish(&tombstones);
	target_drop(&target);
}

/* Until it is forgotten a key stays deleted; afterwards an older event makes its row again. */
static void a_forgotten_key_can_come_back(bool postgres)
{
	struct target target = make(postgres);
	struct tombstones tombstones;

	tombstones_init(&tombstones, "mapped", HOUR_MS);
	delete_keys(&target, 1, 1);
	target_add(&target, 2, NULL, NULL, "{\"id\":1,\"v\":4}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t"), "");
	age(&target);
	pass(&target, &tombstones, false);
	target_add(&target, 3, NULL, NULL, "{\"id\":1,\"v\":4}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t"), "1;");
	tombstones_finish(&tombstones);
	target_drop(&target);
}

/* A key that somebody is at work on is not waited for. */
static void a_key_in_use_is_left_out_postgres(void **state)
{
	struct target target = make(true);
	struct tombstones tombstones;

	(void)state;
	tombstones_init(&tombstones, "mapped", HOUR_MS);
	delete_keys(&target, 1, 3);
	age(&target);
	testdb_exec(target.look, "BEGIN");
	testdb_exec(target.look, "UPDATE dray.sink_version SET deleted = false WHERE key = '(2)'");
	pass(&target, &tombstones, false);
	assert_int_equal(tombstones.forgotten, 2);
	testdb_exec(target.look, "COMMIT");
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM dray.sink_version"), 1);
	tombstones_finish(&tombstones);
	target_drop(&target);
}

ON_BOTH(only_old_deleted_keys_go)
ON_BOTH(another_sinks_keys_stay)
ON_BOTH(many_go_in_steps)
ON_BOTH(a_forgotten_key_can_come_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(only_old_deleted_keys_go),
		BOTH(another_sinks_keys_stay),
		BOTH(many_go_in_steps),
		BOTH(a_forgotten_key_can_come_back),
		cmocka_unit_test(a_key_in_use_is_left_out_postgres),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("tombstones", tests, server_start, server_stop);
}
