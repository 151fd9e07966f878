/* Columns resolved against a table, and events made rows by them. */
#include "support/common.h"

#include "sink/mapping.h"
#include "sink/plan.h"

static struct error err;
static struct arena arena;
static struct config *config;
static struct config_sink *sink;

/* The table of these tests, as a catalogue tells of it. */
static struct catalogue_column columns[] = {
	{ .name = "id", .type = "bigint", .kind = COLUMN_INTEGER, .not_null = true },
	{ .name = "Name", .type = "text", .kind = COLUMN_TEXT },
	{ .name = "total",
		.type = "numeric",
		.kind = COLUMN_NUMBER,
		.not_null = true,
		.fallback = "0" },
	{ .name = "at", .type = "timestamptz", .kind = COLUMN_TIME },
	{ .name = "doc", .type = "jsonb", .kind = COLUMN_JSON },
	{ .name = "made", .type = "text", .kind = COLUMN_TEXT, .made = true },
	{ .name = "rev", .type = "bigint", .kind = COLUMN_INTEGER },
	{ .name = "epoch", .type = "bigint", .kind = COLUMN_INTEGER },
};
static struct catalogue_key keys[] = { { "t_pkey", "id" }, { "t_two", "Name" },
	{ "t_two", "total" } };

static struct catalogue catalogue = { .table = "t",
	.columns = columns,
	.keys = keys,
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.key_count = 3 };

static void set(const char *key, const char *value)
{
	if (!config_set(sink, "sink", key, value, &err))
		give_up("%s", err.text);
}

/* A sink that upserts by id. */
static void fresh(void)
{
	config_destroy(config);
	config = config_default();
	sink = config_add_sink(config, "a", "sqlite:x", "SHOP");
	set("table", "t");
	set("mode", "upsert");
	set("key", "id");
	set("columns.id", "$.id");
}

static struct plan *plan(void)
{
	struct plan *made;

	assert_true(config_check_sink(sink, &err));
	made = plan_create(sink, &sink->own, &catalogue, &err);
	if (!made)
		give_up("%s", err.text);
	return made;
}

