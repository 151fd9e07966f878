/* Sinks that map, on both databases: what becomes of events in a table that is not Dray's. */
#include "target.h"

static const char orders_sqlite[] =
	"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'none', total NUMERIC, "
	"other TEXT DEFAULT 'kept')";
static const char orders_postgres[] =
	"CREATE TABLE t (id bigint PRIMARY KEY, name varchar(9) NOT NULL DEFAULT 'none', total numeric, "
	"other text DEFAULT 'kept')";

static struct target orders(bool postgres, const char *mode)
{
	struct target target = target_make(postgres, mode, orders_sqlite, orders_postgres);

	target_set(&target, "columns.id", "$.id");
	target_set(&target, "columns.name", "$.name");
	target_set(&target, "columns.total", "$.total");
	if (strcmp(mode, "upsert") == 0)
		target_set(&target, "key", "id");
	return target;
}

#define ALL "SELECT id, name, total, other FROM t ORDER BY id"

static void an_event_becomes_a_row(bool postgres)
{
	struct target target = orders(postgres, "insert");

	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"name\":\"a\",\"total\":1.5}");
	target_add(&target, 2, NULL, NULL, "{\"id\":9007199254740993}");
	target_add(&target, 3, NULL, NULL,
		"{\"id\":\"3\",\"name\":\"\\u00e4\\n\\\"\",\"total\":null}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, ALL),
		"1|a|1.5|kept;3|\xc3\xa4\n\"|~|kept;9007199254740993|none|~|kept;");
	assert_int_equal(target.position.seq, 3);
	target_drop(&target);
}

static void the_position_moves_with_the_rows(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct error err;

	target_open(&target);
	testdb_exec(
		target.look, "UPDATE %s SET seq = 7", testdb_table(target.look, "sink_position"));
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	assert_false(target_try_store(&target, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(target_rows(&target, ALL), "");
	testdb_exec(
		target.look, "UPDATE %s SET seq = 0", testdb_table(target.look, "sink_position"));
	testdb_exec(target.look, "UPDATE %s SET epoch = epoch + 1, holder = 'other'",
		testdb_table(target.look, "lease"));
	assert_false(target_try_store(&target, &err));
	assert_contains(err.text, "another process holds sink:mapped");
	assert_string_equal(target_rows(&target, ALL), "");
	target_drop(&target);
}

static void what_does_not_fit_is_set_aside(bool postgres)
{
	struct target target = orders(postgres, "insert");

	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2,");
	target_add(&target, 3, NULL, NULL, "{\"id\":\"three\"}");
	target_add(&target, 4, NULL, NULL, "{\"id\":1}");
	target_add(&target, 5, NULL, NULL, "{\"id\":5,\"name\":null}");
	target_add(&target, 6, NULL, NULL, "{\"id\":6,\"total\":\"much\"}");
	target_add(&target, 7, NULL, NULL, "{\"id\":7.5}");
	target_add(&target, 8, NULL, NULL, "{\"id\":8}");
	assert_int_equal(target_store(&target), 6);
	assert_string_equal(target_rows(&target, "SELECT id FROM t ORDER BY id"), "1;8;");
	char *dead = target_dead(&target);
	assert_contains(dead, "2|the payload is no JSON: a name in quotes is missing;");
	assert_contains(dead, "3|column id: ");
	assert_contains(dead,
		postgres ? "duplicate key value violates unique constraint"
			 : "UNIQUE constraint failed: t.id");
	assert_contains(dead, "5|column name: it is null in the event, and may not be;");
	assert_contains(dead, "6|column total: ");
	assert_contains(dead, "7|column id: ");
	if (postgres)
		assert_contains(dead, "invalid input syntax for type numeric: \"much\"");
	else
		assert_contains(dead, "6|column total: \"much\" is no number;");
	target_drop(&target);
}

static void a_text_is_never_cut(bool postgres)
{
	struct target target = orders(postgres, "insert");

	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"name\":\"0123456789\"}");
	assert_int_equal(target_store(&target), postgres);
	if (postgres)
		assert_contains(target_dead(&target), "value too long");
	target_drop(&target);
}

static void the_newest_of_a_key_stays(bool postgres)
{
	struct target target = orders(postgres, "upsert");

	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"name\":\"a\",\"total\":1}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2,\"name\":\"b\"}");
	target_add(&target, 3, NULL, NULL, "{\"id\":1,\"name\":\"c\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, ALL), "1|c|~|kept;2|b|~|kept;");
	testdb_exec(target.look, "UPDATE t SET other = 'mine'");
	target_add(&target, 4, NULL, NULL, "{\"id\":1,\"total\":4}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, ALL), "1|none|4|mine;2|b|~|mine;");
	target_drop(&target);
}

static void a_delete_takes_the_row(bool postgres)
{
	struct target target = orders(postgres, "upsert");

	target_set(&target, "delete_when.header", "Type");
	target_set(&target, "delete_when.equals", "gone");
	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2}");
	target_add(&target, 3, NULL, "{\"Type\":\"gone\"}", "{\"id\":1,\"name\":7}");
	target_add(&target, 4, NULL, "{\"Type\":\"gone\"}", "{\"id\":3}");
	target_add(&target, 5, NULL, "{\"Type\":\"gone\"}", "{\"name\":\"x\"}");
	target_add(&target, 6, NULL, "{\"Type\":\"gone\"}", "{\"id\":4}");
	target_add(&target, 7, NULL, NULL, "{\"id\":4}");
	assert_int_equal(target_store(&target), 1);
	assert_string_equal(target_rows(&target, "SELECT id FROM t ORDER BY id"), "2;4;");
	assert_string_equal(target_dead(&target), "5|column id: it is missing in the event;");
	target_add(&target, 8, NULL, "{\"Type\":\"gone\"}", "{\"id\":2}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t ORDER BY id"), "4;");
	target_drop(&target);
}

