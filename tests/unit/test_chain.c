/* The chain of expected sequences: when it breaks, when it is mended, and whom it bears. */
#include "support/common.h"

#include "relay/chain.h"

static void test_what_comes_where_it_was_foretold(void **state)
{
	struct chain chain;

	(void)state;
	chain_init(&chain, true, 100);
	chain_mend(&chain, 41);
	assert_int_equal(chain.last, 41);
	assert_true(chain_stored(&chain, 41, 42));
	assert_false(chain_stored(&chain, 42, 44)); /* a server that does not look */
	assert_false(chain_is_due(&chain, 0, 1000000));
}

static void test_a_break_waits_for_the_answers(void **state)
{
	struct chain chain;

	(void)state;
	chain_init(&chain, true, 100);
	chain_break(&chain, 50, 1000);
	assert_true(chain.broken);
	assert_false(chain_is_due(&chain, 5, 1000));
	assert_true(chain_is_due(&chain, 0, 1000));
	assert_false(chain_is_due(&chain, 5, 1200));
	assert_true(chain_is_due(&chain, 5, 1400)); /* what has no answer yet will get none */
	chain_break(&chain, 40, 1390); /* the same break, noticed before */
	assert_true(chain_is_behind(&chain, 41));
	assert_false(chain_is_behind(&chain, 40));
	assert_true(chain_is_due(&chain, 5, 1400));
	chain_mend(&chain, 7);
	assert_false(chain.broken);
	assert_int_equal(chain.last, 7);
}

static void test_breaks_without_progress_take_longer(void **state)
{
	struct chain chain;
	int64_t now = 0, longest = 0;

	(void)state;
	chain_init(&chain, true, 1000);
	for (int i = 0; i < 40; i++) {
		chain_break(&chain, 1, now);
		int64_t took = 0;
		while (!chain_is_due(&chain, 0, now + took))
			assert_true(++took < 1000);
		assert_true(took >= longest);
		longest = took;
		chain_mend(&chain, 0);
	}
	assert_in_range(longest, 100, 999);
	chain_stored(&chain, 0, 1);
	chain_break(&chain, 1, now);
	assert_true(chain_is_due(&chain, 0, now));
}

/* What was sent behind a break was sent for nothing, so less is sent for a while. */
static void test_the_window(void **state)
{
	struct chain chain;

	(void)state;
	chain_init(&chain, true, 1000);
	assert_int_equal(chain.window, 1000);
	for (int i = 0; i < 10; i++) {
		chain_break(&chain, 1, 0);
		chain_mend(&chain, 0);
	}
	assert_in_range(chain.window, 1, 100);
	for (uint64_t i = 0; i < 2000; i++)
		chain_stored(&chain, i, i + 1);
	assert_int_equal(chain.window, 1000);

	chain_init(&chain, true, 3);
	chain_break(&chain, 1, 0);
	assert_int_equal(chain.window, 3);
}

static void test_strangers(void **state)
{
	struct chain chain;
	int64_t now = 5;

	(void)state;
	chain_init(&chain, true, 10);
	for (int i = 0; i < 100; i++, now += 20000)
		assert_true(chain_bears_stranger(&chain, now)); /* now and then */
	int borne = 0;
	while (chain_bears_stranger(&chain, now++))
		borne++;
	assert_in_range(borne, 1, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_where_it_was_foretold),
		cmocka_unit_test(test_a_break_waits_for_the_answers),
		cmocka_unit_test(test_breaks_without_progress_take_longer),
		cmocka_unit_test(test_the_window),
		cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
