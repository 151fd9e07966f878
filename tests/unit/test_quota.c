/* How many events may be set aside. */
#include "support/support.h"

#include "sink/quota.h"

#define SOME 40

static struct table_event events[SOME];

/* Makes the first `count` events, of which those from `from` on are at fault. */
static void make(size_t count, size_t from)
{
	for (size_t i = 0; i < count; i++)
		events[i] = (struct table_event){ .fault = i >= from ? "bad" : NULL };
}

static size_t commit(struct quota *quota, size_t count, size_t from)
{
	make(count, from);
	size_t room = quota_room(quota, events, count);
	quota_note(quota, events, room);
	return room;
}

static void good_events_always_have_room(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(commit(&quota, SOME, SOME), SOME);
}

static void the_one_that_is_too_much_ends_the_room(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 0.01);
	assert_int_equal(commit(&quota, 20, 15), 20);
	assert_int_equal(commit(&quota, 20, 10), 15);
	assert_int_equal(quota.dead, 10);
	make(1, 0);
	assert_int_equal(quota_room(&quota, events, 1), 0);
	quota_init(&quota, 0);
	assert_int_equal(commit(&quota, 5, 3), 3);
}

/* What came more than a window ago counts no more. */
static void the_window_moves_on(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 0.01);
	assert_int_equal(commit(&quota, 10, 0), 10);
	for (int i = 0; i < QUOTA_WINDOW - 10; i += 10)
		assert_int_equal(commit(&quota, 10, 10), 10);
	assert_int_equal(quota.dead, 10);
	make(20, 0); /* each pushes one of the first ten out, until its own are in the way */
	assert_int_equal(quota_room(&quota, events, 20), 10);
	assert_int_equal(commit(&quota, 20, 0), 10);
	assert_int_equal(quota.dead, 10);
}

static void a_share_of_one_is_no_limit(void **state)
{
	struct quota quota;

	(void)state;
	quota_init(&quota, 1);
	for (int i = 0; i < 3 * QUOTA_WINDOW; i += SOME)
		assert_int_equal(commit(&quota, SOME, 0), SOME);
	assert_int_equal(quota.dead, QUOTA_WINDOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_events_always_have_room),
		cmocka_unit_test(the_one_that_is_too_much_ends_the_room),
		cmocka_unit_test(the_window_moves_on),
		cmocka_unit_test(a_share_of_one_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
