/* Values found in a JSON text, as they are written there. */
#include "support/common.h"

#include "sink/paths.h"

static struct arena arena;

/* What a path finds: as written, or "(missing)", or the fault in angle brackets. */
static char *find(const char *json, const char *path)
{
	struct source source;
	struct error err;
	const char *fault;

	if (!source_parse(path, &source, &err))
		give_up("%s", err.text);
	struct paths_want want = { .steps = source.steps, .step_count = source.step_count };
	bool ok = paths_find(slice_of(json), &want, 1, &arena, &fault);
	source_finish(&source);
	if (!ok)
		return text("<%s>", fault);
	return want.found.data ? text_bytes(want.found.data, want.found.size) : text("(missing)");
}

static void test_values_as_written(void **state)
{
	static const char json[] =
		" { \"a\" : 12345678901234567890.1234567890e-7 , \"b\": [ true, [ \"x\\u0041\" ], {} ],"
		" \"c d\": null, \"\": \"empty\", \"e\": { \"f\": { \"g\": -0 } } } ";

	(void)state;
	assert_string_equal(find(json, "$.a"), "12345678901234567890.1234567890e-7");
	assert_string_equal(find(json, "$.b"), "[ true, [ \"x\\u0041\" ], {} ]");
	assert_string_equal(find(json, "$.b[0]"), "true");
	assert_string_equal(find(json, "$.b[1][0]"), "\"x\\u0041\"");
	assert_string_equal(find(json, "$.b[2]"), "{}");
	assert_string_equal(find(json, "$.b[3]"), "(missing)");
	assert_string_equal(find(json, "$.b.a"), "(missing)");
	assert_string_equal(find(json, "$[\"c d\"]"), "null");
	assert_string_equal(find(json, "$[\"c d\"].x"), "(missing)");
	assert_string_equal(find(json, "$[\"\"]"), "\"empty\"");
	assert_string_equal(find(json, "$.e.f.g"), "-0");
	assert_string_equal(find(json, "$.f"), "(missing)");
	assert_string_equal(find(json, "$[0]"), "(missing)");
	assert_string_equal(find(" 7 ", "$"), "7");
	assert_string_equal(find("7", "$.a"), "(missing)");
}

static void test_of_equal_names_the_last_counts(void **state)
{
	(void)state;
	assert_string_equal(find("{\"a\":1,\"a\":2}", "$.a"), "2");
	assert_string_equal(find("{\"a\":{\"b\":1},\"a\":{\"c\":2}}", "$.a.b"), "(missing)");
	assert_string_equal(find("{\"a\":{\"b\":1},\"a\":5}", "$.a.b"), "(missing)");
	assert_string_equal(find("{\"\\u0061\":1}", "$.a"), "1");
	assert_string_equal(find("{\"a\\ud800\":1,\"b\":2}", "$.b"), "2");
}

static void test_several_at_once(void **state)
{
	static const struct source_step steps[] = { { .name = "a" }, { .index = 1 },
		{ .name = "b" } };
	struct paths_want wants[] = { { .steps = steps, .step_count = 3 },
		{ .steps = steps, .step_count = 1 }, { .steps = steps, .step_count = 0 },
		{ .steps = steps, .step_count = 2 }, { .steps = steps + 2, .step_count = 1 } };
	const char *fault;

	(void)state;
	assert_true(paths_find(SLICE("{\"a\":[0,{\"b\":3}],\"b\":4}"), wants, 5, &arena, &fault));
	assert_true(slice_is(wants[0].found, "3"));
	assert_true(slice_is(wants[1].found, "[0,{\"b\":3}]"));
	assert_true(slice_is(wants[2].found, "{\"a\":[0,{\"b\":3}],\"b\":4}"));
	assert_true(slice_is(wants[3].found, "{\"b\":3}"));
	assert_true(slice_is(wants[4].found, "4"));
}

static void test_what_is_no_json(void **state)
{
	static const char *const texts[][2] = { { "", "<it is empty>" },
		{ " ", "<it ends too early>" }, { "{", "<a name in quotes is missing>" },
		{ "{a:1}", "<a name in quotes is missing>" }, { "{\"a\"}", "<a colon is missing>" },
		{ "{\"a\":1,}", "<a name in quotes is missing>" },
		{ "{\"a\":1 \"b\":2}", "<an object does not end>" },
		{ "[1,]", "<a value is missing>" }, { "[1 2]", "<an array does not end>" },
		{ "[", "<it ends too early>" }, { "01", "<something follows its end>" },
		{ "1.", "<a number is not complete>" }, { ".5", "<a value is missing>" },
		{ "-", "<a number is not complete>" }, { "1e", "<a number is not complete>" },
		{ "+1", "<a value is missing>" }, { "NaN", "<a value is missing>" },
		{ "truex", "<something follows its end>" }, { "'a'", "<a value is missing>" },
		{ "\"a", "<it ends within a string>" },
		{ "\"a\nb\"", "<a control character in a string>" },
		{ "\"\\x\"", "<a wrong escape in a string>" },
		{ "\"\\u12g4\"", "<a wrong escape in a string>" },
		{ "\"\\", "<a wrong escape in a string>" },
		{ "\"\\u12", "<a wrong escape in a string>" }, { "\"\xff\"", "<it is not UTF-8>" },
		{ "1 /* no */", "<something follows its end>" } };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(find(texts[i][0], "$"), texts[i][1]);
	char deep[PATHS_DEPTH_MAX + 3];
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_string_equal(find(deep, "$"), "<it is nested too deeply>");
}

static char *said(const char *written)
{
	struct slice out;
	const char *fault;

	if (!paths_text(slice_of(written), &arena, &out, &fault))
		return text("<%s>", fault);
	return text_bytes(out.data, out.size);
}

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(said("\"plain \xc3\xa4\""), "plain \xc3\xa4");
	assert_string_equal(said("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t");
	assert_string_equal(said("\"\\u0041\\u00e4\\u20AC\\ud83d\\udef7!\""),
		"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x9b\xb7!");
	assert_string_equal(said("\"\\u0000\""), "<a NUL character, or half of a surrogate pair>");
	assert_string_equal(said("\"\\ud83d\""), "<a NUL character, or half of a surrogate pair>");
	assert_string_equal(
		said("\"\\ud83dx\\udef7\""), "<a NUL character, or half of a surrogate pair>");
	assert_string_equal(said("\"\\ude00\""), "<a NUL character, or half of a surrogate pair>");
	struct slice quoted = paths_quote(SLICE("a\"\\\n\x01\xc3\xa4"), &arena);
	assert_true(slice_is(quoted, "\"a\\\"\\\\\\u000a\\u0001\xc3\xa4\""));
}

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int free_arena(void **state)
{
	(void)state;
	arena_finish(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_as_written),
		cmocka_unit_test(test_of_equal_names_the_last_counts),
		cmocka_unit_test(test_several_at_once),
		cmocka_unit_test(test_what_is_no_json),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("paths", tests, make_arena, free_arena);
}
