/* The messages on their way: slots, tokens, and how far back an uncertain one may lie. */
#include "support/common.h"

#include "relay/flight.h"

#define CAPACITY 8

static struct row *row_of(size_t bytes)
{
	struct row *row = keep(calloc(1, sizeof(*row)));

	row->event.payload = (struct slice){ "", bytes };
	return row;
}

static void test_slots_are_found_by_their_token(void **state)
{
	struct flights flights;
	uint64_t tokens[CAPACITY];

	(void)state;
	flights_init(&flights, CAPACITY);
	for (size_t i = 0; i < CAPACITY; i++) {
		struct flight *flight = flights_launch(&flights, row_of(i), 0, i, (int64_t)i + 100);
		assert_non_null(flight);
		tokens[i] = flight->token;
		assert_true(i == 0 || tokens[i] > tokens[i - 1]);
	}
	assert_int_equal(flights.count, CAPACITY);
	assert_int_equal(flights.bytes, 28);
	assert_null(flights_launch(&flights, row_of(1), 0, 0, 0));
	for (size_t i = 0; i < CAPACITY; i++) {
		struct flight *flight = flights_find(&flights, tokens[i]);
		assert_non_null(flight);
		assert_int_equal(flight->sent_ms, i + 100);
		assert_int_equal(flight->row->event.payload.size, i);
	}
	flights_finish(&flights);
}

/* An answer of an earlier message, or of nobody's, finds nothing. */
static void test_stale_tokens_find_nothing(void **state)
{
	struct flights flights;

	(void)state;
	flights_init(&flights, CAPACITY);
	for (uint64_t token = 0; token < 3 * CAPACITY; token++)
		assert_null(flights_find(&flights, token));
	struct flight *flight = flights_launch(&flights, row_of(5), 0, 0, 0);
	uint64_t token = flight->token;
	assert_int_equal(flights_land(&flights, flight)->event.payload.size, 5);
	assert_null(flights_find(&flights, token));
	for (int i = 0; i < 100; i++) {
		struct flight *next = flights_launch(&flights, row_of(1), 0, 0, 0);
		assert_true(next->token > token);
		assert_null(flights_find(&flights, token));
		assert_null(flights_find(&flights, next->token + CAPACITY));
		assert_null(flights_find(&flights, UINT64_MAX));
		flights_land(&flights, next);
	}
	assert_int_equal(flights.count, 0);
	assert_int_equal(flights.bytes, 0);
	flights_finish(&flights);
}

static void test_the_oldest_is_first(void **state)
{
	struct flights flights;
	struct flight *a, *b, *c;

	(void)state;
	flights_init(&flights, CAPACITY);
	a = flights_launch(&flights, row_of(1), 0, 0, 1);
	b = flights_launch(&flights, row_of(1), 0, 0, 2);
	c = flights_launch(&flights, row_of(1), 0, 0, 3);
	assert_ptr_equal(flights.oldest, a);
	assert_ptr_equal(flights.newest, c);
	flights_land(&flights, b);
	assert_ptr_equal(a->next, c);
	assert_ptr_equal(c->previous, a);
	flights_land(&flights, a);
	assert_ptr_equal(flights.oldest, c);
	assert_null(c->previous);
	flights_land(&flights, c);
	assert_null(flights.oldest);
	assert_null(flights.newest);
	flights_finish(&flights);
}

/* The position may go up to where the oldest unanswered message of that stream began, and no further. */
static void test_the_floor(void **state)
{
	struct flights flights;

	(void)state;
	flights_init(&flights, CAPACITY);
	assert_int_equal(flights_floor(&flights, 0, 500), 500);
	struct flight *first = flights_launch(&flights, row_of(1), 0, 100, 1);
	struct flight *other = flights_launch(&flights, row_of(1), 1, 7, 2);
	struct flight *second = flights_launch(&flights, row_of(1), 0, 120, 3);
	assert_int_equal(flights_floor(&flights, 0, 500), 100);
	assert_int_equal(flights_floor(&flights, 1, 90), 7);
	assert_int_equal(flights_floor(&flights, 2, 11), 11);
	flights_land(&flights, first);
	assert_int_equal(flights_floor(&flights, 0, 500), 120);
	flights_land(&flights, second);
	assert_int_equal(flights_floor(&flights, 0, 500), 500);
	assert_int_equal(flights_floor(&flights, 1, 90), 7);
	flights_land(&flights, other);
	assert_int_equal(flights_floor(&flights, 1, 90), 90);
	flights_finish(&flights);
}

/* At random, against a plain list. */
static void test_at_random(void **state)
{
	static struct {
		uint64_t token, floor;
		size_t stream, bytes;
		bool flying;
	} sent[20000];
	struct flights flights;
	size_t count = 0, flying = 0, bytes = 0, first = 0;
	uint64_t acked = 0;

	(void)state;
	srand(20260731);
	flights_init(&flights, 61);
	while (count < 20000) {
		if (rand() % 2 && flying < 61) {
			size_t size = (size_t)(rand() % 1000), stream = (size_t)(rand() % 3);
			acked += (uint64_t)(rand() % 3);
			struct flight *flight =
				flights_launch(&flights, row_of(size), stream, acked, 0);
			sent[count].token = flight->token;
			sent[count].floor = acked;
			sent[count].stream = stream;
			sent[count].bytes = size;
			sent[count].flying = true;
			count++;
			flying++;
			bytes += size;
		} else if (flying > 0) {
			size_t which = first + (size_t)rand() % (count - first);
			struct flight *flight = flights_find(&flights, sent[which].token);
			assert_int_equal(flight != NULL, sent[which].flying);
			if (!flight)
				continue;
			flights_land(&flights, flight);
			sent[which].flying = false;
			flying--;
			bytes -= sent[which].bytes;
		}
		while (first < count && !sent[first].flying)
			first++;
		assert_int_equal(flights.count, flying);
		assert_int_equal(flights.bytes, bytes);
		for (size_t stream = 0; stream < 3; stream++) {
			size_t at = first;
			while (at < count && !(sent[at].flying && sent[at].stream == stream))
				at++;
			assert_int_equal(flights_floor(&flights, stream, acked),
				at < count ? sent[at].floor : acked);
		}
	}
	flights_finish(&flights);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_are_found_by_their_token),
		cmocka_unit_test(test_stale_tokens_find_nothing),
		cmocka_unit_test(test_the_oldest_is_first),
		cmocka_unit_test(test_the_floor),
		cmocka_unit_test(test_at_random),
	};

	return cmocka_run_group_tests_name("flight", tests, NULL, NULL);
}
