/* Which verdicts are settled together, and how far a position may go with them. */
#include "support/common.h"

#include <stdlib.h>

#include "relay/verdicts.h"

#define COUNT 6

static struct row rows[COUNT];

/* Rows 1 to 6; the later a row, the earlier its message. */
static void fill(struct verdicts *verdicts, enum outcome fifth)
{
	for (size_t i = 0; i < COUNT; i++) {
		rows[i].id = (int64_t)i + 1;
		struct verdict verdict = { .row = &rows[i],
			.id = rows[i].id,
			.outcome = i == 4 ? fifth : OUTCOME_DELIVERED,
			.seq = 100 - i };
		verdicts_add(verdicts, &verdict, 1);
	}
	struct verdict first = verdicts->items[0];
	verdicts->items[0] = verdicts->items[3];
	verdicts->items[3] = first;
}

static void has(const struct verdicts *verdicts, const char *ids)
{
	const char *found = "";

	for (size_t i = 0; i < verdicts->count; i++)
		found = text("%s%lld", found, (long long)verdicts->items[i].row->id);
	assert_string_equal(found, ids);
}

static void test_the_lowest_rows_go_first(void **state)
{
	struct verdicts waiting = { 0 }, taken = { 0 };
	struct position position = { .seq = 100, .marked_seq = 100 };

	(void)state;
	fill(&waiting, OUTCOME_DELIVERED);
	verdicts_take(&waiting, 2, &position, &taken);
	has(&taken, "12");
	has(&waiting, "3456");
	assert_int_equal(position.seq, 94); /* row 6 is at 95, and not settled */
	verdicts_finish(&taken);
	verdicts_finish(&waiting);
}

static void test_what_is_not_delivered_goes_along(void **state)
{
	struct verdicts waiting = { 0 }, taken = { 0 };
	struct position position = { .seq = 50, .marked_seq = 98 };

	(void)state;
	fill(&waiting, OUTCOME_DEAD);
	verdicts_take(&waiting, 1, &position, &taken);
	has(&taken, "135"); /* and the message that is named as marked */
	has(&waiting, "246");
	assert_int_equal(position.seq, 50); /* it was behind them all */
	verdicts_finish(&taken);
	verdicts_finish(&waiting);
}

static void test_each_stream_has_its_own_position(void **state)
{
	struct verdicts waiting = { 0 }, taken = { 0 };
	struct position positions[2] = { { .seq = 100, .marked_seq = 7 },
		{ .seq = 100, .marked_seq = 7 } };

	(void)state;
	fill(&waiting, OUTCOME_DELIVERED);
	for (size_t i = 0; i < COUNT; i++)
		waiting.items[i].stream = waiting.items[i].row->id % 2 == 0;
	verdicts_take(&waiting, 4, positions, &taken);
	has(&taken, "1234");
	assert_int_equal(positions[0].seq, 95); /* before row 5 */
	assert_int_equal(positions[1].seq, 94); /* before row 6 */
	verdicts_finish(&taken);
	verdicts_finish(&waiting);
}

static void test_all_of_them(void **state)
{
	struct verdicts waiting = { 0 }, taken = { 0 };
	struct position position = { .seq = 100, .marked_seq = 100 };

	(void)state;
	fill(&waiting, OUTCOME_DEAD);
	waiting.items[4].error = strdup("why"); /* goes with it */
	verdicts_take(&waiting, COUNT, &position, &taken);
	assert_int_equal(taken.count, COUNT);
	assert_int_equal(waiting.count, 0);
	assert_int_equal(position.seq, 100);
	verdicts_finish(&taken);
	verdicts_finish(&waiting);
}

static void test_none(void **state)
{
	struct verdicts waiting = { 0 }, taken = { 0 };
	struct position position = { .seq = 100, .marked_seq = 100 };

	(void)state;
	verdicts_take(&waiting, COUNT, &position, &taken);
	assert_int_equal(taken.count, 0);
	assert_int_equal(position.seq, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_lowest_rows_go_first),
		cmocka_unit_test(test_what_is_not_delivered_goes_along),
		cmocka_unit_test(test_each_stream_has_its_own_position),
		cmocka_unit_test(test_all_of_them),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("verdicts", tests, NULL, NULL);
}
