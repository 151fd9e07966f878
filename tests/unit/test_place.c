/* How far a replay has come, though its events are done out of order. */
#include "history/place.h"

#include "support/common.h"

static void read_events(struct place *place, int64_t from, int64_t to, uint64_t known)
{
	for (int64_t number = from; number <= to; number++)
		place_add(place, number);
	place_read(place, &known, 1);
}

/* Takes all that is done with none open before it; gives the last. */
static int64_t take(struct place *place)
{
	struct place_entry entry = { .number = -1 };

	while (place_next(place, &entry))
		assert_true(entry.done);
	return entry.number;
}

static void an_open_event_holds_the_place(void **state)
{
	struct place place = { 0 };

	(void)state;
	read_events(&place, 1, 3, 10);
	read_events(&place, 4, 6, 20);
	place_done(&place, 2, false);
	place_done(&place, 5, false);
	assert_int_equal(take(&place), -1);
	assert_int_equal(place_span(&place)->known[0], 10);
	place_done(&place, 1, false);
	assert_int_equal(take(&place), 2);
	assert_int_equal(place_span(&place)->known[0], 10);
	assert_false(place_has(&place, 2));
	assert_true(place_has(&place, 3));
	assert_false(place_has(&place, 5));
	place_done(&place, 3, true);
	assert_int_equal(take(&place), 3);
	assert_int_equal(place_span(&place)->known[0], 20);
	place_done(&place, 4, false);
	place_done(&place, 6, false);
	assert_int_equal(take(&place), 6);
	assert_null(place_span(&place));
	assert_int_equal(place_open(&place), 0);
	place_finish(&place);
}

/* Many more than there is room for at first, and gaps between the numbers. */
static void queues_are_used_again(void **state)
{
	struct place place = { 0 };
	uint64_t known = 0;

	(void)state;
	for (int64_t i = 0; i < 50000; i++) {
		place_add(&place, i * 3);
		place_read(&place, &known, 1);
		known++;
		if (i >= 700) {
			place_done(&place, (i - 700) * 3, i % 2 == 0);
			assert_int_equal(take(&place), (i - 700) * 3);
			assert_int_equal(place_span(&place)->known[0], i - 699);
		}
	}
	assert_int_equal(place_open(&place), 700);
	assert_true(place.room <= 4096);
	assert_false(place_has(&place, 149998));
	place_clear(&place);
	assert_int_equal(place_open(&place), 0);
	place_finish(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_event_holds_the_place),
		cmocka_unit_test(queues_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
