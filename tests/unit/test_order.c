/*
 * Which rows may fly now. First each rule by itself, then a simulated outbox that fails, commits late and
 * is swept at random: whatever happens, one row of a key is on its way, in order, and none is left behind.
 */
#include "support/common.h"

#include <stdio.h>
#include <sys/random.h>

#include "relay/order.h"

#define LIMIT 4

static struct row *make(int64_t id, const char *key, enum row_source source)
{
	struct row *row = keep(calloc(1, sizeof(*row)));

	*row = (struct row){ .id = id, .source = source };
	row->event.key = slice_of(key);
	return row;
}

static struct row *add_from(
	struct order *order, int64_t id, const char *key, enum row_source source)
{
	struct row *row = make(id, key, source);

	if (!order_add(order, row))
		give_up("row %lld was not kept", (long long)id);
	return row;
}

static struct row *add(struct order *order, int64_t id, const char *key)
{
	return add_from(order, id, key, ROW_NEW);
}

static struct row *refuse_from(
	struct order *order, int64_t id, const char *key, enum row_source source)
{
	struct row *row = make(id, key, source);

	if (order_add(order, row))
		give_up("row %lld was kept", (long long)id);
	return row;
}

static struct row *flies(struct order *order, int64_t id)
{
	struct row *row = order_next(order);

	if (!row || row->id != id)
		give_up("row %lld should fly, not %lld", (long long)id,
			row ? (long long)row->id : -1LL);
	return row;
}

static void nothing_flies(struct order *order)
{
	struct row *row = order_next(order);

	if (row)
		give_up("row %lld flies", (long long)row->id);
}

static void passes(struct order *order, int64_t id)
{
	order_done(order, flies(order, id));
}

static size_t length(const struct row *list)
{
	size_t count = 0;

	for (; list; list = list->next)
		count++;
	return count;
}

/* Nothing is on its way, so nothing should be remembered. */
static void end_clean(struct order *order)
{
	assert_int_equal(order->waiting, 0);
	nothing_flies(order);
	assert_int_equal(order->keys.count, 0);
	assert_int_equal(order->held, 0);
	assert_int_equal(order->hungry, 0);
	assert_null(order->dropped);
	assert_true(order_sweep_from(order) == INT64_MAX);
	order_finish(order);
}

static void test_one_row_of_a_key_flies(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	add(&order, 2, "a");
	add(&order, 3, "b");
	add(&order, 4, "a");
	struct row *first = flies(&order, 1);
	struct row *other = flies(&order, 3);
	nothing_flies(&order);
	order_done(&order, other);
	nothing_flies(&order);
	order_done(&order, first);
	passes(&order, 2);
	passes(&order, 4);
	end_clean(&order);
}

static void test_the_queue_is_in_id_order(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	struct row *first = add(&order, 10, "a");
	add(&order, 40, "a");
	add_from(&order, 30, "a", ROW_GAP);
	add_from(&order, 20, "a", ROW_SCHEDULED);
	flies(&order, 10);
	add_from(&order, 5, "a", ROW_GAP); /* committed late: it follows at once */
	order_done(&order, first);
	passes(&order, 5);
	passes(&order, 20);
	passes(&order, 30);
	passes(&order, 40);
	end_clean(&order);
}

static void test_rows_without_a_key_fly_at_will(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	for (int i = 1; i <= 100; i++)
		add(&order, i, NULL);
	struct row *first = flies(&order, 1);
	assert_null(order_failed(&order, first)); /* and one that fails holds nobody */
	for (int i = 2; i <= 100; i++)
		passes(&order, i);
	end_clean(&order);
}

/* An empty key is a key, no key is none. */
static void test_an_empty_key_is_a_key(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "");
	add(&order, 2, "");
	struct row *first = flies(&order, 1);
	nothing_flies(&order);
	order_done(&order, first);
	passes(&order, 2);
	end_clean(&order);
}

static void test_without_ordering_keys_do_not_count(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_NONE, LIMIT);
	for (int i = 1; i <= 50; i++)
		add(&order, i, "a");
	struct row *first = flies(&order, 1);
	assert_null(order_failed(&order, first));
	for (int i = 2; i <= 50; i++)
		passes(&order, i);
	end_clean(&order);
}

static void test_a_failed_row_holds_its_key(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	for (int i = 1; i <= 3; i++)
		add(&order, i, "a");
	add(&order, 4, "b");
	struct row *first = flies(&order, 1);
	struct row *dropped = order_failed(&order, first);
	assert_int_equal(length(dropped), 2);
	assert_int_equal(order_dropped_from(&order), 2);
	assert_int_equal(dropped->id, 2);
	assert_int_equal(dropped->next->id, 3);
	assert_int_equal(order.held, 1);
	passes(&order, 4);
	refuse_from(&order, 5, "a", ROW_NEW);
	nothing_flies(&order);
	/* Nothing of a held key needs to be read. */
	assert_true(order_sweep_from(&order) == INT64_MAX);

	add_from(&order, 1, "a", ROW_RETRY); /* it comes back */
	assert_int_equal(order.held, 0);
	assert_int_equal(order_sweep_from(&order), 2);
	refuse_from(&order, 6, "a", ROW_NEW); /* 2, 3 and 5 are not here yet */
	order_sweep_begin(&order, 2);
	for (int i = 2; i <= 6; i += i == 3 ? 2 : 1)
		add_from(&order, i, "a", ROW_SWEEP);
	order_sweep_end(&order);
	static const int64_t expected[] = { 1, 2, 3, 5, 6 };
	for (size_t i = 0; i < 5; i++)
		passes(&order, expected[i]);
	end_clean(&order);
}

