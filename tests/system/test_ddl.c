/* dray ddl: what it prints for a stream can be used as it stands; and a sink that makes its table itself. */
#include "fixture.h"

#include <jansson.h>

struct scene {
	char *name, *database;
	struct testdb *db;
	struct jetstream *js;
};

static struct scene set(const char *kind, const char *name, const char *more)
{
	struct scene s = { .name = text("%s_%s", name, kind) };

	s.database = fixture_database(kind, name);
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), more);
	dray_expect(0, "migrate", s.database);
	s.db = testdb_open(s.database);
	return s;
}

static void publish(struct scene *s, const char *subject, const char *payload)
{
	jetstream_publish(s->js, text("%s.%s", s->name, subject), NULL, payload);
}

static void end(struct scene *s)
{
	jetstream_delete(s->js, s->name);
	jetstream_close(s->js);
	testdb_close(s->db);
}

static void publish_orders(struct scene *s)
{
	for (int i = 1; i <= 5; i++)
		publish(s, text("order.%d", i % 2),
			text("{\"id\":%d,\"customer\":{\"name\":\"c%d\"},\"total\":%d.50,"
			     "\"at\":\"2026-01-31T12:00:00Z\",\"tags\":[\"a\"]}",
				i, i, i));
	publish(s, "order.1", "no json");
}

/* The type that a column has now, in the database's words. */
static char *type_of(struct scene *s, const char *column)
{
	if (!testdb_is_postgres(s->db))
		return testdb_text(s->db,
			"SELECT type FROM pragma_table_info('orders') WHERE name = '%s'", column);
	return testdb_text(s->db,
		"SELECT format_type(atttypid, NULL) FROM pg_attribute "
		"WHERE attrelid = to_regclass('orders') AND attname = '%s'",
		column);
}

static void has_type(struct scene *s, const char *column, const char *sqlite, const char *postgres)
{
	assert_string_equal(type_of(s, column), testdb_pick(s->db, sqlite, postgres));
}

static void test_what_is_printed_can_be_used(void **state)
{
	struct scene s = set(*state, "printed", NULL);

	publish_orders(&s);
	struct result said = dray_expect(0, "ddl", "--database", s.database, "--stream", s.name,
		"--table", "orders", "--set", "mode=upsert", "--set", "key=id");
	assert_contains(said.out, text("-- After 6 events of stream %s.", s.name));
	assert_contains(said.out, "-- 1 of their payloads are no JSON");
	char *columns = strstr(said.out, "# of the sink");
	assert_non_null(columns);
	assert_contains(columns,
		"    columns:\n      id: '$.id'\n      customer_name: '$.customer.name'\n");
	assert_contains(columns, "      subject: '@subject'\n      published_at: '@time'\n");
	columns[-1] = '\0';
	testdb_exec(s.db, "%s", said.out);
	has_type(&s, "id", "INTEGER", "bigint");
	has_type(&s, "total", "NUMERIC", "numeric");
	has_type(&s, "at", "TIMESTAMP", "timestamp with time zone");
	has_type(&s, "tags", "TEXT", "jsonb");
	has_type(&s, "published_at", "TIMESTAMP", "timestamp with time zone");
	char *config = fixture_config(text("%s_used", s.name),
		"sinks:\n  - name: in\n    database: \"%s\"\n    stream: %s\n    table: orders\n"
		"    mode: upsert\n    key: [id]\n%s",
		s.database, s.name, strchr(columns, '\n') + 1);
	said = dray_expect(0, "ddl", "in", "-c", config, "--json"); /* of the columns it has now */
	json_t *json = json_loads(said.out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(json, "events")), 6);
	assert_int_equal(json_object_size(json_object_get(json, "columns")), 7);
	assert_contains(json_string_value(json_object_get(json, "sql")), "PRIMARY KEY (\"id\")");
	json_decref(json);
	end(&s);
}

static bool is_there(struct scene *s)
{
	return *type_of(s, "id") != '\0';
}

/* It waits for the first event, which tells the types; a table that is there stays as it is. */
static void test_a_sink_makes_its_table(void **state)
{
	struct scene s = set(*state, "makes", NULL);
	char *config = fixture_config(s.name,
		"sinks: [ { name: in, database: \"%s\", stream: %s, table: orders, mode: insert, "
		"create: true, columns: { id: \"$.id\", total: \"$.total\", at: \"@time\" } } ]\n",
		s.database, s.name);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", config);

	WAIT_UNTIL(20000, strstr(proc_log(daemon), "has no event yet that tells the types"));
	assert_false(is_there(&s));
	assert_contains(dray_expect(0, "check", "-c", config).out, "will make the table orders");
	publish_orders(&s);
	WAIT_UNTIL(20000, is_there(&s));
	WAIT_UNTIL(20000, strstr(proc_log(daemon), "made the table orders after a sample"));
	has_type(&s, "total", "NUMERIC", "numeric");
	has_type(&s, "at", "TIMESTAMP", "timestamp with time zone");
	WAIT_UNTIL(20000, testdb_int(s.db, "SELECT count(*) FROM orders") == 5);
	assert_contains(dray_expect(0, "check", "-c", config).out, "orders is there");
	dray_stop(daemon);
	end(&s);
}

static void test_other_streams(void **state)
{
	struct scene s = set(*state, "queue", "\"retention\":\"workqueue\"");
	struct result said = dray_expect(1, "ddl", "--database", s.database, "--stream", s.name);

	assert_contains(said.err, "has no event of it to look at");
	publish_orders(&s);
	said = dray_expect(0, "ddl", "--database", s.database, "--stream", s.name, "--subjects",
		text("%s.order.0", s.name));
	assert_contains(said.out, "-- After 2 events");
	assert_contains(said.out, "CREATE TABLE \"events\" (");
	said = dray_expect(2, "ddl", "--database", s.database, "--stream", s.name, "--set",
		"mode=upsert", "--set", "key=nothing");
	assert_contains(said.err, "key: the sample has nothing for a column \"nothing\"");
	said = dray_expect(2, "ddl", "--database", s.database);
	assert_contains(said.err, "name the stream");
	said = dray_expect(1, "ddl", "--database", s.database, "--stream", "NONE");
	assert_contains(said.err, "there is no stream NONE");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_what_is_printed_can_be_used),
		FOR_BOTH(test_a_sink_makes_its_table),
		FOR_ONE(test_other_streams, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("ddl", tests, fixture_start, NULL);
}
