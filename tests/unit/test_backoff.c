/* How long to wait, and when to give up. */
#include "support/common.h"

#include "relay/backoff.h"

static const struct config_retry usual = {
	.initial_ms = 100, .max_ms = 300000, .multiplier = 2, .jitter = 0.2, .max_attempts = 20
};

static void test_it_doubles_up_to_the_limit(void **state)
{
	int64_t expected = 100;

	(void)state;
	for (int attempt = 1; attempt <= 40; attempt++) {
		assert_int_equal(backoff_delay(&usual, attempt, 0), expected);
		expected = expected * 2 < 300000 ? expected * 2 : 300000;
	}
	assert_int_equal(backoff_delay(&usual, 0, 0), 100);
	assert_int_equal(backoff_delay(&usual, -5, 0), 100);
}

/* However many attempts: no overflow, no wait below zero, none without end. */
static void test_the_far_end(void **state)
{
	static const double multipliers[] = { 1, 1.0001, 2, 100 };
	static const int64_t attempts[] = { 1, 64, 1000, 1000000, INT32_MAX, INT64_MAX };
	struct config_retry policy = usual;

	(void)state;
	for (size_t m = 0; m < 4; m++)
		for (size_t a = 0; a < 6; a++) {
			policy.multiplier = multipliers[m];
			policy.max_ms = (int64_t)30 * 24 * 3600 * 1000;
			assert_in_range(
				backoff_delay(&policy, attempts[a], 0.999999), 80, policy.max_ms);
		}
	policy.multiplier = 1;
	assert_int_equal(backoff_delay(&policy, INT64_MAX, 0), 100);
	policy.max_ms = 10; /* less than the first wait */
	assert_int_equal(backoff_delay(&policy, 1, 0), 10);
}

static void test_jitter_shortens_by_its_share(void **state)
{
	struct config_retry policy = usual;

	(void)state;
	assert_int_equal(backoff_delay(&usual, 4, 0), 800);
	assert_in_range(backoff_delay(&usual, 4, 0.5), 719, 720);
	assert_in_range(backoff_delay(&usual, 4, 0.999999), 640, 641);
	policy.jitter = 0;
	assert_int_equal(backoff_delay(&policy, 4, 0.999999), 800);
	policy.jitter = 1;
	policy.initial_ms = 1;
	assert_int_equal(backoff_delay(&policy, 1, 0.999999), 1); /* never none at all */
}

static void test_giving_up(void **state)
{
	struct config_retry policy = usual;

	(void)state;
	assert_false(backoff_exhausted(&policy, 0));
	assert_false(backoff_exhausted(&policy, 19));
	assert_true(backoff_exhausted(&policy, 20));
	assert_true(backoff_exhausted(&policy, 21));
	policy.max_attempts = 1;
	assert_true(backoff_exhausted(&policy, 1));
	policy.max_attempts = 0;
	assert_false(backoff_exhausted(&policy, 1));
	assert_false(backoff_exhausted(&policy, INT64_MAX));
}

static void test_chance(void **state)
{
	double sum = 0, low = 1, high = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		double chance = backoff_chance();
		assert_true(chance >= 0 && chance < 1);
		sum += chance;
		low = chance < low ? chance : low;
		high = chance > high ? chance : high;
	}
	assert_true(sum / 20000 > 0.48 && sum / 20000 < 0.52);
	assert_true(low < 0.01 && high > 0.99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_doubles_up_to_the_limit),
		cmocka_unit_test(test_the_far_end),
		cmocka_unit_test(test_jitter_shortens_by_its_share),
		cmocka_unit_test(test_giving_up),
		cmocka_unit_test(test_chance),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