static void test_a_row_may_fail_often(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	add(&order, 2, "a");
	for (int i = 0; i < 20; i++) {
		struct row *row = flies(&order, 1);
		struct row *dropped = order_failed(&order, row);
		assert_int_equal(length(dropped), i == 0 ? 1 : 0);
		assert_int_equal(order.held, 1);
		nothing_flies(&order);
		add_from(&order, 1, "a", ROW_RETRY);
	}
	/* Given up at last: what is behind it may go. */
	passes(&order, 1);
	assert_int_equal(order_sweep_from(&order), 2);
	order_sweep_begin(&order, 2);
	add_from(&order, 2, "a", ROW_SWEEP);
	order_sweep_end(&order);
	passes(&order, 2);
	end_clean(&order);
}

/* Read at the beginning of a session, or by a sweep: not due, it holds its key all the same. */
static void test_a_failed_row_that_is_not_due_holds(void **state)
{
	struct order order;
	struct row *waiting = make(1, "a", ROW_NEW);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	waiting->wait_ms = 500;
	waiting->failed = true;
	assert_false(order_add(&order, waiting));
	assert_int_equal(order.held, 1);
	refuse_from(&order, 2, "a", ROW_NEW);
	nothing_flies(&order);
	add_from(&order, 1, "a", ROW_RETRY);
	passes(&order, 1);
	assert_int_equal(order_sweep_from(&order), 2);
	order_finish(&order);
}

/* What is seen of a row on its way must not hold its key. */
static void test_a_flying_row_does_not_hold(void **state)
{
	struct order order;
	struct row *again = make(1, "a", ROW_SWEEP);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	flies(&order, 1);
	again->wait_ms = 500;
	again->failed = true;
	assert_false(order_add(&order, again));
	assert_int_equal(order.held, 0);
	order_finish(&order);
}

static void test_a_scheduled_row_holds_nobody(void **state)
{
	struct order order;
	struct row *later = make(1, "a", ROW_NEW);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	later->wait_ms = 60000;
	assert_false(order_add(&order, later));
	add(&order, 2, "a");
	add(&order, 4, "a");
	struct row *flying = flies(&order, 2);
	add_from(&order, 1, "a", ROW_SCHEDULED); /* due: it takes its place */
	order_done(&order, flying);
	passes(&order, 1);
	passes(&order, 4);
	end_clean(&order);
}

/* Without a key a row that is not due waits too. */
static void test_a_row_that_is_not_due_waits(void **state)
{
	struct order order;
	struct row *later = make(1, NULL, ROW_NEW);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	later->wait_ms = 1;
	assert_false(order_add(&order, later));
	later->failed = true;
	assert_false(order_add(&order, later));
	nothing_flies(&order);
	end_clean(&order);
}

/* One sweep over rows from..last of a key; gives how many were kept. */
static size_t sweep_key(struct order *order, const char *key, int64_t from, int64_t last)
{
	size_t kept = 0;

	order_sweep_begin(order, from);
	for (int64_t id = from; id <= last; id++)
		kept += order_add(order, make(id, key, ROW_SWEEP));
	order_sweep_end(order);
	return kept;
}

static void test_a_hot_key_fills_no_memory(void **state)
{
	struct order order;
	int64_t last = 1000, from;
	size_t sweeps = 0;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	for (int64_t id = 1; id <= last; id++)
		assert_int_equal(order_add(&order, make(id, "hot", ROW_NEW)), id <= LIMIT + 1);
	add(&order, last + 1, "cold"); /* nobody else waits for it */
	struct row *flying = flies(&order, 1);
	passes(&order, last + 1);
	for (int64_t id = 2; id <= last; id++) {
		order_done(&order, flying);
		flying = flies(&order, id);
		nothing_flies(&order);
		if ((from = order_sweep_from(&order)) == INT64_MAX)
			continue;
		size_t kept = sweep_key(&order, "hot", from, last);
		assert_in_range(kept, 1, LIMIT);
		sweeps++;
	}
	order_done(&order, flying);
	/* It is filled up by half its queue each time, not row by row. */
	assert_in_range(sweeps, last / LIMIT / 2, last / (LIMIT / 2) + 2);
	end_clean(&order);
}

static void test_thousands_behind_a_failing_key(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "bad");
	order_failed(&order, flies(&order, 1));
	for (int64_t id = 2; id < 20000; id += 2) {
		refuse_from(&order, id, "bad", ROW_NEW);
		add(&order, id + 1, "good");
		passes(&order, id + 1);
		assert_int_equal(order.keys.count, 1);
		assert_true(order_sweep_from(&order) == INT64_MAX); /* not read for nothing */
	}
	add_from(&order, 1, "bad", ROW_RETRY);
	passes(&order, 1);
	assert_int_equal(order_sweep_from(&order), 2);
	order_finish(&order);
}

