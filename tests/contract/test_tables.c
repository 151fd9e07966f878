/* Sinks with several tables, on both databases: one position, and each event in the table that takes it. */
#include "target.h"

static const char tables[] =
	"CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(9), rev bigint);"
	"CREATE TABLE customers (id bigint PRIMARY KEY, name text);"
	"CREATE TABLE lines (id bigint, sku text NOT NULL)";

#define ORDERS \
	"      - { subjects: [shop.order.*], table: orders, mode: upsert, key: [id],\n" \
	"          version: $.v, columns: { id: $.id, name: $.name },\n" \
	"          delete_when: { header: T, equals: d } }\n"
#define CUSTOMERS \
	"      - { subjects: [shop.customer], table: customers, mode: upsert, key: [id],\n" \
	"          version: $.v, columns: { id: $.id, name: $.name },\n" \
	"          delete_when: { header: T, equals: d } }\n"
#define LINES \
	"      - { subjects: [shop.line], table: lines, mode: insert,\n" \
	"          columns: { id: $.id, sku: $.sku } }\n"

static struct target several(bool postgres, const char *more)
{
	return target_make_several(
		postgres, tables, text("    tables:\n" ORDERS CUSTOMERS LINES "%s", more));
}

#define DELETED "{\"T\":\"d\"}"

static char *orders(struct target *target)
{
	return target_rows(target, "SELECT id, name FROM orders ORDER BY id");
}

static char *customers(struct target *target)
{
	return target_rows(target, "SELECT id, name FROM customers ORDER BY id");
}

static char *lines(struct target *target)
{
	return target_rows(target, "SELECT id, sku FROM lines ORDER BY id, sku");
}

