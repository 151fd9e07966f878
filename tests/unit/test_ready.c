/* The rows that may fly come by their ids. */
#include "support/common.h"

#include <stdlib.h>

#include "relay/ready.h"

#define COUNT 1000

static struct row rows[COUNT];

static void takes(struct ready *ready, int64_t id)
{
	struct row *row = ready_take(ready);

	assert_non_null(row);
	assert_int_equal(row->id, id);
}

static void test_the_lowest_first(void **state)
{
	struct ready ready = { 0 };

	(void)state;
	assert_null(ready_take(&ready));
	for (int64_t i = 0; i < COUNT; i++) {
		rows[i].id = i * 387 % COUNT;
		ready_add(&ready, &rows[i]);
	}
	assert_int_equal(ready.count, COUNT);
	for (int64_t i = 0; i < COUNT; i++)
		takes(&ready, i);
	assert_null(ready_take(&ready));
	ready_finish(&ready);
}

/* Some go while others come, as in the relay: what is taken is the lowest of what is there. */
static void test_coming_and_going(void **state)
{
	struct ready ready = { 0 };
	bool there[COUNT] = { false };
	unsigned chance = 1;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		chance = chance * 1103515245u + 12345u;
		size_t i = chance / 65536 % COUNT;
		rows[i].id = (int64_t)i;
		if (!there[i]) {
			ready_add(&ready, &rows[i]);
			there[i] = true;
		}
		if (turn % 3 == 0)
			continue;
		for (i = 0; !there[i];)
			i++;
		takes(&ready, (int64_t)i);
		there[i] = false;
		if (ready.count == 0) {
			ready_add(&ready, &rows[i]);
			there[i] = true;
		}
	}
	ready_finish(&ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_lowest_first),
		cmocka_unit_test(test_coming_and_going),
	};

	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