static void test_a_late_lower_id_behind_a_held_key(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 5, "a");
	order_failed(&order, flies(&order, 5));
	refuse_from(&order, 3, "a", ROW_GAP);
	refuse_from(&order, 7, "a", ROW_NEW);
	add_from(&order, 5, "a", ROW_RETRY);
	passes(&order, 5);
	assert_int_equal(order_sweep_from(&order), 3);
	order_sweep_begin(&order, 3);
	add_from(&order, 3, "a", ROW_SWEEP);
	add_from(&order, 7, "a", ROW_SWEEP);
	order_sweep_end(&order);
	passes(&order, 3);
	passes(&order, 7);
	end_clean(&order);
}

/* What a person put back goes before the row that holds the key, which then holds it again. */
static void test_a_row_that_was_put_back(void **state)
{
	struct order order;
	struct row *back = make(3, "a", ROW_RETRY), *held = make(5, "a", ROW_SWEEP);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 5, "a");
	order_failed(&order, flies(&order, 5));
	refuse_from(&order, 7, "a", ROW_NEW);
	back->put_back = true;
	assert_true(order_add(&order, back));
	flies(&order, 3);
	assert_int_equal(order.held, 0);
	assert_int_equal(order_sweep_from(&order), 5);
	order_sweep_begin(&order, 5);
	held->failed = true;
	held->wait_ms = 100;
	assert_false(order_add(&order, held));
	refuse_from(&order, 7, "a", ROW_SWEEP);
	order_sweep_end(&order);
	order_done(&order, back);
	nothing_flies(&order);
	add_from(&order, 5, "a", ROW_RETRY);
	passes(&order, 5);
	order_sweep_begin(&order, order_sweep_from(&order));
	add_from(&order, 7, "a", ROW_SWEEP);
	order_sweep_end(&order);
	passes(&order, 7);
	end_clean(&order);
}

/* Its rows are dropped, not forgotten. */
static void test_an_aborted_sweep(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	for (int64_t id = 1; id <= 12; id++)
		order_add(&order, make(id, "a", ROW_NEW)); /* kept: 1 to 5 */
	for (int64_t id = 1; id <= 4; id++)
		passes(&order, id);
	assert_int_equal(order_sweep_from(&order), 6);
	order_sweep_begin(&order, 6);
	add_from(&order, 6, "a", ROW_SWEEP);
	order_sweep_abort(&order);
	/* What still comes of it, the session calls rows of a gap: 7 and 8 may not follow. */
	refuse_from(&order, 9, "a", ROW_GAP);
	passes(&order, 5);
	passes(&order, 6);
	assert_int_equal(order_sweep_from(&order), 7);
	assert_int_equal(sweep_key(&order, "a", 7, 12), LIMIT + 1);
	for (int64_t id = 7; id <= 11; id++)
		passes(&order, id);
	assert_int_equal(sweep_key(&order, "a", order_sweep_from(&order), 12), 1);
	passes(&order, 12);
	end_clean(&order);
}

/* A key that a sweep had to leave a row of gets none of the later rows of that sweep. */
static void test_a_refused_key_waits_for_the_next_sweep(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	struct row *flying = flies(&order, 1);
	order_sweep_begin(&order, INT64_MIN);
	order_saw(&order, flying, ROW_SWEEP);
	order_failed(&order, flying);
	refuse_from(&order, 2, "a", ROW_SWEEP);
	add_from(&order, 1, "a", ROW_RETRY); /* free again, but 2 is gone */
	refuse_from(&order, 3, "a", ROW_SWEEP);
	order_sweep_end(&order);
	passes(&order, 1);
	nothing_flies(&order);
	assert_int_equal(sweep_key(&order, "a", order_sweep_from(&order), 3), 2);
	passes(&order, 2);
	passes(&order, 3);
	end_clean(&order);
}

/* The row was dropped after the sweep had passed its place. */
static void test_a_row_dropped_behind_the_sweep(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 50, "a");
	order_failed(&order, flies(&order, 50));
	order_sweep_begin(&order, INT64_MIN);
	add_from(&order, 20, "b", ROW_SWEEP);
	refuse_from(&order, 10, "a", ROW_GAP);
	add_from(&order, 50, "a", ROW_SWEEP);
	refuse_from(&order, 60, "a", ROW_SWEEP);
	order_sweep_end(&order);
	passes(&order, 20);
	passes(&order, 50);
	nothing_flies(&order);
	assert_int_equal(order_sweep_from(&order), 10);
	order_finish(&order);
}

static void test_a_sweep_that_begins_too_high(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	order_failed(&order, flies(&order, 1));
	refuse_from(&order, 2, "a", ROW_NEW);
	order_sweep_begin(&order, 5);
	add_from(&order, 1, "a", ROW_RETRY);
	refuse_from(&order, 6, "a", ROW_SWEEP); /* 2 is not among its rows */
	order_sweep_end(&order);
	passes(&order, 1);
	assert_int_equal(order_sweep_from(&order), 2);
	order_finish(&order);
}

/* A sweep that is asked for serves the lowest. */
static void test_the_lowest_free_key_is_swept_for(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	for (int64_t id = 1; id <= 3; id++)
		add(&order, id, text("%c", 'a' + (int)id));
	for (int64_t id = 1; id <= 3; id++)
		order_failed(&order, flies(&order, id));
	for (int64_t id = 11; id <= 13; id++)
		refuse_from(&order, id, text("%c", 'a' + (int)id - 10), ROW_NEW);
	assert_int_equal(order.held, 3);
	add_from(&order, 3, "d", ROW_RETRY);
	assert_int_equal(order_sweep_from(&order), 13);
	add_from(&order, 2, "c", ROW_RETRY);
	assert_int_equal(order_sweep_from(&order), 12);
	add_from(&order, 1, "b", ROW_RETRY);
	assert_int_equal(order_sweep_from(&order), 11);
	order_finish(&order);
}

