/* Messages as events: what no table could hold gets a fault, and the rest stays as it is. */
#include "support/common.h"

#include "sink/mapping.h"

static struct arena arena;

static struct table_event map(struct pull_message message)
{
	struct table_event event;

	message.seq = 5;
	message.time_ns = 7;
	mapping_event(&message, NULL, &arena, &event);
	assert_int_equal(event.seq, 5);
	assert_int_equal(event.time_ns, 7);
	return event;
}

static void test_a_good_message(void **state)
{
	const struct pull_message message = { .subject = SLICE("a.b"),
		.key = SLICE("\xf0\x9f\x9b\xb7"),
		.payload = SLICE("\xff\x00\xfe") };
	struct table_event event = map(message);

	(void)state;
	assert_null(event.fault);
	assert_ptr_equal(event.event.subject.data, message.subject.data);
	assert_ptr_equal(event.event.key.data, message.key.data);
	assert_null(event.event.id.data);
	assert_null(event.event.headers.data);
	assert_int_equal(event.event.payload.size, 3);
}

static void test_what_is_not_utf8(void **state)
{
	struct table_event event =
		map((struct pull_message){ .subject = SLICE("a.\xff\xc3\xa4\xc3") });

	(void)state;
	assert_string_equal(event.fault, "the subject is not UTF-8");
	assert_true(slice_is(event.event.subject, "a.\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd"));
	event = map((struct pull_message){ .subject = SLICE("a"), .key = SLICE("\x80") });
	assert_contains(event.fault, "the key");
	assert_true(slice_is(event.event.key, "\xef\xbf\xbd"));
	event = map((struct pull_message){ .subject = SLICE("a"), .id = SLICE("\x80") });
	assert_contains(event.fault, "the id");
	event = map((struct pull_message){
		.subject = SLICE("a"), .headers = SLICE("{\"A\":\"\xed\xa0\x80\"}") });
	assert_contains(event.fault, "a header");
	assert_true(
		slice_is(event.event.headers, "{\"A\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"));
}

static void test_a_nul(void **state)
{
	struct table_event event = map((struct pull_message){
		.subject = SLICE("a\0b"), .fault = "the subject has a NUL character" });

	(void)state;
	assert_string_equal(event.fault, "the subject has a NUL character");
	assert_true(slice_is(event.event.subject,
		"a\xef\xbf\xbd"
		"b"));
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
		cmocka_unit_test(test_a_good_message),
		cmocka_unit_test(test_what_is_not_utf8),
		cmocka_unit_test(test_a_nul),
	};

	return cmocka_run_group_tests_name("mapping", tests, make_arena, free_arena);
}