static void an_older_version_changes_nothing(bool postgres)
{
	struct target target = orders(postgres, "upsert");

	target_set(&target, "version", "$.v");
	target_set(&target, "delete_when.from", "$.gone");
	target_set(&target, "delete_when.equals", "true");
	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"v\":5,\"name\":\"five\"}");
	target_add(&target, 2, NULL, NULL, "{\"id\":1,\"v\":4,\"name\":\"four\"}");
	target_add(&target, 3, NULL, NULL, "{\"id\":2,\"v\":1,\"name\":\"one\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|five;2|one;");
	target_add(&target, 4, NULL, NULL, "{\"id\":1,\"v\":3,\"name\":\"three\"}");
	target_add(&target, 5, NULL, NULL, "{\"id\":1,\"v\":4,\"gone\":true}");
	target_add(&target, 6, NULL, NULL, "{\"id\":2,\"v\":7,\"gone\":true}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|five;");
	target_add(&target, 7, NULL, NULL, "{\"id\":2,\"v\":6,\"name\":\"six\"}");
	target_add(&target, 8, NULL, NULL, "{\"id\":1,\"v\":5,\"name\":\"fivefive\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|fivefive;");
	target_add(&target, 9, NULL, NULL, "{\"id\":2,\"v\":8,\"name\":\"eight\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|fivefive;2|eight;");
	/* The next epoch of the stream is newer than all of them. */
	struct error err;
	assert_true(table_next_epoch(target.table, "now", 0, &target.position, &err));
	target_add(&target, 1, NULL, NULL, "{\"id\":2,\"v\":1,\"name\":\"anew\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|fivefive;2|anew;");
	target_drop(&target);
}