/* Somebody took the row that holds a key out of the table. Only a sweep of everything can tell. */
static void test_a_full_sweep_frees_a_stale_hold(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	order_failed(&order, flies(&order, 1));
	refuse_from(&order, 2, "a", ROW_NEW);
	order_sweep_begin(&order, 2);
	refuse_from(&order, 2, "a", ROW_SWEEP);
	order_sweep_end(&order);
	assert_int_equal(order.held, 1);
	order_sweep_begin(&order, INT64_MIN);
	refuse_from(&order, 2, "a", ROW_SWEEP);
	order_sweep_end(&order);
	assert_int_equal(order.held, 0);
	assert_int_equal(order_sweep_from(&order), 2);
	assert_int_equal(sweep_key(&order, "a", 2, 2), 1);
	passes(&order, 2);
	end_clean(&order);
}

static void test_a_full_sweep_keeps_a_live_hold(void **state)
{
	struct order order;
	struct row *waiting = make(1, "a", ROW_SWEEP);

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	waiting->wait_ms = 100;
	waiting->failed = true;
	add(&order, 1, "a");
	struct row *failed = flies(&order, 1);
	order_failed(&order, failed);
	for (int i = 0; i < 3; i++) {
		order_sweep_begin(&order, INT64_MIN);
		if (i == 0)
			order_saw(&order, failed, ROW_SWEEP); /* not settled yet */
		else
			assert_false(order_add(&order, waiting));
		refuse_from(&order, 2, "a", ROW_SWEEP);
		order_sweep_end(&order);
		assert_int_equal(order.held, 1);
		nothing_flies(&order);
	}
	order_finish(&order);
}

/* It failed while the sweep was under way, which may have passed its place before. */
static void test_a_hold_made_during_a_sweep(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_KEY, LIMIT);
	add(&order, 1, "a");
	struct row *flying = flies(&order, 1);
	order_sweep_begin(&order, INT64_MIN);
	add_from(&order, 30, "b", ROW_SWEEP);
	order_failed(&order, flying);
	order_sweep_end(&order);
	assert_int_equal(order.held, 1);
	order_finish(&order);
}

/* Total order: everything flies at once, one behind the other, whatever its key. */
static void test_a_stream_is_one_key(void **state)
{
	struct order order;

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	add(&order, 10, "a");
	add(&order, 20, NULL);
	add(&order, 30, "a");
	for (int i = 4; i < 100; i++) /* the window limits it, nothing else */
		add(&order, i * 10, "b");
	add_from(&order, 5, "c", ROW_GAP); /* committed late: next */
	assert_true(order_is_ready(&order));
	struct row *first = flies(&order, 5), *second = flies(&order, 10);
	order_done(&order, first);
	flies(&order, 20);
	order_done(&order, second);
	for (int i = 3; i < 100; i++)
		passes(&order, i * 10);
	assert_false(order_is_ready(&order));
	end_clean(&order);
}

static void test_what_the_stream_turned_away_comes_again(void **state)
{
	struct order order;
	struct row *row[6];

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	for (int i = 1; i <= 5; i++)
		row[i] = add(&order, i, "k");
	for (int i = 1; i <= 3; i++)
		flies(&order, i);
	order_done(&order, row[1]);
	struct row *waiting = order_take_waiting(&order);
	assert_ptr_equal(waiting, row[4]);
	assert_ptr_equal(waiting->next, row[5]);
	assert_null(row[5]->next);
	assert_false(order_is_ready(&order));
	assert_true(order_return(&order, row[2]));
	assert_true(order_return(&order, row[3]));
	assert_true(order_return(&order, row[4]));
	assert_true(order_return(&order, row[5]));
	for (int i = 2; i <= 5; i++)
		passes(&order, i);
	assert_null(order_take_waiting(&order));
	end_clean(&order);
}

/* A row that failed holds all; what was on its way behind it is dropped when it comes back. */
static void test_a_failed_row_holds_the_stream(void **state)
{
	struct order order;
	struct row *row[5];

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	for (int i = 1; i <= 4; i++)
		row[i] = add(&order, i, i % 2 ? "a" : "b");
	flies(&order, 1);
	flies(&order, 2);
	struct row *dropped = order_failed(&order, row[1]);
	assert_int_equal(length(dropped), 2);
	assert_int_equal(order_dropped_from(&order), 3);
	assert_false(order_return(&order, row[2]));
	refuse_from(&order, 5, "c", ROW_NEW);
	nothing_flies(&order);
	assert_null(order_take_waiting(&order));
	assert_true(order_sweep_from(&order) == INT64_MAX);

	row[1]->source = ROW_RETRY;
	assert_true(order_add(&order, row[1])); /* due again */
	passes(&order, 1);
	assert_int_equal(order_sweep_from(&order), 2);
	order_sweep_begin(&order, 2);
	for (int i = 2; i <= 4; i++)
		add_from(&order, i, NULL, ROW_SWEEP);
	add_from(&order, 5, NULL, ROW_SWEEP);
	order_sweep_end(&order);
	for (int i = 2; i <= 5; i++)
		passes(&order, i);
	end_clean(&order);
}

