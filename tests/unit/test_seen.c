/* Numbers for rows of a table that Dray did not make, in the order of reading. */
#include "support/common.h"

#include "relay/seen.h"

static int64_t number(struct seen *seen, const char *id, bool fresh)
{
	bool was_fresh;
	int64_t given = seen_number(seen, id, &was_fresh);

	assert_int_equal(was_fresh, fresh);
	return given;
}

static void test_numbers_grow_and_stay(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	int64_t first = number(&seen, "b", true), second = number(&seen, "a", true);
	assert_true(second > first);
	assert_int_equal(number(&seen, "b", false), first);
	seen_forget(&seen, first);
	assert_false(seen_has(&seen, "b"));
	assert_null(seen_row(&seen, first));
	assert_true(number(&seen, "b", true) > second);
	seen_clear(&seen);
	assert_true(number(&seen, "a", true) > second);
	seen_finish(&seen);
}

static void test_what_is_above(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_true(seen_above(&seen, INT64_MIN) == INT64_MAX);
	int64_t first = number(&seen, "a", true), second = number(&seen, "b", true);
	assert_int_equal(seen_above(&seen, INT64_MIN), first);
	assert_int_equal(seen_above(&seen, first), second);
	seen_forget(&seen, first);
	assert_int_equal(seen_above(&seen, INT64_MIN), second);
	assert_true(seen_above(&seen, second) == INT64_MAX);
	seen_finish(&seen);
}

static void test_waiting_rows_are_counted(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	int64_t first = number(&seen, "a", true);
	seen_wait(&seen, first, 7);
	seen_wait(&seen, first, 8);
	assert_int_equal(seen.waiting, 1);
	assert_int_equal(seen_row(&seen, first)->due_ms, 8);
	seen_forget(&seen, first);
	seen_wait(&seen, first, 9);
	assert_int_equal(seen.waiting, 0);
	seen_finish(&seen);
}

/* Many come and go: memory is for those that are there. */
static void test_a_long_life(void **state)
{
	struct seen seen = { 0 };
	int64_t stays;

	(void)state;
	for (int i = 0; i < 200000; i++)
		seen_forget(&seen, number(&seen, text("row %d", i % 100), true));
	assert_true(seen.room < 20000);
	stays = number(&seen, "stays", true);
	assert_string_equal(seen_row(&seen, stays)->id, "stays");
	assert_int_equal(seen.numbers.count, 1);
	seen_finish(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_grow_and_stay),
		cmocka_unit_test(test_what_is_above),
		cmocka_unit_test(test_waiting_rows_are_counted),
		cmocka_unit_test(test_a_long_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