static void an_event_finds_its_table(bool postgres)
{
	struct target target =
		several(postgres, "      - { subjects: [\"shop.>\"], mode: archive }\n");

	target_open(&target);
	target_add_to(&target, 1, "shop.order.eu", NULL, NULL, "{\"id\":1,\"name\":\"a\",\"v\":1}");
	target_add_to(&target, 2, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 3, "shop.other.x", "k", NULL, "no JSON");
	target_add_to(&target, 4, "shop.customer", NULL, NULL, "{\"id\":1,\"name\":\"c\",\"v\":1}");
	target_add_to(&target, 5, "shop.order.us", NULL, NULL, "{\"id\":1,\"name\":\"b\",\"v\":2}");
	target_add_to(&target, 6, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(orders(&target), "1|b;");
	assert_string_equal(customers(&target), "1|c;");
	assert_string_equal(lines(&target), "1|s;1|s;");
	assert_string_equal(target_rows(&target,
				    text("SELECT seq, subject, key FROM %s",
					    testdb_table(target.look, "events"))),
		"3|shop.other.x|k;");
	assert_int_equal(target.position.seq, 6);
	target_drop(&target);
}

/* What one table refuses keeps nothing from the others, and is named with its table. */
static void each_table_sets_its_own_aside(bool postgres)
{
	struct target target = several(postgres, "");

	testdb_exec(target.look, "CREATE UNIQUE INDEX one ON lines (sku)");
	target_open(&target);
	target_add_to(&target, 1, "shop.order.eu", NULL, NULL, "{\"id\":\"x\",\"v\":1}");
	target_add_to(&target, 2, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 3, "shop.customer", NULL, NULL, "{\"id\":3,\"v\":\"old\"}");
	target_add_to(&target, 4, "shop.line", NULL, NULL, "{\"id\":2,\"sku\":\"s\"}");
	target_add_to(&target, 5, "shop.order.eu", NULL, NULL, "{\"id\":5,\"v\":1}");
	target_add_to(&target, 6, "shop.customer", NULL, NULL, "{\"id\":6,\"v\":1}");
	assert_int_equal(target_store(&target), 3);
	assert_string_equal(orders(&target), "5|~;");
	assert_string_equal(customers(&target), "6|~;");
	assert_string_equal(lines(&target), "1|s;");
	char *dead = target_dead(&target);
	assert_contains(dead, "1|table orders: column id: ");
	assert_contains(dead, "3|table customers: version: ");
	assert_contains(dead, "4|table lines: ");
	target_drop(&target);
}

/* A key that two tables have is two keys. */
static void tables_keep_their_versions_apart(bool postgres)
{
	struct target target = several(postgres, "");

	target_open(&target);
	target_add_to(&target, 1, "shop.order.eu", NULL, DELETED, "{\"id\":1,\"v\":5}");
	target_add_to(&target, 2, "shop.customer", NULL, NULL, "{\"id\":1,\"name\":\"c\",\"v\":3}");
	assert_int_equal(target_store(&target), 0);
	target_add_to(&target, 3, "shop.order.eu", NULL, NULL, "{\"id\":1,\"name\":\"o\",\"v\":4}");
	target_add_to(&target, 4, "shop.customer", NULL, NULL, "{\"id\":1,\"name\":\"d\",\"v\":2}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(orders(&target), "");
	assert_string_equal(customers(&target), "1|c;");
	target_drop(&target);
}

static void a_moved_position_stores_into_none(bool postgres)
{
	struct target target = several(postgres, "");
	struct error err;

	target_open(&target);
	testdb_exec(
		target.look, "UPDATE %s SET seq = 7", testdb_table(target.look, "sink_position"));
	target_add_to(&target, 1, "shop.order.eu", NULL, NULL, "{\"id\":1,\"v\":1}");
	target_add_to(&target, 2, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	assert_false(target_try_store(&target, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(orders(&target), "");
	assert_string_equal(lines(&target), "");
	target_drop(&target);
}

static struct table_event event_of(const char *subject, int64_t seq, const char *payload)
{
	return (struct table_event){
		.event = { .subject = slice_of(subject), .payload = slice_of(payload) }, .seq = seq
	};
}

static void what_no_table_takes_is_set_aside(bool postgres)
{
	struct target target =
		target_make_several(postgres, tables, "    unmatched: dead\n    tables:\n" LINES);
	struct error err;

	target_open(&target);
	target_add_to(&target, 1, "shop.nobody", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 2, "shop.line", NULL, NULL, "{\"id\":2,\"sku\":\"s\"}");
	assert_int_equal(target_store(&target), 1);
	assert_string_equal(target_dead(&target), "1|no entry of tables: takes its subject;");
	assert_string_equal(lines(&target), "2|s;");
	const struct table_event again = event_of("shop.nobody", 1, "{\"id\":1,\"sku\":\"s\"}");
	assert_false(table_store_again(target.table, 0, &again, &err));
	assert_int_equal(err.kind, ERROR_REJECTED);
	target_drop(&target);
}

static void what_no_table_takes_is_passed_over(bool postgres)
{
	struct target target =
		target_make_several(postgres, tables, "    unmatched: ignore\n    tables:\n" LINES);

	target_open(&target);
	target_add_to(&target, 1, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 2, "shop.nobody", NULL, NULL, "{\"id\":2,\"sku\":\"s\"}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(lines(&target), "1|s;");
	assert_int_equal(target.position.seq, 2);
	target_drop(&target);
}

/* What was set aside goes into the table that takes it, and out of sink_dead, once. */
static void what_was_set_aside_finds_its_table(bool postgres)
{
	struct target target =
		several(postgres, "      - { subjects: [\"shop.>\"], mode: archive }\n");
	const struct table_event line = event_of("shop.line", 1, "{\"id\":1,\"sku\":\"s\"}");
	const struct table_event order = event_of("shop.order.eu", 2, "{\"id\":2,\"v\":1}");
	struct error err;

	target_open(&target);
	target_add_to(&target, 1, "shop.line", NULL, NULL, "{\"id\":1}");
	target_add_to(&target, 2, "shop.order.eu", NULL, NULL, "{\"id\":2}");
	assert_int_equal(target_store(&target), 2);
	assert_true(table_store_again(target.table, 0, &line, &err));
	assert_true(table_store_again(target.table, 0, &order, &err));
	assert_string_equal(lines(&target), "1|s;");
	assert_string_equal(orders(&target), "2|~;");
	assert_string_equal(target_dead(&target), "");
	assert_false(table_store_again(target.table, 0, &line, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(lines(&target), "1|s;");
	target_drop(&target);
}

/* Where events come in any order: what cannot come again is forgotten, versions of rows are not. */
static void without_order_each_is_stored_once(bool postgres)
{
	struct target target = several(postgres, "");
	struct error err;

	target_open(&target);
	table_expect(target.table, false);
	for (int round = 0; round < 2; round++) {
		target_add_to(&target, 2, "shop.line", NULL, NULL, "{\"id\":2,\"sku\":\"s\"}");
		target_add_to(&target, 1, "shop.order.eu", NULL, DELETED, "{\"id\":1,\"v\":5}");
		assert_int_equal(target_store(&target), 0);
		assert_string_equal(lines(&target), "2|s;");
	}
	assert_true(table_acknowledged(target.table, 0, 100, &err));
	target_add_to(&target, 3, "shop.order.eu", NULL, NULL, "{\"id\":1,\"v\":4}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(orders(&target), "");
	assert_int_equal(testdb_int(target.look, "SELECT count(*) FROM %s",
				 testdb_table(target.look, "sink_version")),
		1);
	target_drop(&target);
}

/* PostgreSQL looks at foreign keys when the batch is in. */
static void a_child_may_come_before_its_parent_postgres(void **state)
{
	struct target target = several(true, "");

	(void)state;
	testdb_exec(target.look, "ALTER TABLE lines ADD FOREIGN KEY (id) REFERENCES orders (id)");
	target_open(&target);
	target_add_to(&target, 1, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 2, "shop.order.eu", NULL, NULL, "{\"id\":1,\"v\":1}");
	assert_int_equal(target_store(&target), 0);
	assert_string_equal(lines(&target), "1|s;");
	target_drop(&target);
}

/* Nor is a type that changed an event's fault. */
static void a_type_of_any_table_is_no_events_fault_postgres(void **state)
{
	struct target target = several(true, "");
	struct error err;

	(void)state;
	target_open(&target);
	testdb_exec(target.look, "ALTER TABLE lines ALTER sku TYPE varchar(1)");
	target_add_to(&target, 1, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"long\"}");
	assert_false(target_try_store(&target, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_string_equal(target_dead(&target), "");
	target_drop(&target);
}

/* A column that changes ends the session before any event is blamed, whichever table it is of. */
static void any_table_that_changes_is_noticed(bool postgres)
{
	struct target target = several(postgres, "");
	struct error err;

	target_open(&target);
	testdb_exec(target.look, "ALTER TABLE lines RENAME sku TO article");
	target_add_to(&target, 1, "shop.line", NULL, NULL, "{\"id\":1,\"sku\":\"s\"}");
	target_add_to(&target, 2, "shop.order.eu", NULL, NULL, "{\"id\":1,\"v\":1}");
	assert_false(target_try_store(&target, &err));
	assert_int_not_equal(err.kind, ERROR_REJECTED);
	assert_string_equal(orders(&target), "");
	assert_string_equal(target_dead(&target), "");
	table_close(target.table);
	assert_false(target_try_open(&target, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, "columns.sku: the table lines has no such column");
	target_drop(&target);
}

ON_BOTH(an_event_finds_its_table)
ON_BOTH(each_table_sets_its_own_aside)
ON_BOTH(tables_keep_their_versions_apart)
ON_BOTH(a_moved_position_stores_into_none)
ON_BOTH(what_no_table_takes_is_set_aside)
ON_BOTH(what_no_table_takes_is_passed_over)
ON_BOTH(what_was_set_aside_finds_its_table)
ON_BOTH(without_order_each_is_stored_once)
ON_BOTH(any_table_that_changes_is_noticed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(an_event_finds_its_table),
		BOTH(each_table_sets_its_own_aside),
		BOTH(tables_keep_their_versions_apart),
		BOTH(a_moved_position_stores_into_none),
		BOTH(what_no_table_takes_is_set_aside),
		BOTH(what_no_table_takes_is_passed_over),
		BOTH(what_was_set_aside_finds_its_table),
		BOTH(without_order_each_is_stored_once),
		BOTH(any_table_that_changes_is_noticed),
		cmocka_unit_test(a_child_may_come_before_its_parent_postgres),
		cmocka_unit_test(a_type_of_any_table_is_no_events_fault_postgres),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("tables", tests, server_start, server_stop);
}