/* Rows before the one that failed were on their way with it: they come first. */
static void test_what_was_before_a_failed_row(void **state)
{
	struct order order;
	struct row *row[5];

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	for (int i = 1; i <= 4; i++)
		row[i] = add(&order, i, NULL);
	for (int i = 1; i <= 3; i++)
		flies(&order, i);
	assert_ptr_equal(order_failed(&order, row[2]), row[4]);
	assert_true(order_return(&order, row[1]));
	assert_false(order_return(&order, row[3]));
	passes(&order, 1);
	nothing_flies(&order);
	row[2]->source = ROW_RETRY;
	assert_true(order_add(&order, row[2]));
	passes(&order, 2);
	assert_int_equal(order_sweep_from(&order), 3);
	order_finish(&order);
}

/* Two failed rows of one key, of which the later is due first: it must not pass. */
static void two_failed(enum ordering ordering)
{
	struct order order;
	struct row *five = make(5, "k", ROW_NEW), *eight = make(8, "k", ROW_NEW);

	order_init(&order, ordering, LIMIT);
	eight->wait_ms = five->wait_ms = 100;
	eight->failed = five->failed = true;
	assert_false(order_add(&order, five));
	assert_false(order_add(&order, eight));
	refuse_from(&order, 9, "k", ROW_NEW);
	add_from(&order, 5, "k", ROW_RETRY);
	passes(&order, 5);
	refuse_from(&order, 9, "k", ROW_GAP);
	assert_int_equal(order_sweep_from(&order), 8);
	order_sweep_begin(&order, 8);
	eight->source = ROW_SWEEP;
	assert_false(order_add(&order, eight));
	refuse_from(&order, 9, "k", ROW_SWEEP);
	order_sweep_end(&order);
	nothing_flies(&order);
	add_from(&order, 8, "k", ROW_RETRY);
	passes(&order, 8);
	order_finish(&order);
}

static void test_two_failed_rows(void **state)
{
	(void)state;
	two_failed(ORDERING_KEY);
	two_failed(ORDERING_STREAM);
}

/* The failure of a row is still being noted when a sweep comes by: what stands behind it must wait. */
static void test_a_sweep_over_a_row_that_just_failed(void **state)
{
	struct order order;
	struct row *row[4];

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	for (int i = 1; i <= 3; i++)
		row[i] = add(&order, i, NULL);
	flies(&order, 1);
	flies(&order, 2);
	assert_ptr_equal(order_failed(&order, row[2]), row[3]);
	assert_null(order_failed(&order, row[1])); /* and then the one before it */
	row[1]->source = ROW_RETRY;
	assert_true(order_add(&order, row[1]));
	passes(&order, 1);
	order_sweep_begin(&order, order_sweep_from(&order));
	order_saw(&order, row[2], ROW_SWEEP);
	refuse_from(&order, 3, NULL, ROW_SWEEP);
	order_sweep_end(&order);
	nothing_flies(&order);
	order_finish(&order);
}

/* A row that is not due: held where it failed, in nobody's way where it is scheduled. */
static void test_a_stream_and_rows_that_are_not_due(void **state)
{
	struct order order;
	struct row *scheduled = make(1, NULL, ROW_NEW), *failed = make(2, "x", ROW_NEW);

	(void)state;
	order_init(&order, ORDERING_STREAM, LIMIT);
	scheduled->wait_ms = failed->wait_ms = 500;
	failed->failed = true;
	assert_false(order_add(&order, scheduled));
	add(&order, 3, NULL);
	passes(&order, 3);
	assert_false(order_add(&order, failed));
	refuse_from(&order, 4, NULL, ROW_NEW);
	nothing_flies(&order);
	assert_int_equal(order.held, 1);
	order_finish(&order);
}

/*
 * --- The model ---
 *
 * A table, a reader that works ahead of the relay, and a relay as session.c is one. Time is counted in
 * steps. Writers of a key take turns, but for those that draw an id and commit late on purpose.
 */
#define ROWS	  1200
#define KEYS	  12
#define BATCH	  17
#define QUEUE	  6
#define SETTLE_MS 3

enum fate { UNBORN, PENDING, ACKED, SETTLED, DEAD };

struct record {
	struct row row; /* in memory */
	bool in_memory, flying, failed, scheduled, ahead;
	int key; /* -1: none */
	enum fate fate;
	int64_t committed, due; /* steps */
	int failures_left, sent;
	int64_t settle_at;
};

struct read_row {
	int64_t id, wait;
	enum row_source source;
	bool failed;
};

struct read_batch {
	struct read_row rows[ROWS + 1];
	size_t count;
	uint64_t pass;
	int64_t sweep_end;
	bool sweep_done;
	struct read_batch *next;
};

struct model {
	struct order order;
	uint64_t seed;
	struct record table[ROWS + 1];
	char keys[KEYS][8];
	int64_t now, born;
	int64_t late[ROWS + 1]; /* drawn, to be committed; 0: not */
	bool gap[ROWS + 1]; /* the reader looks for it */
	int64_t cursor, sweep_at;
	uint64_t pass;
	struct read_batch *read, **last;
	int64_t next_full;
	size_t in_memory, most_in_memory, in_flight;
	size_t delivered, dead, discarded, sweeps, aborted, late_rows;
};

static uint64_t chance_of(struct model *m, uint64_t of)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return (m->seed >> 11) % of;
}

