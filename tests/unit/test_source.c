/* What a column is made of: how it is written, and what is refused with which words. */
#include "support/common.h"

#include "source.h"

static struct error err;

static struct source good(const char *text)
{
	struct source source;

	if (!source_parse(text, &source, &err))
		give_up("%s: %s", text, err.text);
	return source;
}

static void bad(const char *text, const char *wanted)
{
	struct source source;

	if (source_parse(text, &source, &err))
		give_up("%s was taken", text);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_contains(err.text, wanted);
}

static void test_paths(void **state)
{
	struct source source = good("$");

	(void)state;
	assert_int_equal(source.type, SOURCE_PATH);
	assert_int_equal(source.step_count, 0);
	source_finish(&source);
	source = good("$.customer.name[10][\"a.b [c]\"]['d\"']");
	assert_int_equal(source.step_count, 5);
	assert_string_equal(source.steps[0].name, "customer");
	assert_string_equal(source.steps[1].name, "name");
	assert_null(source.steps[2].name);
	assert_int_equal(source.steps[2].index, 10);
	assert_string_equal(source.steps[3].name, "a.b [c]");
	assert_string_equal(source.steps[4].name, "d\"");
	source_finish(&source);
	source = good("$.gr\xc3\xb6\xc3\x9f e");
	assert_string_equal(source.steps[0].name, "gr\xc3\xb6\xc3\x9f e");
	source_finish(&source);
}

static void test_wrong_paths(void **state)
{
	static const char *const texts[] = { "$a", "$.", "$..a", "$.a.", "$[", "$[]", "$[-1]",
		"$[a]", "$[1", "$[\"a]", "$[\"a\"", "$[1000001]", "$.a]", "$.a\"b\"", "$[*]",
		"$.a[1:2]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bad(texts[i], "is not a path");
	char *deep = text("$");
	for (int i = 0; i < SOURCE_STEPS_MAX; i++)
		deep = text("%s.a", deep);
	struct source source = good(deep);
	assert_int_equal(source.step_count, SOURCE_STEPS_MAX);
	source_finish(&source);
	bad(text("%s.a", deep), "at most 32");
}

static void test_words(void **state)
{
	struct source source = good("@subject[12]");

	(void)state;
	assert_int_equal(source.type, SOURCE_TOKEN);
	assert_int_equal(source.token, 12);
	source = good("@header.Content-Type");
	assert_int_equal(source.type, SOURCE_HEADER);
	assert_string_equal(source.steps[0].name, "Content-Type");
	source_finish(&source);
	assert_int_equal(good("@header.Dray-Key").type, SOURCE_KEY);
	assert_int_equal(good("@header.Nats-Msg-Id").type, SOURCE_MSG_ID);
	assert_int_equal(good("@epoch").type, SOURCE_EPOCH);
	bad("@sequence", "it is @subject, @subject[N]");
	bad("@sek", "did you mean \"@seq\"");
	bad("@subject[x]", "counted from 0");
	bad("@subject[1].a", "counted from 0");
	bad("@header.", "a header has a name");
	bad("@header.a b", "a header has a name");
	bad("id", "a path begins with $");
	bad("", "a path begins with $");
}

static bool same(const char *a, const char *b)
{
	struct source one = good(a), other = good(b);
	bool is = source_same(&one, &other);

	source_finish(&one);
	source_finish(&other);
	return is;
}

static void test_sameness(void **state)
{
	(void)state;
	assert_true(same("$.a[0]", "$[\"a\"][0]"));
	assert_false(same("$.a[0]", "$.a[1]"));
	assert_false(same("$.a", "$.a.b"));
	assert_false(same("$.a", "$[0]"));
	assert_false(same("@header.a", "$.a"));
	assert_true(same("@seq", "@seq"));
	assert_false(same("@subject[0]", "@subject[1]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_wrong_paths),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_sameness),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