static void a_version_can_stand_in_the_table(bool postgres)
{
	struct target target = target_make(postgres, "upsert",
		"CREATE TABLE t (a TEXT, b TEXT, name TEXT, v INTEGER, UNIQUE (b, a))",
		"CREATE TABLE t (a text, b uuid, name text, v int, UNIQUE (b, a))");
	const char *one = "11111111-2222-3333-4444-555555555555";

	target_set(&target, "key", "a, b");
	target_set(&target, "columns.a", "@key");
	target_set(&target, "columns.b", "$.b");
	target_set(&target, "columns.name", "$.name");
	target_set(&target, "columns.v", "$.v");
	target_set(&target, "version", "$.v");
	target_set(&target, "delete_when.from", "$.gone");
	target_set(&target, "delete_when.equals", "1");
	target_open(&target);
	target_add(&target, 1, "x", NULL, text("{\"b\":\"%s\",\"v\":5,\"name\":\"five\"}", one));
	target_add(&target, 2, "y", NULL, text("{\"b\":\"%s\",\"v\":5,\"name\":\"y\"}", one));
	target_store(&target);
	target_add(&target, 3, "x", NULL, text("{\"b\":\"%s\",\"v\":4,\"name\":\"four\"}", one));
	target_add(&target, 4, "y", NULL, text("{\"b\":\"%s\",\"v\":4,\"gone\":1}", one));
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT a, name, v FROM t ORDER BY a"), "x|five|5;y|y|5;");
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM %s WHERE key LIKE '%%x%%'",
				 testdb_table(target.look, "sink_version")),
		0);
	target_add(&target, 5, "y", NULL, text("{\"b\":\"%s\",\"v\":9,\"gone\":1}", one));
	target_store(&target);
	target_add(&target, 6, "y", NULL, text("{\"b\":\"%s\",\"v\":8,\"name\":\"back\"}", one));
	target_add(&target, 7, "x", NULL, text("{\"b\":\"%s\",\"v\":6,\"name\":\"six\"}", one));
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT a, name, v FROM t ORDER BY a"), "x|six|6;");
	target_drop(&target);
}

static void events_that_come_again_change_nothing(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct error err;

	testdb_exec(target.look, "%s",
		testdb_pick(target.look,
			"DROP TABLE t; CREATE TABLE t (id INTEGER, name TEXT, total NUMERIC)",
			"DROP TABLE t; CREATE TABLE t (id bigint, name text, total numeric)"));
	target_open(&target);
	table_expect(target.table, false);
	target_add(&target, 2, NULL, NULL, "{\"id\":2}");
	target_add(&target, 3, NULL, NULL, "{\"id\":3}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2}");
	assert_int_equal(target_store(&target), 0);
	target_add(&target, 3, NULL, NULL, "{\"id\":3}");
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t ORDER BY id"), "1;2;3;");
	const char *kept = testdb_table(target.look, "sink_version");
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM %s", kept), 3);
	assert_true(table_acknowledged(target.table, 0, 2, &err));
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM %s", kept), 1);
	target_drop(&target);
}

static void events_in_any_order_end_the_same(bool postgres)
{
	struct target target = orders(postgres, "upsert");

	target_set(&target, "delete_when.from", "$.gone");
	target_set(&target, "delete_when.equals", "true");
	target_open(&target);
	table_expect(target.table, false);
	target_add(&target, 5, NULL, NULL, "{\"id\":1,\"name\":\"five\"}");
	target_add(&target, 8, NULL, NULL, "{\"id\":2,\"gone\":true}");
	target_store(&target);
	target_add(&target, 4, NULL, NULL, "{\"id\":1,\"name\":\"four\"}");
	target_add(&target, 3, NULL, NULL, "{\"id\":1,\"gone\":true}");
	target_add(&target, 7, NULL, NULL, "{\"id\":2,\"name\":\"seven\"}");
	target_store(&target);
	assert_string_equal(target_rows(&target, "SELECT id, name FROM t ORDER BY id"), "1|five;");
	target_drop(&target);
}