static void commit_row(struct model *m, int64_t id)
{
	m->table[id].fate = PENDING;
	m->table[id].committed = m->now;
}

/* One key is hot, one fails much; some rows have no key, some are scheduled, some commit late. */
static void give_birth(struct model *m)
{
	if (m->born >= ROWS)
		return;
	int64_t id = ++m->born;
	struct record *r = &m->table[id];
	r->key = chance_of(m, 10) == 0 ? -1 : chance_of(m, 3) == 0 ? 0 : (int)chance_of(m, KEYS);
	r->failures_left = chance_of(m, r->key == 1 ? 3 : 25) == 0 ? 1 + (int)chance_of(m, 5) : 0;
	r->scheduled = chance_of(m, 30) == 0;
	r->due = r->scheduled ? m->now + 5 + (int64_t)chance_of(m, 60) : 0;
	r->ahead = chance_of(m, 60) == 0;
	if (r->ahead || chance_of(m, 12) == 0)
		m->late[id] = m->now + 1 + (int64_t)chance_of(m, r->ahead ? 200 : 40);
	else
		commit_row(m, id);
}

static void commit_late_rows(struct model *m)
{
	for (int64_t id = 1; id <= m->born; id++)
		if (m->late[id] && m->late[id] <= m->now) {
			m->late[id] = 0;
			m->late_rows++;
			commit_row(m, id);
		}
}

static bool in_table(const struct record *r)
{
	return r->fate == PENDING || r->fate == ACKED;
}

static void put_row(struct model *m, struct read_batch *batch, int64_t id, enum row_source source)
{
	struct record *r = &m->table[id];
	struct read_row *row = NULL;

	for (size_t i = 0; i < batch->count && !row; i++)
		if (batch->rows[i].id == id)
			row = &batch->rows[i];
	if (!row) {
		row = &batch->rows[batch->count++];
		row->source = source;
	}
	row->id = id;
	row->source = source < row->source ? source : row->source;
	row->wait = r->due > m->now ? r->due - m->now : 0;
	row->failed = r->failed && row->wait > 0;
}

