/* An outbox whose clock was set back by an hour: nothing is held for that hour. */
#include "box.h"

/* A column of a row as a clock wrote it that went an hour ahead. */
static void an_hour_ahead(struct box *box, const char *column, int64_t id)
{
	testdb_exec(box->app, "UPDATE %s SET %s = %s WHERE id = %lld", box->table, column,
		box->postgres ? text("%s + interval '1 hour'", column)
			      : text("strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s, '+1 hour')", column),
		(long long)id);
}

static void puts_off(struct box *box, const struct row *row, int64_t delay_ms)
{
	struct verdict verdict = box_failed((struct row *)(uintptr_t)row, delay_ms, "no");

	assert_int_equal(box_settle(box, &verdict, 1), 0);
}

static struct box make(void **state)
{
	return box_make(strcmp(*state, "postgres") == 0);
}

static void is_due(const struct batch *batch, size_t at)
{
	assert_false(batch->rows[at]->failed);
	assert_int_equal(batch->rows[at]->wait_ms, 0);
	assert_true(is_slice(batch->rows[at]->event.payload, "payload"));
}

/* The next try lies further away than any try is put off. */
static void test_a_row_that_failed_before(void **state)
{
	struct box box = make(state);

	box_emit(&box, 3);
	struct batch *batch = box_read_some(&box, 10);
	puts_off(&box, batch->rows[0], 1000);
	puts_off(&box, batch->rows[1], box.relay->retry.max_ms);
	puts_off(&box, batch->rows[2], 60000);
	batch_destroy(batch);
	box_has(box_read_due(&box), "1r"); /* the others wait as they should */
	an_hour_ahead(&box, "retry_at", 1);
	an_hour_ahead(&box, "retry_at", 3);
	batch = box_read_due(&box);
	is_due(batch, 0);
	is_due(batch, 1);
	box_has(batch, "1r 3r");
	outbox_rewind(box.outbox);
	batch = box_read_some(&box, 10);
	is_due(batch, 0);
	assert_true(batch->rows[1]->failed);
	assert_in_range(batch->rows[1]->wait_ms, 1000, box.relay->retry.max_ms);
	is_due(batch, 2);
	box_has(batch, "1n 2n 3n");
	box_drop(&box);
}

/* It was not scheduled by the application, so it is due, whatever its times say. */
static void test_a_row_that_was_inserted_before(void **state)
{
	struct box box = make(state);

	box_emit(&box, 2);
	an_hour_ahead(&box, "created_at", 1);
	an_hour_ahead(&box, "available_at", 1);
	an_hour_ahead(&box, "available_at", 2); /* this one was scheduled */
	struct batch *batch = box_read_some(&box, 10);
	is_due(batch, 0);
	assert_in_range(batch->rows[1]->wait_ms, 3000000, 3600000);
	box_has(batch, "1n 2n");
	box_drop(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_KINDS(test_a_row_that_failed_before),
		ON_KINDS(test_a_row_that_was_inserted_before),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("clock of an outbox", tests, server_start, server_stop);
}
