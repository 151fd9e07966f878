/* Batches: their rows by id, each once, and each in memory of its own. */
#include "support/common.h"

#include "relay/row.h"

static void put(struct batch *batch, int64_t id, enum row_source source, size_t payload)
{
	static const char bytes[16];
	const struct row row = {
		.id = id, .source = source, .event = { .payload = { bytes, payload } }
	};

	batch_add(batch, &row);
}

static void test_rows_come_by_id(void **state)
{
	static const int64_t ids[] = { 7, INT64_MIN, 3, INT64_MAX, -1, 0, 12 };
	struct batch *batch = batch_create(7);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		put(batch, ids[i], ROW_NEW, i);
	batch_finish(batch);
	assert_int_equal(batch->count, 7);
	assert_int_equal(batch->bytes, 21);
	for (size_t i = 1; i < 7; i++)
		assert_true(batch->rows[i - 1]->id < batch->rows[i]->id);
	batch_destroy(batch);
}

/* What several questions brought counts as what the sweep, or else the new rows, brought. */
static void test_a_row_twice(void **state)
{
	struct batch *batch = batch_create(9);

	(void)state;
	put(batch, 1, ROW_SCHEDULED, 5);
	put(batch, 2, ROW_NEW, 5);
	put(batch, 3, ROW_RETRY, 5);
	put(batch, 3, ROW_SWEEP, 5);
	put(batch, 1, ROW_RETRY, 5);
	put(batch, 2, ROW_SCHEDULED, 5);
	put(batch, 4, ROW_GAP, 5);
	put(batch, 3, ROW_GAP, 5);
	put(batch, 4, ROW_SWEEP, 5);
	batch_finish(batch);
	assert_int_equal(batch->count, 4);
	assert_int_equal(batch->bytes, 20);
	static const enum row_source expected[] = { ROW_RETRY, ROW_NEW, ROW_SWEEP, ROW_SWEEP };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(batch->rows[i]->id, i + 1);
		assert_int_equal(batch->rows[i]->source, expected[i]);
	}
	batch_destroy(batch);
}

static void test_a_row_that_was_taken_stays(void **state)
{
	struct batch *batch = batch_create(3);

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put(batch, id, ROW_NEW, 1);
	batch_finish(batch);
	struct row *row = batch_take(batch, 1);
	assert_null(batch->rows[1]);
	batch_destroy(batch);
	assert_int_equal(row->id, 2);
	assert_memory_equal(row->event.payload.data, "", 1);
	row_release(row);
}

static void test_an_empty_batch(void **state)
{
	struct batch *batch = batch_create(0);

	(void)state;
	batch_finish(batch);
	assert_int_equal(batch->count, 0);
	assert_int_equal(batch->bytes, 0);
	batch_destroy(batch);
}

static void test_the_size_of_a_row(void **state)
{
	struct row row = { .event = { .id = SLICE("12345"),
				   .subject = SLICE("a.b"),
				   .key = SLICE("k"),
				   .headers = SLICE("{}"),
				   .payload = SLICE("0123456789") } };

	(void)state;
	assert_int_equal(row_size(&row), 21);
}

static void test_a_row_owns_its_bytes(void **state)
{
	char id[] = "id", subject[] = "a.b", payload[] = "\0pay";
	const struct row row = { .event = { .id = { id, 2 },
					 .subject = { subject, 3 },
					 .headers = { "", 0 },
					 .payload = { payload, 4 } } };
	struct batch *batch = batch_create(1);

	(void)state;
	batch_add(batch, &row);
	id[0] = subject[0] = payload[1] = 'z';
	const struct event *event = &batch->rows[0]->event;
	assert_true(slice_equal(event->id, SLICE("id")));
	assert_true(slice_equal(event->subject, SLICE("a.b")));
	assert_true(slice_equal(event->payload, SLICE("\0pay")));
	assert_null(event->key.data);
	assert_non_null(event->headers.data); /* empty is not absent */
	assert_int_equal(event->headers.size, 0);
	batch_destroy(batch);
}

/* Also where what is put there points into what was there. */
static void test_a_row_in_the_place_of_another(void **state)
{
	struct batch *batch = batch_create(1);
	const struct row row = { .id = 7, .event = { .id = SLICE("id"), .payload = SLICE("pay") } };

	(void)state;
	batch_add(batch, &row);
	struct row changed = *batch->rows[0];
	changed.event.id = SLICE("id-again");
	batch_put(batch, 0, &changed);
	assert_int_equal(batch->count, 1);
	assert_int_equal(batch->rows[0]->id, 7);
	assert_true(slice_equal(batch->rows[0]->event.id, SLICE("id-again")));
	assert_true(slice_equal(batch->rows[0]->event.payload, SLICE("pay")));
	batch_destroy(batch);
}

static bool is_even(const struct row *row, const void *context)
{
	assert_string_equal(context, "even");
	return row->id % 2 == 0;
}

static void test_rows_that_are_not_wanted_go(void **state)
{
	struct batch *batch = batch_create(0);

	(void)state;
	for (int64_t id = 1; id <= 100; id++)
		put(batch, id, ROW_NEW, 1);
	batch_filter(batch, is_even, "even");
	assert_int_equal(batch->count, 50);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(batch->rows[i]->id, 2 * (i + 1));
	batch_destroy(batch);
}

static void test_a_batch_grows(void **state)
{
	struct batch *batch = batch_create(0);

	(void)state;
	for (int64_t id = 1; id <= 100; id++)
		put(batch, id, ROW_NEW, 1);
	batch_finish(batch);
	assert_int_equal(batch->count, 100);
	for (int64_t id = 1; id <= 100; id++)
		assert_int_equal(batch->rows[id - 1]->id, id);
	batch_destroy(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_come_by_id),
		cmocka_unit_test(test_a_row_twice),
		cmocka_unit_test(test_a_row_that_was_taken_stays),
		cmocka_unit_test(test_an_empty_batch),
		cmocka_unit_test(test_the_size_of_a_row),
		cmocka_unit_test(test_a_row_owns_its_bytes),
		cmocka_unit_test(test_a_row_in_the_place_of_another),
		cmocka_unit_test(test_rows_that_are_not_wanted_go),
		cmocka_unit_test(test_a_batch_grows),
	};

	return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
