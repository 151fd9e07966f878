/* An outbox in an SQLite file: files that are replaced, types that are loose. */
#include "box.h"

#include <unistd.h>

static void copy_to(struct box *box, const char *path)
{
	testdb_exec(box->app, "VACUUM INTO '%s'", path);
}

static void test_a_file_replaced_by_mv(void **state)
{
	struct box box = box_make(false);
	struct read_plan plan = { .limit = 10, .bytes = 1000 };
	const char *path = box.url + strlen("sqlite:");
	char *fresh = text("%s.new", path);
	struct batch *batch;
	struct error err;

	(void)state;
	box_emit(&box, 1);
	copy_to(&box, fresh);
	box_has(box_read_some(&box, 10), "1n");
	testdb_close(box.app);
	/* Its log would be played into the new file, whose pages are other ones. */
	assert_int_equal(unlink(text("%s-wal", path)), 0);
	assert_int_equal(unlink(text("%s-shm", path)), 0);
	assert_int_equal(rename(fresh, path), 0);
	box.app = testdb_open(box.url);
	box_emit(&box, 1);
	assert_false(outbox_read(box.outbox, &plan, &batch, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_contains(err.text, "replaced");
	box_open(&box);
	outbox_rewind(box.outbox);
	box_has(box_read_some(&box, 10), "1n 2n");
	int64_t began = now_ms();
	box_emit(&box, 1);
	box_wait_for_row(&box, 5000); /* the new file is watched */
	assert_true(now_ms() - began < patience(SOON_MS));
	box_drop(&box);
}

static void test_a_file_that_is_gone(void **state)
{
	struct box box = box_make(false);
	struct read_plan plan = { .limit = 10, .bytes = 1000 };
	const char *path = box.url + strlen("sqlite:");
	struct batch *batch;
	struct error err;

	(void)state;
	assert_int_equal(rename(path, text("%s.away", path)), 0);
	assert_false(outbox_read(box.outbox, &plan, &batch, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_contains(err.text, "gone");
	assert_false(outbox_open(box.outbox, &err)); /* nor is an empty one made */
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_int_not_equal(access(path, F_OK), 0);
	box_drop(&box);
}

/* Columns take any type: text where bytes are meant, bytes where text is meant, numbers. */
static void test_loose_types(void **state)
{
	struct box box = box_make(false);

	(void)state;
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (event_id, subject, key, headers, payload) VALUES "
		"('id-1', 'a', 17, NULL, 'caf\xc3\xa9'), ('id-2', 'a', 'k', x'7b7d', 42), "
		"(x'69642d33', x'61', x'6b', '{}', x''), (4, 'a', NULL, NULL, 1.5)");
	struct batch *batch = box_read_some(&box, 10);
	assert_string_equal(box_rows_of(batch), "1n 2n 3n 4n");
	assert_true(is_slice(batch->rows[0]->event.payload, "caf\xc3\xa9"));
	assert_true(is_slice(batch->rows[0]->event.key, "17"));
	assert_true(is_slice(batch->rows[1]->event.payload, "42"));
	assert_true(is_slice(batch->rows[1]->event.headers, "{}"));
	assert_true(is_slice(batch->rows[2]->event.id, "id-3"));
	assert_true(is_slice(batch->rows[2]->event.subject, "a"));
	assert_true(is_slice(batch->rows[3]->event.id, "4"));
	assert_true(is_slice(batch->rows[3]->event.payload, "1.5"));
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 1),
		box_delivered(batch->rows[1], 0, 2), box_delivered(batch->rows[2], 0, 3),
		box_delivered(batch->rows[3], 0, 4) };
	/* Each can be settled, or it would be sent again for ever. */
	assert_int_equal(box_settle(&box, verdicts, 4), 0);
	batch_destroy(batch);
	box_drop(&box);
}

/* An id of bytes is no id; what becomes of the row must be written all the same. */
static void test_an_id_of_bytes_can_fail(void **state)
{
	struct box box = box_make(false);

	(void)state;
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (event_id, subject, payload) VALUES (x'00ff10', 'a', ''), "
		"(x'fe00', 'a', '')");
	struct batch *batch = box_read_some(&box, 10);
	assert_int_equal(batch->rows[0]->event.id.size, 3);
	struct verdict verdicts[] = { box_failed(batch->rows[0], -1, "bad id"),
		box_failed(batch->rows[1], 5000, "bad id") };
	assert_int_equal(box_settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	assert_string_equal(box_text_of(&box, "state", 1), "dead");
	assert_int_equal(box_number_of(&box, "attempts", 2), 1);
	box_drop(&box);
}

/* A file in another encoding gives UTF-8, and its rows can be settled. */
static void test_a_file_in_utf16(void **state)
{
	struct box box = { .config = config_default(), .table = "dray_outbox" };

	(void)state;
	box.url = text("sqlite:%s", scratch_path("utf16.db"));
	box.app = testdb_open(box.url);
	testdb_exec(box.app, "PRAGMA encoding = 'UTF-16'; CREATE TABLE first (id INT)");
	box_make_tables(box.url, box.table);
	box.relay = config_add_relay(box.config, "box", box.url);
	box.outbox = box_create(&box);
	box_open(&box);
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (subject, key, headers, payload) VALUES ('a.\xc3\xa9', "
		"'\xe2\x82\xac', '{\"a\":\"b\"}', 'text \xc3\xa9'), ('b', NULL, NULL, "
		"x'c3a900ff')");
	struct batch *batch = box_read_some(&box, 10);
	assert_true(is_slice(batch->rows[0]->event.subject, "a.\xc3\xa9"));
	assert_true(is_slice(batch->rows[0]->event.key, "\xe2\x82\xac"));
	assert_true(is_slice(batch->rows[0]->event.headers, "{\"a\":\"b\"}"));
	assert_true(is_slice(batch->rows[0]->event.payload, "text \xc3\xa9"));
	assert_int_equal(batch->rows[1]->event.payload.size, 4);
	assert_memory_equal(batch->rows[1]->event.payload.data, "\xc3\xa9\0\xff", 4);
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 1),
		box_failed(batch->rows[1], -1, "no") };
	assert_int_equal(box_settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	box_drop(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_replaced_by_mv),
		cmocka_unit_test(test_a_file_that_is_gone),
		cmocka_unit_test(test_loose_types),
		cmocka_unit_test(test_an_id_of_bytes_can_fail),
		cmocka_unit_test(test_a_file_in_utf16),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("outbox in a file", tests, NULL, NULL);
}