static int by_id(const void *a, const void *b)
{
	const struct read_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void read_new(struct model *m, struct read_batch *batch)
{
	int64_t at = m->cursor, before = at;
	size_t found = 0;

	for (int64_t id = at + 1; id <= m->born && found < BATCH; id++)
		if (in_table(&m->table[id])) {
			for (int64_t missing = before + 1; missing < id; missing++)
				m->gap[missing] = !m->table[missing].ahead;
			before = m->cursor = id;
			put_row(m, batch, id, ROW_NEW);
			found++;
		}
}

static void read_sweep(struct model *m, struct read_batch *batch, int64_t cursor)
{
	size_t found = 0;

	if (m->sweep_at == INT64_MAX)
		return;
	batch->pass = m->pass;
	for (int64_t id = m->sweep_at + 1; id <= cursor && found < BATCH; id++)
		if (in_table(&m->table[id])) {
			put_row(m, batch, id, ROW_SWEEP);
			m->sweep_at = id;
			found++;
		}
	batch->sweep_done = found < BATCH;
	if (batch->sweep_done)
		m->sweep_at = INT64_MAX;
}

/* One snapshot: new rows, gaps, the sweep, what is due. */
static void read_once(struct model *m)
{
	struct read_batch *batch = calloc(1, sizeof(*batch));
	int64_t cursor = m->cursor;

	for (int64_t id = 1; id <= cursor; id++)
		if (m->gap[id] && in_table(&m->table[id])) {
			m->gap[id] = false;
			put_row(m, batch, id, ROW_GAP);
		}
	read_new(m, batch);
	batch->sweep_end = cursor;
	read_sweep(m, batch, cursor);
	for (int64_t id = 1; id <= m->born; id++) {
		struct record *r = &m->table[id];
		if (in_table(r) && r->due && r->due <= m->now + 2)
			put_row(m, batch, id, r->failed ? ROW_RETRY : ROW_SCHEDULED);
	}
	qsort(batch->rows, batch->count, sizeof(batch->rows[0]), by_id);
	*m->last = batch;
	m->last = &batch->next;
}

static void forget(struct model *m, struct record *r)
{
	assert_true(r->in_memory);
	r->in_memory = false;
	m->in_memory--;
}

static void offer(struct model *m, const struct read_row *read, enum row_source source)
{
	struct record *r = &m->table[read->id];

	if (r->in_memory) {
		order_saw(&m->order, &r->row, source);
		return;
	}
	r->row = (struct row){
		.id = read->id, .source = source, .wait_ms = read->wait, .failed = read->failed
	};
	if (r->key >= 0)
		r->row.event.key = slice_of(m->keys[r->key]);
	r->in_memory = order_add(&m->order, &r->row);
	m->in_memory += r->in_memory;
	if (m->in_memory > m->most_in_memory)
		m->most_in_memory = m->in_memory;
}

static void end_sweep(struct model *m)
{
	order_sweep_end(&m->order);
	m->sweeps++;
}

/* As offer_batch of session.c. */
static void take_batch(struct model *m, const struct read_batch *batch)
{
	bool ours = m->order.sweeping && batch->pass == m->order.pass;
	bool ends = ours && batch->sweep_done;

	for (size_t i = 0; i < batch->count; i++) {
		const struct read_row *row = &batch->rows[i];
		if (ends && row->id > batch->sweep_end) {
			end_sweep(m);
			ends = false;
		}
		offer(m, row, row->source == ROW_SWEEP && !ours ? ROW_GAP : row->source);
	}
	if (ends)
		end_sweep(m);
}

/* Rows whose verdict is in the table by now leave the memory, after the batches that were read before. */
static void take_rows(struct model *m)
{
	struct read_batch *next;

	for (struct read_batch *batch = m->read; batch; batch = next) {
		next = batch->next;
		take_batch(m, batch);
		free(batch);
	}
	m->read = NULL;
	m->last = &m->read;
	for (int64_t id = 1; id <= m->born; id++) {
		struct record *r = &m->table[id];
		if (r->in_memory && r->settle_at < 0) {
			r->settle_at = 0;
			forget(m, r);
		}
	}
}

/* The reader's side of settling: the table changes, the relay hears of it later. */
static void settle_rows(struct model *m)
{
	for (int64_t id = 1; id <= m->born; id++) {
		struct record *r = &m->table[id];
		if (r->settle_at <= 0 || r->settle_at > m->now)
			continue;
		r->settle_at = -1;
		if (r->fate == ACKED)
			r->fate = SETTLED;
	}
}

/* Whether row b must not be sent before row a: a committed first, has the lower id, and is not through. */
static bool must_wait_for(const struct record *b, const struct record *a, int64_t now)
{
	bool open = a->fate == PENDING && a->key == b->key && a->committed < b->committed;

	if (!open || a->ahead || b->ahead)
		return false;
	/* A scheduled row holds nobody until it has failed. */
	return !a->scheduled || (a->sent > 0 && a->failed && a->due > now);
}

static void check_launch(struct model *m, int64_t id)
{
	struct record *r = &m->table[id];

	assert_true(r->in_memory && !r->flying && r->fate == PENDING && r->settle_at == 0);
	if (r->due > m->now && r->failed)
		give_up("row %lld flies before it is due again", (long long)id);
	for (int64_t other = 1; r->key >= 0 && other <= m->born; other++) {
		const struct record *o = &m->table[other];
		if (o->flying && o->key == r->key)
			give_up("rows %lld and %lld of key %d fly together", (long long)other,
				(long long)id, r->key);
		if (other < id && must_wait_for(r, o, m->now))
			give_up("step %lld: row %lld flies, but row %lld of key %d (committed at "
				"%lld, before %lld) has not",
				(long long)m->now, (long long)id, (long long)other, r->key,
				(long long)o->committed, (long long)r->committed);
	}
}

static void launch_rows(struct model *m)
{
	size_t limit = 1 + chance_of(m, 40);
	struct row *row;

	while (m->in_flight < limit && (row = order_next(&m->order))) {
		check_launch(m, row->id);
		m->table[row->id].flying = true;
		m->table[row->id].sent++;
		m->in_flight++;
	}
}

static void row_failed(struct model *m, struct record *r)
{
	r->failures_left--;
	r->failed = true;
	r->due = m->now + 4 + (int64_t)chance_of(m, 25);
	for (struct row *each = order_failed(&m->order, &r->row); each; each = each->next)
		forget(m, &m->table[each->id]);
}

static void land_rows(struct model *m)
{
	for (int64_t id = 1; id <= m->born; id++) {
		struct record *r = &m->table[id];
		if (!r->flying || chance_of(m, 3) == 0)
			continue;
		r->flying = false;
		m->in_flight--;
		r->settle_at = m->now + 1 + (int64_t)chance_of(m, SETTLE_MS);
		if (r->failures_left > 0) {
			row_failed(m, r);
			continue;
		}
		bool dead = chance_of(m, 50) == 0;
		r->fate = dead ? DEAD : ACKED;
		*(dead ? &m->dead : &m->delivered) += 1;
		order_done(&m->order, &r->row);
	}
}

/* As steer_sweep of session.c; and a sweep may be ended at any time. */
static void steer(struct model *m)
{
	int64_t from = order_sweep_from(&m->order);

	if (m->order.sweeping) {
		if ((m->order.hungry == 0 && !m->order.full) || chance_of(m, 60) == 0) {
			order_sweep_abort(&m->order);
			m->sweep_at = INT64_MAX;
			m->aborted++;
		}
		return;
	}
	if (m->now >= m->next_full) {
		from = INT64_MIN;
		m->next_full = m->now + 150;
	}
	if (from == INT64_MAX)
		return;
	order_sweep_begin(&m->order, from);
	m->pass = m->order.pass;
	m->sweep_at = from == INT64_MIN ? 0 : from - 1;
}

/* Somebody gives up on a row by hand that failed and waits. */
static void meddle(struct model *m)
{
	int64_t id = 1 + (int64_t)chance_of(m, ROWS);
	struct record *r = &m->table[id];

	/* Not where it has been read and not offered: then it is sent all the same. */
	if (!m->read && chance_of(m, 10) == 0 && r->fate == PENDING && r->failed && !r->in_memory) {
		r->fate = DEAD;
		m->discarded++;
	}
}

static bool all_through(const struct model *m)
{
	for (int64_t id = 1; id <= ROWS; id++)
		if (m->table[id].fate < SETTLED)
			return false;
	return m->born == ROWS;
}

static size_t open_rows(const struct model *m)
{
	size_t count = 0;

	for (int64_t id = 1; id <= ROWS; id++)
		count += m->table[id].fate < SETTLED;
	return count;
}

static void step(struct model *m)
{
	m->now++;
	for (uint64_t births = chance_of(m, 6); births > 0; births--)
		give_birth(m);
	commit_late_rows(m);
	settle_rows(m);
	if (chance_of(m, 3))
		read_once(m);
	meddle(m);
	if (chance_of(m, 2))
		take_rows(m);
	if (chance_of(m, 2))
		launch_rows(m);
	if (chance_of(m, 2))
		land_rows(m);
	steer(m);
}

static void check_end(struct model *m)
{
	nothing_flies(&m->order);
	assert_int_equal(m->in_flight, 0);
	assert_int_equal(m->delivered + m->dead + m->discarded, ROWS);
	assert_int_equal(m->order.hungry, 0);
	assert_int_equal(m->order.waiting, 0);
	for (int64_t id = 1; id <= ROWS; id++)
		if (m->table[id].fate == SETTLED)
			assert_true(m->table[id].sent > 0);
	/* Of each key a queue, a row on its way, and what is ready without a key. */
	assert_in_range(m->most_in_memory, 1, KEYS * (QUEUE + 3) + ROWS / 4);
}

static void run_model(uint64_t seed, struct model *m)
{
	*m = (struct model){ .seed = seed, .sweep_at = INT64_MAX, .next_full = 50 };
	m->last = &m->read;
	for (int i = 0; i < KEYS; i++)
		snprintf(m->keys[i], sizeof(m->keys[i]), "key%d", i);
	order_init(&m->order, ORDERING_KEY, QUEUE);
	while (!all_through(m)) {
		step(m);
		if (m->now > 40000)
			give_up("%zu rows are still open after %lld steps", open_rows(m),
				(long long)m->now);
	}
	for (int i = 0; i < 600; i++) /* the last settlements, and one more sweep */
		step(m);
	check_end(m);
	for (struct read_batch *next; m->read; m->read = next) {
		next = m->read->next;
		free(m->read);
	}
	order_finish(&m->order);
}

static uint64_t fresh_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		abort();
	return seed | 1;
}