static bool again(struct target *target, int64_t seq, const char *payload, struct error *err)
{
	const struct table_event event = { .event = { .subject = SLICE("shop.order"),
						   .payload = slice_of(payload) },
		.seq = seq };

	return table_store_again(target->table, 0, &event, err);
}

/* What was set aside must not overwrite what came later, and leaves sink_dead only where it is settled. */
static void an_event_comes_back(bool postgres)
{
	struct target target = orders(postgres, "upsert");
	struct error err;

	target_set(&target, "delete_when.from", "$.gone");
	target_set(&target, "delete_when.equals", "true");
	testdb_exec(target.look, "%s",
		testdb_pick(target.look,
			"CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.total = 7 BEGIN SELECT RAISE(ABORT, 'no'); END",
			"ALTER TABLE t ADD CONSTRAINT no CHECK (total <> 7)"));
	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"total\":7}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2,\"total\":7}");
	target_add(&target, 3, NULL, NULL, "{\"id\":3,\"total\":7}");
	target_add(&target, 4, NULL, NULL, "{\"id\":2,\"total\":8}");
	target_add(&target, 5, NULL, NULL, "{\"id\":3,\"total\":8}");
	target_add(&target, 6, NULL, NULL, "{\"id\":3,\"gone\":true}");
	assert_int_equal(target_store(&target), 3);
	assert_false(again(&target, 1, "{\"id\":1,\"total\":7}", &err));
	assert_int_equal(err.kind, ERROR_REJECTED);
	testdb_exec(target.look, "%s",
		testdb_pick(target.look, "DROP TRIGGER no", "ALTER TABLE t DROP CONSTRAINT no"));
	target_open(&target);
	assert_true(again(&target, 1, "{\"id\":1,\"total\":7}", &err));
	assert_false(again(&target, 2, "{\"id\":2,\"total\":7}", &err));
	assert_int_equal(err.kind, ERROR_REJECTED);
	assert_true(again(&target, 3, "{\"id\":3,\"total\":7}", &err)); /* deleted since */
	assert_false(again(&target, 3, "{\"id\":3,\"total\":7}", &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(
		target_rows(&target, "SELECT id, total FROM t ORDER BY id"), "1|7;2|8;");
	assert_int_equal(testdb_int(target.look, "SELECT min(seq) FROM %s",
				 testdb_table(target.look, "sink_dead")),
		2);
	target_drop(&target);
}

static void replays_are_skipped(bool postgres)
{
	struct target target = orders(postgres, "insert");

	target_open(&target);
	target_add(&target, 1, NULL, "{\"Dray-Replay\":\"1\"}", "{\"id\":1}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2}");
	target_add(&target, 3, NULL, "{\"Dray-Replay\":\"1\"}", "{\"id\":3}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t ORDER BY id"), "2;");
	assert_int_equal(target.position.seq, 3);
	target_drop(&target);
}

static void the_newest_event_is_known_again(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct table_mark mark;
	struct error err;

	target_open(&target);
	assert_true(table_newest(target.table, 0, INT64_MAX, &mark, &err));
	assert_int_equal(mark.seq, 0);
	table_mark_finish(&mark);
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	target_add(&target, 2, NULL, NULL, "no JSON");
	target_store(&target);
	assert_true(table_newest(target.table, 0, INT64_MAX, &mark, &err));
	assert_int_equal(mark.seq, 2);
	assert_string_equal(mark.subject, "shop.order.eu");
	assert_string_equal(mark.id, "");
	assert_string_equal(mark.time, "2023-11-14T22:13:20.123Z");
	table_mark_finish(&mark);
	target_drop(&target);
}

