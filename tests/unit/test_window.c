/* How many messages may be on their way. */
#include "support/common.h"

#include "relay/window.h"

#define MOST 4096

static struct window window;

static int begin(void **state)
{
	(void)state;
	window_init(&window, MOST);
	return 0;
}

/* Rounds that are as long as they say, each with as many messages on their way as may be. */
static void rounds(int count, int64_t took_ms)
{
	for (int i = 0; i < count; i++) {
		assert_false(window_is_open(&window, window.limit));
		window_next_round(&window, took_ms, window.round + window.limit);
	}
}

static void test_no_more_than_the_limit(void **state)
{
	(void)state;
	assert_true(window_is_open(&window, window.limit - 1));
	assert_false(window.full);
	assert_false(window_is_open(&window, window.limit));
	assert_true(window.full);
	window_init(&window, 10);
	assert_int_equal(window.limit, 10);
	rounds(5, 1);
	rounds(5, 100);
	assert_int_equal(window.limit, 10);
}

static void test_a_round_ends_with_the_newest_message_of_its_begin(void **state)
{
	(void)state;
	window_next_round(&window, 1, 700);
	assert_false(window_is_round(&window, 699));
	assert_true(window_is_round(&window, 700));
	assert_true(window_is_round(&window, 701)); /* where 700 has no answer */
}

/* A server that is far away: nothing waits, however many there are. */
static void test_a_long_way_gets_all(void **state)
{
	(void)state;
	rounds(15, 50);
	assert_int_equal(window.limit, MOST);
}

/* A server that stores so many a millisecond, as far away as it says: what it cannot take yet waits. */
static void serves(int count, int64_t way_ms, int64_t each_ms)
{
	for (int i = 0; i < count; i++)
		rounds(1, way_ms + (int64_t)window.limit / each_ms);
}

static void test_a_busy_server(void **state)
{
	(void)state;
	serves(100, 0, 100);
	assert_in_range(window.limit, 400, 900);
	serves(100, 50, 100); /* it moves far away */
	assert_in_range(window.limit, 400, 900);
	serves(200, 50, 1000); /* and gets faster */
	assert_int_equal(window.limit, MOST);
}

static void test_a_slow_server(void **state)
{
	(void)state;
	for (int i = 0; i < 500; i++) {
		serves(1, 0, 10);
		assert_in_range(window.limit, window.least, 512);
	}
}

static void test_between_short_and_long_it_stays(void **state)
{
	(void)state;
	rounds(1, 1);
	size_t before = window.limit;
	rounds(10, 8);
	assert_int_equal(window.limit, before);
}

static void test_what_was_not_full_does_not_grow(void **state)
{
	(void)state;
	size_t before = window.limit;
	for (int i = 0; i < 10; i++)
		window_next_round(&window, 1, (uint64_t)i);
	assert_int_equal(window.limit, before);
}

/* The way became longer by a failover to another place: at first that looks like a busy server. */
static void test_a_way_that_became_longer(void **state)
{
	(void)state;
	rounds(3, 1);
	rounds(30, 80);
	assert_int_equal(window.base_ms, 80);
	rounds(20, 80);
	assert_int_equal(window.limit, MOST);
}

static void test_a_long_way_needs_more(void **state)
{
	(void)state;
	assert_int_equal(window_enough(&window), window.least); /* nothing is known */
	rounds(1, 1);
	assert_int_equal(window_enough(&window), window.least);
	window_init(&window, MOST);
	rounds(1, 50);
	assert_in_range(window_enough(&window), 2000, MOST);
	window_init(&window, MOST);
	rounds(1, 5000);
	assert_int_equal(window_enough(&window), MOST);
}

/* A few messages tell nothing of the way when they are late. */
static void test_a_pause_with_few_messages(void **state)
{
	(void)state;
	rounds(1, 1);
	for (int i = 0; i < 30; i++)
		window_next_round(&window, 80, window.round + 1);
	assert_int_equal(window.limit, window.least);
	assert_int_equal(window.base_ms, 1);
}

#define ROUNDS(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUNDS(test_no_more_than_the_limit),
		ROUNDS(test_a_round_ends_with_the_newest_message_of_its_begin),
		ROUNDS(test_a_long_way_gets_all),
		ROUNDS(test_a_busy_server),
		ROUNDS(test_a_slow_server),
		ROUNDS(test_between_short_and_long_it_stays),
		ROUNDS(test_what_was_not_full_does_not_grow),
		ROUNDS(test_a_way_that_became_longer),
		ROUNDS(test_a_long_way_needs_more),
		ROUNDS(test_a_pause_with_few_messages),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