/* DRAY_SEED runs one of them again. */
static void test_the_model(void **state)
{
	static struct model m;
	uint64_t first = (uint64_t)number_from("DRAY_SEED", 0);
	int runs = first ? 1 : long_run() ? 500 : 25;
	size_t sweeps = 0, aborted = 0, late = 0, dead = 0;

	(void)state;
	for (int run = 0; run < runs; run++) {
		uint64_t seed = first ? first
			: run < 10    ? 1000003u * (uint64_t)(run + 1)
				      : fresh_seed() >> 1;
		print_message("model: DRAY_SEED=%llu\n", (unsigned long long)seed);
		run_model(seed, &m);
		sweeps += m.sweeps;
		aborted += m.aborted;
		late += m.late_rows;
		dead += m.dead;
	}
	print_message("%d runs: %zu sweeps, %zu aborted, %zu rows late, %zu dead\n", runs, sweeps,
		aborted, late, dead);
	if (!first) /* it did what it is for */
		assert_true(sweeps > 100 && aborted > 10 && late > 100 && dead > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row_of_a_key_flies),
		cmocka_unit_test(test_the_queue_is_in_id_order),
		cmocka_unit_test(test_rows_without_a_key_fly_at_will),
		cmocka_unit_test(test_an_empty_key_is_a_key),
		cmocka_unit_test(test_without_ordering_keys_do_not_count),
		cmocka_unit_test(test_a_failed_row_holds_its_key),
		cmocka_unit_test(test_a_row_may_fail_often),
		cmocka_unit_test(test_a_failed_row_that_is_not_due_holds),
		cmocka_unit_test(test_a_flying_row_does_not_hold),
		cmocka_unit_test(test_a_scheduled_row_holds_nobody),
		cmocka_unit_test(test_a_row_that_is_not_due_waits),
		cmocka_unit_test(test_a_hot_key_fills_no_memory),
		cmocka_unit_test(test_thousands_behind_a_failing_key),
		cmocka_unit_test(test_a_late_lower_id_behind_a_held_key),
		cmocka_unit_test(test_a_row_that_was_put_back),
		cmocka_unit_test(test_an_aborted_sweep),
		cmocka_unit_test(test_a_refused_key_waits_for_the_next_sweep),
		cmocka_unit_test(test_a_row_dropped_behind_the_sweep),
		cmocka_unit_test(test_a_sweep_that_begins_too_high),
		cmocka_unit_test(test_the_lowest_free_key_is_swept_for),
		cmocka_unit_test(test_a_full_sweep_frees_a_stale_hold),
		cmocka_unit_test(test_a_full_sweep_keeps_a_live_hold),
		cmocka_unit_test(test_a_hold_made_during_a_sweep),
		cmocka_unit_test(test_a_stream_is_one_key),
		cmocka_unit_test(test_what_the_stream_turned_away_comes_again),
		cmocka_unit_test(test_a_failed_row_holds_the_stream),
		cmocka_unit_test(test_what_was_before_a_failed_row),
		cmocka_unit_test(test_two_failed_rows),
		cmocka_unit_test(test_a_sweep_over_a_row_that_just_failed),
		cmocka_unit_test(test_a_stream_and_rows_that_are_not_due),
		cmocka_unit_test(test_the_model),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