static void refused(const char *wanted)
{
	assert_null(plan_create(sink, &sink->own, &catalogue, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, wanted);
}

static void test_columns_are_found(void **state)
{
	(void)state;
	fresh();
	struct plan *made = plan();
	assert_int_equal(made->column_count, 1);
	assert_true(made->columns[0].is_key);
	plan_destroy(made);
	set("columns.nome", "$.n");
	refused("columns.nome: the table t has no such column");
	fresh();
	set("columns.made", "$.n");
	refused("columns.made: the database itself makes the values");
	fresh();
	set("columns.name", "$.n");
	refused("columns.name: the table t has no such column");
	catalogue.any_case = true;
	made = plan();
	assert_string_equal(made->columns[1].name, "Name");
	plan_destroy(made);
	set("columns.NAME", "$.n");
	refused("columns.NAME: the column is there twice");
	catalogue.any_case = false;
}

static void test_what_can_never_work(void **state)
{
	(void)state;
	fresh();
	columns[2].fallback = NULL;
	refused("the column total of t may not be NULL, and has neither a source nor a default");
	columns[2].fallback = "0";
	set("columns.total", "@time");
	refused("columns.total: @time does not go into a column of type numeric");
	fresh();
	set("columns.at", "@seq");
	refused("columns.at: @seq does not go into a column of type timestamptz");
	fresh();
	set("columns.Name", "$.n");
	set("key", "Name");
	refused("no unique index on just (Name); make one: CREATE UNIQUE INDEX ON t (Name)");
	set("columns.total", "$.t");
	set("key", "total, Name");
	plan_destroy(plan());
	struct catalogue none = catalogue;
	none.column_count = 0;
	assert_null(plan_create(sink, &sink->own, &none, &err));
	assert_contains(err.text, "the table t does not exist");
}

static void test_where_a_version_is_kept(void **state)
{
	(void)state;
	fresh();
	set("columns.rev", "@seq");
	struct plan *made = plan();
	assert_true(made->version_column == PLAN_NONE); /* nothing tells a stream made anew */
	plan_destroy(made);
	set("columns.epoch", "@epoch");
	made = plan();
	assert_int_equal(made->version_column, 1);
	assert_int_equal(made->epoch_column, 2);
	plan_destroy(made);
	set("version", "$.rev");
	made = plan();
	assert_true(made->version_column == PLAN_NONE && made->own_version);
	plan_destroy(made);
	set("columns.rev", "$[\"rev\"]");
	made = plan();
	assert_int_equal(made->version_column, 1);
	plan_destroy(made);
}

static struct table_event map(struct plan *made, struct pull_message message)
{
	const struct routes routes = { sink, &made, 1 };
	struct table_event event;

	message.seq = 5;
	message.time_ns = INT64_C(1700000000123456789);
	if (!message.subject.data)
		message.subject = SLICE("shop.order.eu");
	mapping_event(&message, &routes, &arena, &event);
	return event;
}

#define PAYLOAD(text_) ((struct pull_message){ .payload = SLICE(text_) })

static void is_cell(
	const struct table_event *event, size_t i, enum cell_type type, const char *wanted)
{
	if (event->fault)
		give_up("%s", event->fault);
	assert_int_equal(event->cells[i].type, type);
	if (wanted && !slice_is(event->cells[i].text, wanted))
		give_up("%.*s instead of %s", (int)event->cells[i].text.size,
			event->cells[i].text.data, wanted);
}

static void test_missing_and_null(void **state)
{
	(void)state;
	fresh();
	set("columns.total", "$.total");
	set("columns.Name", "$.name");
	set("columns.rev.from", "$.rev");
	set("columns.rev.default", "7");
	struct plan *made = plan();
	struct table_event event = map(made, PAYLOAD("{\"id\":1}"));
	is_cell(&event, 0, CELL_TEXT, "1");
	is_cell(&event, 1, CELL_MISSING, NULL); /* its own default */
	is_cell(&event, 2, CELL_NULL, NULL);
	is_cell(&event, 3, CELL_TEXT, "7");
	event = map(made, PAYLOAD("{\"id\":1,\"total\":1.10,\"name\":null,\"rev\":null}"));
	is_cell(&event, 1, CELL_TEXT, "1.10");
	is_cell(&event, 2, CELL_NULL, NULL);
	is_cell(&event, 3, CELL_NULL, NULL);
	event = map(made, PAYLOAD("{\"id\":1,\"total\":null}"));
	assert_string_equal(event.fault, "column total: it is null in the event, and may not be");
	event = map(made, PAYLOAD("{\"total\":1}"));
	assert_string_equal(event.fault, "column id: it is missing in the event");
	event = map(made, PAYLOAD("{\"id\":1"));
	assert_string_equal(event.fault, "the payload is no JSON: an object does not end");
	event = map(made, PAYLOAD(""));
	assert_string_equal(event.fault, "the payload is no JSON: it is empty");
	plan_destroy(made);
}

static void test_parts_of_an_event(void **state)
{
	(void)state;
	fresh();
	set("columns.Name", "@subject[2]");
	set("columns.at", "@time");
	set("columns.doc", "@payload");
	set("columns.rev", "@seq");
	set("columns.epoch", "@epoch");
	struct plan *made = plan();
	struct table_event event = map(made, PAYLOAD(" {\"id\":1} "));
	is_cell(&event, 1, CELL_TEXT, "eu");
	is_cell(&event, 2, CELL_TEXT, "2023-11-14T22:13:20.123456Z");
	is_cell(&event, 3, CELL_TEXT, "{\"id\":1}");
	is_cell(&event, 4, CELL_TEXT, "5");
	is_cell(&event, 5, CELL_EPOCH, NULL);
	assert_int_equal(event.version, 5);
	plan_destroy(made);
	fresh();
	set("columns.Name", "@header.Type");
	set("columns.doc", "@headers");
	made = plan();
	struct pull_message message = PAYLOAD("{\"id\":1}");
	message.headers = SLICE("{\"A\":\"1\",\"Type\":[\"x\\u0041\",\"y\"]}");
	event = map(made, message);
	is_cell(&event, 1, CELL_TEXT, "xA");
	is_cell(&event, 2, CELL_TEXT, "{\"A\":\"1\",\"Type\":[\"x\\u0041\",\"y\"]}");
	message.subject = SLICE("a");
	message.headers = SLICE("{\"type\":\"z\"}");
	event = map(made, message);
	is_cell(&event, 1, CELL_NULL, NULL);
	plan_destroy(made);
}

static void test_deletes(void **state)
{
	struct pull_message message = PAYLOAD("{\"id\":1,\"gone\":true,\"rev\":\"9\"}");

	(void)state;
	fresh();
	set("version", "$.rev");
	set("delete_when.from", "$.gone");
	set("delete_when.equals", "true");
	set("columns.total", "$.total.none");
	struct plan *made = plan();
	struct table_event event = map(made, message);
	assert_int_equal(event.action, TABLE_DELETE);
	assert_int_equal(event.version, 9);
	is_cell(&event, 0, CELL_TEXT, "1");
	event = map(made, PAYLOAD("{\"id\":1,\"gone\":false,\"rev\":9.0}"));
	assert_int_equal(event.action, TABLE_STORE);
	event = map(made, PAYLOAD("{\"id\":1,\"rev\":9.5}"));
	assert_string_equal(event.fault, "version: it is no whole number of 64 bits and no time");
	event = map(made, PAYLOAD("{\"id\":1,\"rev\":\"2026-01-01T00:00:00Z\"}"));
	assert_int_equal(event.version, INT64_C(1767225600000000));
	event = map(made, PAYLOAD("{\"id\":1}"));
	assert_string_equal(event.fault, "version: it is missing in the event");
	event = map(made, PAYLOAD("{\"gone\":true,\"rev\":1}"));
	assert_string_equal(event.fault, "column id: it is missing in the event");
	plan_destroy(made);
	fresh();
	set("columns.id", "@key");
	set("columns.Name", "$.name");
	set("tombstones", "true");
	made = plan();
	message = PAYLOAD("");
	message.key = SLICE("7");
	event = map(made, message);
	assert_int_equal(event.action, TABLE_DELETE);
	is_cell(&event, 0, CELL_TEXT, "7");
	plan_destroy(made);
}

static void test_replays(void **state)
{
	struct pull_message message = PAYLOAD("no JSON");

	(void)state;
	message.headers = SLICE("{\"Dray-Replay\":\"1\"}");
	fresh();
	struct plan *made = plan();
	struct table_event event = map(made, message);
	assert_int_equal(event.action, TABLE_SKIP);
	assert_null(event.fault);
	plan_destroy(made);
	set("replays", "apply");
	made = plan();
	event = map(made, message);
	assert_contains(event.fault, "no JSON");
	plan_destroy(made);
}

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_finish(&arena);
	config_destroy(config);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_are_found),
		cmocka_unit_test(test_what_can_never_work),
		cmocka_unit_test(test_where_a_version_is_kept),
		cmocka_unit_test(test_missing_and_null),
		cmocka_unit_test(test_parts_of_an_event),
		cmocka_unit_test(test_deletes),
		cmocka_unit_test(test_replays),
	};

	return cmocka_run_group_tests_name("plan", tests, start, end);
}
