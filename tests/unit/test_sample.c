/* What a sample of payloads suggests. */
#include "support/support.h"

#include "sink/ddl.h"
#include "sink/suggest.h"

static struct sample sample;
static struct config_columns columns;

static void see(const char *const *payloads)
{
	bool left_out;

	sample_init(&sample);
	columns = (struct config_columns){ 0 };
	for (; *payloads; payloads++)
		assert_true(sample_add(&sample, SLICE("shop.order"), slice_of(*payloads)));
	suggest_columns(&sample, &columns, &left_out);
	assert_false(left_out);
}

#define SEE(...) see((const char *const[]){ __VA_ARGS__, NULL })

static void forget(void)
{
	columns_finish(&columns);
	sample_finish(&sample);
}

/* "name=source:type name=source:type" of what was suggested, without the event's time. */
static void suggests(const char *expected)
{
	static const char *const types[] = { "nothing", "integer", "decimal", "number", "boolean",
		"date", "time", "uuid", "text", "json", "bytes" };
	struct buf found = { 0 };
	struct source source;
	struct error err;

	for (size_t i = 0; i + 1 < columns.count; i++) {
		const struct config_column *column = &columns.items[i];
		assert_true(source_parse(column->from, &source, &err));
		buf_format(&found, "%s%s=%s:%s", i ? " " : "", column->name, column->from,
			types[sample_type_of(&sample, &source)]);
		source_finish(&source);
	}
	assert_string_equal(columns.items[columns.count - 1].from, "@time");
	assert_string_equal(found.data, expected);
	buf_finish(&found);
	forget();
}

static void values_have_their_types(void **state)
{
	(void)state;
	SEE("{\"id\":1,\"price\":2.50,\"paid\":true,\"name\":\"x\",\"tags\":[1]}");
	suggests("id=$.id:integer price=$.price:decimal paid=$.paid:boolean name=$.name:text "
		 "tags=$.tags:json");
	SEE("{\"a\":9223372036854775807,\"b\":9223372036854775808,\"c\":1e2,\"d\":0.1234567890123456}");
	suggests("a=$.a:integer b=$.b:number c=$.c:integer d=$.d:number");
	SEE("{\"a\":\"2026-01-31T12:00:00Z\",\"b\":\"2026-01-31\","
	    "\"c\":\"6f1ce9a2-58d4-4b07-9c3e-70d2a84b5e02\",\"d\":\"2026\"}");
	suggests("a=$.a:time b=$.b:date c=$.c:uuid d=$.d:text");
}

static void types_join(void **state)
{
	(void)state;
	SEE("{\"a\":1,\"b\":1,\"c\":\"2026-01-31\",\"d\":1,\"e\":\"2026-01-31\",\"f\":null}",
		"{\"a\":1.5,\"b\":true,\"c\":\"2026-01-31T12:00:00Z\",\"d\":null,\"e\":\"soon\"}");
	suggests("a=$.a:decimal b=$.b:json c=$.c:time d=$.d:integer e=$.e:text");
}

static void objects_become_columns(void **state)
{
	(void)state;
	SEE("{\"customer\":{\"name\":\"x\",\"First Name\":\"y\"},\"a\":{}}",
		"{\"customer\":null,\"a\":{\"b\":1}}");
	suggests("customer_name=$.customer.name:text "
		 "customer_first_name=$.customer[\"First Name\"]:text a_b=$.a.b:integer");
	SEE("{\"a\":{\"b\":1}}", "{\"a\":7}");
	suggests("a=$.a:json");
	SEE("{\"a\":{\"b\":1},\"A_b\":2,\"1\":3}");
	suggests("a_b=$.a.b:integer a_b_2=$.A_b:integer _1=$.1:integer");
}

static void payloads_that_are_no_objects(void **state)
{
	(void)state;
	SEE("no json", "");
	assert_int_equal(sample_not_json(&sample), 1);
	assert_int_equal(sample.seen, 2);
	suggests("payload=@payload:bytes");
	SEE("[1,2]", "{\"a\":1}");
	suggests("payload=$:json");
}

static void there_is_an_end(void **state)
{
	struct buf payload = { 0 };
	bool left_out;
	size_t added = 0;

	(void)state;
	sample_init(&sample);
	columns = (struct config_columns){ 0 };
	buf_add_char(&payload, '{');
	for (int i = 0; i < 300; i++)
		buf_format(&payload, "%s\"m%d\":%d", i ? "," : "", i, i);
	buf_add_char(&payload, '}');
	while (sample_add(&sample, SLICE("a"), (struct slice){ payload.data, payload.size }))
		added++;
	assert_int_equal(added, SAMPLE_EVENTS);
	suggest_columns(&sample, &columns, &left_out);
	assert_true(left_out);
	assert_int_equal(columns.count, CONFIG_COLUMNS_MAX);
	buf_finish(&payload);
	forget();
}

static void a_table_is_made_of_it(void **state)
{
	struct config *config = config_default();
	struct config_sink *sink = config_add_sink(config, "orders", "sqlite:x.db", "SHOP");
	struct buf sql = { 0 };
	struct error err;

	(void)state;
	assert_true(config_set(sink, "sink", "key", "id", &err));
	assert_true(config_set(sink, "sink", "columns.id", "$.id", &err));
	assert_true(config_set(sink, "sink", "columns.at", "@time", &err));
	assert_true(config_set(sink, "sink", "columns.big", "$.big", &err));
	sample_init(&sample);
	assert_true(sample_add(
		&sample, SLICE("a"), SLICE("{\"id\":1,\"big\":0.12345678901234567890}")));
	ddl_table(&sink->own, "app.orders", DB_POSTGRES, &sample, &sql);
	assert_string_equal(sql.data,
		"CREATE TABLE \"app\".\"orders\" (\n\t\"id\" bigint NOT NULL,\n\t\"at\" timestamptz,"
		"\n\t\"big\" numeric,\n\tPRIMARY KEY (\"id\")\n)");
	buf_finish(&sql);
	ddl_table(&sink->own, "orders", DB_SQLITE, &sample, &sql);
	assert_string_equal(sql.data,
		"CREATE TABLE \"orders\" (\n\t\"id\" INTEGER NOT NULL,\n\t\"at\" TIMESTAMP,"
		"\n\t\"big\" TEXT,\n\tPRIMARY KEY (\"id\")\n)");
	buf_finish(&sql);
	sample_finish(&sample);
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_types),
		cmocka_unit_test(types_join),
		cmocka_unit_test(objects_become_columns),
		cmocka_unit_test(payloads_that_are_no_objects),
		cmocka_unit_test(there_is_an_end),
		cmocka_unit_test(a_table_is_made_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
