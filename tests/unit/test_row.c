/* Batches: their rows by id, each once, and gone when the last is released. */
#include "support/common.h"

#include "relay/row.h"

static int freed;

static void count_free(void *memory)
{
	assert_ptr_equal(memory, &freed);
	freed++;
}

static struct batch *make(size_t room)
{
	struct batch *batch = batch_create(room);

	freed = 0;
	batch->result = &freed;
	batch->free_result = count_free;
	return batch;
}

static void put(struct batch *batch, int64_t id, enum row_source source, size_t payload)
{
	batch->rows[batch->count++] =
		(struct row){ .id = id, .source = source, .event = { .payload = { "", payload } } };
}

static void test_rows_come_by_id(void **state)
{
	static const int64_t ids[] = { 7, INT64_MIN, 3, INT64_MAX, -1, 0, 12 };
	struct batch *batch = make(7);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		put(batch, ids[i], ROW_NEW, i);
	batch_finish(batch);
	assert_int_equal(batch->count, 7);
	assert_int_equal(batch->live, 7);
	assert_int_equal(batch->bytes, 21);
	for (size_t i = 0; i < 7; i++) {
		assert_ptr_equal(batch->rows[i].batch, batch);
		assert_true(i == 0 || batch->rows[i - 1].id < batch->rows[i].id);
	}
	batch_destroy(batch);
	assert_int_equal(freed, 1);
}

/* What several questions brought counts as what the sweep, or else the new rows, brought. */
static void test_a_row_twice(void **state)
{
	struct batch *batch = make(9);

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
	assert_int_equal(batch->live, 4);
	assert_int_equal(batch->bytes, 20);
	static const enum row_source expected[] = { ROW_RETRY, ROW_NEW, ROW_SWEEP, ROW_SWEEP };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(batch->rows[i].id, i + 1);
		assert_int_equal(batch->rows[i].source, expected[i]);
	}
	batch_destroy(batch);
}

static void test_the_last_row_takes_the_batch_along(void **state)
{
	struct batch *batch = make(3);

	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		put(batch, id, ROW_NEW, 1);
	batch_finish(batch);
	row_release(&batch->rows[1]);
	row_release(&batch->rows[0]);
	assert_int_equal(freed, 0);
	row_release(&batch->rows[2]);
	assert_int_equal(freed, 1);
}

static void test_a_held_batch_stays(void **state)
{
	struct batch *batch = make(2);

	(void)state;
	put(batch, 1, ROW_NEW, 1);
	put(batch, 2, ROW_NEW, 1);
	batch_finish(batch);
	batch_hold(batch);
	row_release(&batch->rows[0]);
	row_release(&batch->rows[1]);
	assert_int_equal(freed, 0);
	assert_int_equal(batch->rows[1].id, 2);
	batch_let_go(batch);
	assert_int_equal(freed, 1);
}

static void test_an_empty_batch(void **state)
{
	struct batch *batch = make(1);

	(void)state;
	batch_finish(batch);
	assert_int_equal(batch->live, 0);
	batch_hold(batch);
	batch_let_go(batch);
	assert_int_equal(freed, 1);
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

static void test_a_kept_row_owns_its_bytes(void **state)
{
	char id[] = "id", subject[] = "a.b", payload[] = "\0pay";
	struct row row = { .event = { .id = { id, 2 },
				   .subject = { subject, 3 },
				   .headers = { "", 0 },
				   .payload = { payload, 4 } } };
	struct batch *batch = make(0);

	(void)state;
	row_keep(&row, batch);
	id[0] = subject[0] = payload[1] = 'z';
	assert_true(slice_equal(row.event.id, SLICE("id")));
	assert_true(slice_equal(row.event.subject, SLICE("a.b")));
	assert_true(slice_equal(row.event.payload, SLICE("\0pay")));
	assert_null(row.event.key.data);
	assert_non_null(row.event.headers.data); /* empty is not absent */
	assert_int_equal(row.event.headers.size, 0);
	batch_destroy(batch);
}

static void test_a_batch_grows(void **state)
{
	struct batch *batch = make(0);

	(void)state;
	for (int64_t id = 1; id <= 100; id++)
		batch_add(batch)->id = id;
	batch_finish(batch);
	assert_int_equal(batch->count, 100);
	for (int64_t id = 1; id <= 100; id++) {
		assert_int_equal(batch->rows[id - 1].id, id);
		row_release(&batch->rows[id - 1]);
	}
	assert_int_equal(freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_come_by_id),
		cmocka_unit_test(test_a_row_twice),
		cmocka_unit_test(test_the_last_row_takes_the_batch_along),
		cmocka_unit_test(test_a_held_batch_stays),
		cmocka_unit_test(test_an_empty_batch),
		cmocka_unit_test(test_the_size_of_a_row),
		cmocka_unit_test(test_a_kept_row_owns_its_bytes),
		cmocka_unit_test(test_a_batch_grows),
	};

	return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