static void a_wrong_table_is_told_at_once(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct error err;

	target_set(&target, "columns.colour", "$.colour");
	assert_false(target_try_open(&target, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, "columns.colour: the table t has no such column");
	testdb_exec(target.look, "ALTER TABLE t ADD COLUMN colour %s",
		testdb_pick(target.look, "INTEGER", "int"));
	target_set(&target, "columns.colour.default", "red");
	assert_false(target_try_open(&target, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, "column colour: ");
	target_set(&target, "columns.colour.default", "7");
	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	target_add(&target, 2, NULL, NULL, "{\"id\":2,\"colour\":8}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(
		target_rows(&target, "SELECT id, colour FROM t ORDER BY id"), "1|7;2|8;");
	target_drop(&target);
}

static void a_column_that_vanished_is_named(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct error err;

	target_open(&target);
	testdb_exec(target.look, "ALTER TABLE t RENAME COLUMN total TO sum");
	target_add(&target, 1, NULL, NULL, "{\"id\":1}");
	assert_false(target_try_store(&target, &err));
	if (postgres)
		assert_contains(err.text, "total");
	assert_int_equal(err.kind, postgres ? ERROR_SCHEMA : ERROR_CONFLICT);
	assert_false(target_try_open(&target, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, "columns.total: the table t has no such column");
	testdb_exec(target.look, "ALTER TABLE t RENAME COLUMN sum TO total");
	target_open(&target);
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id FROM t"), "1;");
	target_drop(&target);
}

static void a_column_of_another_type_is_no_events_fault(bool postgres)
{
	struct target target = orders(postgres, "insert");
	struct error err;

	testdb_exec(target.look, "ALTER TABLE t ADD COLUMN n %s",
		testdb_pick(target.look, "INT", "int"));
	target_set(&target, "columns.n", "$.n");
	target_open(&target);
	testdb_exec(target.look, "%s",
		testdb_pick(target.look,
			"ALTER TABLE t DROP COLUMN n; ALTER TABLE t ADD COLUMN n TEXT",
			"ALTER TABLE t ALTER COLUMN n TYPE bigint"));
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"n\":12345678901}");
	assert_false(target_try_store(&target, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	if (postgres)
		assert_contains(err.text, "the column n was of type integer and is bigint now");
	load_clear(&target.load);
	target_open(&target);
	target_add(&target, 1, NULL, NULL, "{\"id\":1,\"n\":12345678901}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(target_rows(&target, "SELECT id, n FROM t"), "1|12345678901;");
	target_drop(&target);
}

ON_BOTH(an_event_becomes_a_row)
ON_BOTH(the_position_moves_with_the_rows)
ON_BOTH(what_does_not_fit_is_set_aside)
ON_BOTH(a_text_is_never_cut)
ON_BOTH(the_newest_of_a_key_stays)
ON_BOTH(a_delete_takes_the_row)
ON_BOTH(an_older_version_changes_nothing)
ON_BOTH(a_version_can_stand_in_the_table)
ON_BOTH(events_that_come_again_change_nothing)
ON_BOTH(events_in_any_order_end_the_same)
ON_BOTH(an_event_comes_back)
ON_BOTH(replays_are_skipped)
ON_BOTH(the_newest_event_is_known_again)
ON_BOTH(a_wrong_table_is_told_at_once)
ON_BOTH(a_column_that_vanished_is_named)
ON_BOTH(a_column_of_another_type_is_no_events_fault)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(an_event_becomes_a_row),
		BOTH(the_position_moves_with_the_rows),
		BOTH(what_does_not_fit_is_set_aside),
		BOTH(a_text_is_never_cut),
		BOTH(the_newest_of_a_key_stays),
		BOTH(a_delete_takes_the_row),
		BOTH(an_older_version_changes_nothing),
		BOTH(a_version_can_stand_in_the_table),
		BOTH(events_that_come_again_change_nothing),
		BOTH(events_in_any_order_end_the_same),
		BOTH(an_event_comes_back),
		BOTH(replays_are_skipped),
		BOTH(the_newest_event_is_known_again),
		BOTH(a_wrong_table_is_told_at_once),
		BOTH(a_column_that_vanished_is_named),
		BOTH(a_column_of_another_type_is_no_events_fault),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("mapped", tests, server_start, server_stop);
}
