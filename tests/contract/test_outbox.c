/* An outbox: the same cases on both databases, each in a database of its own. */
#include "box.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

static void conflict(struct box *box, const struct verdict *verdicts, size_t count)
{
	size_t missed = 0;
	struct error err;

	assert_false(outbox_settle(box->outbox, verdicts, count, &box_at_ten, 1, &missed, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_contains(err.text, "lease");
}

static void position_is(struct box *box, const char *stream, int64_t seq)
{
	assert_int_equal(testdb_int(box->app,
				 "SELECT seq FROM %s WHERE relay = 'outbox:%s' AND stream = '%s'",
				 testdb_table(box->app, "relay_position"), box->table, stream),
		seq);
}

static void steal_lease(struct box *box)
{
	testdb_exec(box->app, "UPDATE %s SET holder = 'thief', epoch = epoch + 1",
		testdb_table(box->app, "lease"));
}

/* --- reading --- */

static void rows_come_in_id_order(bool postgres)
{
	struct box box = box_make(postgres);
	int64_t before = clock_wall_ms();
	char *id = testdb_emit(box.app, "shop.order", "k 1", "{\"A\": \"b\"}", "one");

	box_emit(&box, 4);
	struct batch *batch = box_read_some(&box, 100);
	assert_string_equal(box_rows_of(batch), "1n 2n 3n 4n 5n");
	assert_true(batch->caught_up);
	const struct row *row = batch->rows[0];
	assert_true(is_slice(row->event.id, id));
	assert_true(is_slice(row->event.subject, "shop.order"));
	assert_true(is_slice(row->event.key, "k 1"));
	assert_true(is_slice(row->event.headers, "{\"A\": \"b\"}"));
	assert_true(is_slice(row->event.payload, "one"));
	assert_int_equal(row->attempts, 0);
	assert_int_equal(row->wait_ms, 0);
	assert_false(row->failed);
	assert_in_range(row->created_ms, before - 1000, clock_wall_ms() + 1000);
	batch_destroy(batch);
	batch = box_read_some(&box, 100);
	assert_true(batch->caught_up);
	box_has(batch, ""); /* each row once, settled or not */
	box_drop(&box);
}

static void a_read_has_a_limit_of_rows(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 5);
	static const char *const expected[] = { "1n 2n", "3n 4n", "5n" };
	for (int i = 0; i < 3; i++) {
		struct batch *batch = box_read_some(&box, 2);
		assert_int_equal(batch->caught_up, i == 2);
		box_has(batch, expected[i]);
	}
	box_drop(&box);
}

static void a_read_has_a_limit_of_bytes(bool postgres)
{
	struct box box = box_make(postgres);
	char *payload = text("%0100d", 1);

	for (int i = 0; i < 8; i++)
		testdb_emit(box.app, "a", NULL, NULL, payload);
	struct batch *batch = box_read(&box, (struct read_plan){ .limit = 100, .bytes = 250 });
	assert_false(batch->caught_up);
	box_has(batch, "1n 2n 3n");
	batch = box_read(&box, (struct read_plan){ .limit = 100, .bytes = 1 });
	assert_false(batch->caught_up);
	box_has(batch, "4n"); /* one at least */
	outbox_sweep(box.outbox, INT64_MIN);
	batch = box_read(&box, (struct read_plan){ .limit = 100, .bytes = 150, .sweep = true });
	assert_false(batch->caught_up || batch->sweep_done);
	box_has(batch, "1s 2s 5n 6n"); /* for each question */
	batch = box_read(&box, (struct read_plan){ .limit = 100, .bytes = 1000, .sweep = true });
	assert_true(batch->caught_up && batch->sweep_done);
	box_has(batch, "3s 4s 5s 6s 7n 8n");
	box_drop(&box);
}

/* As much as the bytes allow on the average is not large; what is comes whole, by another question. */
static void a_large_payload_comes_whole(bool postgres)
{
	struct box box = box_make(postgres);
	const struct read_plan plan = { .limit = 4, .bytes = 400 };
	char *large = text("%0101d", 7);

	box_emit(&box, 1);
	testdb_emit(box.app, "a", NULL, NULL, large);
	box_emit(&box, 5);
	struct batch *batch = box_read(&box, plan);
	assert_true(is_slice(batch->rows[1]->event.payload, large));
	box_has(batch, "1n 2n 3n 4n");
	batch = box_read(&box, plan);
	assert_true(batch->caught_up);
	box_has(batch, "5n 6n 7n");
	box_drop(&box);
}

static void take_beside(void *context, struct batch *batch)
{
	struct batch **taken = context;

	assert_null(*taken);
	*taken = batch;
}

/* Reads one row after the other, until no gap is open: below the first row is one. */
static struct batch *read_three(struct box *box)
{
	box_has(box_read_some(box, 1), "1n");
	box_has(box_read_some(box, 1), "2n");
	struct batch *batch = box_read_some(box, 1);
	assert_int_equal(outbox_gaps(box->outbox), 0);
	return batch;
}

/* PostgreSQL does; where it is not done, the next read gives the rows. */
static void settling_may_read_beside(bool postgres)
{
	struct box box = box_make(postgres);
	struct batch *taken = NULL, *batch;
	const struct read_beside beside = { { .limit = 2, .bytes = 200 }, take_beside, &taken };
	char *large = text("%0101d", 7);

	box_emit(&box, 7);
	testdb_emit(box.app, "a", NULL, NULL, large);
	batch = read_three(&box);
	struct verdict first = box_delivered(batch->rows[0], 0, 5);
	outbox_expect(box.outbox, &beside);
	assert_int_equal(box_settle(&box, &first, 1), 0);
	box_has(batch, "3n");
	assert_int_equal(taken != NULL, postgres);
	batch = taken ? taken : box_read_some(&box, 2);
	taken = NULL;
	struct verdict second = box_delivered(batch->rows[0], 0, 6);
	assert_int_equal(box_settle(&box, &second, 1), 0);
	assert_null(taken); /* it was wanted once */
	box_has(batch, "4n 5n");
	batch = box_read_some(&box, 1);
	struct verdict third = box_delivered(batch->rows[0], 0, 7);
	outbox_expect(box.outbox, &beside);
	assert_int_equal(box_settle(&box, &third, 1), 0);
	box_has(batch, "6n");
	assert_null(taken); /* a large one is read alone */
	batch = box_read(&box, beside.plan);
	assert_true(is_slice(batch->rows[1]->event.payload, large));
	box_has(batch, "7n 8n");
	position_is(&box, "SHOP", 10);
	box_drop(&box);
}

/* The one that fails keeps nothing from the other. */
static void what_is_read_beside_may_fail(bool postgres)
{
	struct box box = box_make(postgres);
	struct batch *taken = NULL, *batch;
	const struct read_beside beside = { { .limit = 2, .bytes = 200 }, take_beside, &taken };

	box_emit(&box, 5);
	batch = read_three(&box);
	struct verdict verdict = box_delivered(batch->rows[0], 0, 5);
	if (postgres)
		testdb_exec(box.app, "ALTER TABLE %s RENAME COLUMN headers TO away", box.table);
	outbox_expect(box.outbox, &beside);
	assert_int_equal(box_settle(&box, &verdict, 1), 0);
	assert_null(taken);
	if (postgres)
		testdb_exec(box.app, "ALTER TABLE %s RENAME COLUMN away TO headers", box.table);
	outbox_expect(box.outbox, &beside);
	steal_lease(&box);
	conflict(&box, &verdict, 1);
	box_has(batch, "3n");
	box_has(taken ? taken : box_read_some(&box, 2), "4n 5n");
	assert_int_equal(taken != NULL, postgres);
	box_drop(&box);
}

static void payloads_come_byte_for_byte(bool postgres)
{
	struct box box = box_make(postgres);
	char all[256], *large = keep(malloc(700000));

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (int i = 0; i < 700000; i++)
		large[i] = (char)(i * 31 % 253);
	testdb_emit_bytes(box.app, "a", "", "{}", all, sizeof(all));
	testdb_emit_bytes(box.app, "a", NULL, NULL, "", 0);
	testdb_emit_bytes(box.app, "a", "caf\xc3\xa9", NULL, large, 700000);
	struct batch *batch = box_read_some(&box, 10);
	assert_int_equal(batch->count, 3);
	const struct event *event = &batch->rows[0]->event;
	assert_int_equal(event->payload.size, 256);
	assert_memory_equal(event->payload.data, all, 256);
	assert_true(is_slice(event->key, "")); /* empty is not absent */
	assert_true(is_slice(event->headers, "{}"));
	event = &batch->rows[1]->event;
	assert_non_null(event->payload.data);
	assert_int_equal(event->payload.size, 0);
	assert_null(event->key.data);
	assert_null(event->headers.data);
	event = &batch->rows[2]->event;
	assert_true(is_slice(event->key, "caf\xc3\xa9"));
	assert_int_equal(event->payload.size, 700000);
	assert_memory_equal(event->payload.data, large, 700000);
	batch_destroy(batch);
	box_drop(&box);
}

/* What others have not committed is not there, and their lock keeps nobody from reading. */
static void the_uncommitted_is_not_read(bool postgres)
{
	struct box box = box_make(postgres);
	struct testdb *other = testdb_open(box.url);

	box_emit(&box, 1);
	testdb_exec(other, "%s", postgres ? "BEGIN" : "BEGIN IMMEDIATE");
	testdb_emit(other, "a", NULL, NULL, "x");
	box_has(box_read_some(&box, 10), "1n");
	box_has(box_read_some(&box, 10), "");
	testdb_exec(other, "ROLLBACK");
	box_has(box_read_some(&box, 10), "");
	testdb_close(other);
	box_drop(&box);
}

static void rewinding_begins_anew(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 4);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 5),
		box_failed(batch->rows[2], -1, "no") };
	assert_int_equal(box_settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	box_has(box_read_some(&box, 10), "");
	outbox_rewind(box.outbox);
	box_has(box_read_some(&box, 10), "2n 4n");
	box_drop(&box);
}

static void the_oldest(bool postgres)
{
	struct box box = box_make(postgres);
	int64_t oldest = 0;
	struct error err;

	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_true(oldest == INT64_MAX);
	box_emit(&box, 2);
	testdb_exec(box.app, "UPDATE %s SET created_at = '2026-01-31T12:00:00.250Z' WHERE id = 1",
		box.table);
	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_in_range(oldest, INT64_C(1769860800249), INT64_C(1769860800251));
	struct batch *batch = box_read_some(&box, 10);
	assert_in_range(batch->rows[0]->created_ms, INT64_C(1769860800249), INT64_C(1769860800251));
	struct verdict verdict = box_delivered(batch->rows[0], 0, 1);
	box_settle(&box, &verdict, 1);
	batch_destroy(batch);
	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_true(oldest > INT64_C(1769860800251) && oldest < INT64_MAX);
	box_drop(&box);
}

/* --- settling --- */

static void delivered_rows_are_marked(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 3);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 7),
		box_delivered(batch->rows[2], 0, INT64_C(9007199254740993)) };
	assert_int_equal(box_settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	assert_string_equal(box_text_of(&box, "state", 1), "delivered");
	assert_string_equal(box_text_of(&box, "state", 2), "pending");
	assert_string_equal(box_text_of(&box, "stream", 1), "SHOP");
	assert_int_equal(box_number_of(&box, "stream_seq", 1), 7);
	assert_true(box_number_of(&box, "stream_seq", 3) == INT64_C(9007199254740993));
	assert_int_equal(box_number_of(&box, "attempts", 1), 0);
	assert_string_not_equal(box_text_of(&box, "delivered_at", 1), "");
	assert_string_equal(box_text_of(&box, "delivered_at", 2), "");
	position_is(&box, "SHOP", 10);
	box_drop(&box);
}

static void delivered_rows_are_deleted(bool postgres)
{
	struct box box = box_make_closed(postgres);

	box.relay->on_delivered = ON_DELIVERED_DELETE;
	box_open(&box);
	box_emit(&box, 4);
	struct batch *batch = box_read_some(&box, 10);
	testdb_exec(box.app, "UPDATE %s SET state = 'dead' WHERE id = 4", box.table);
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 7),
		box_failed(batch->rows[1], -1, "no"), box_delivered(batch->rows[3], 0, 8) };
	assert_int_equal(box_settle(&box, verdicts, 3), 1);
	batch_destroy(batch);
	assert_string_equal(box_text_of(&box, "state", 1), "");
	assert_string_equal(box_text_of(&box, "state", 2), "dead"); /* kept for a person */
	assert_string_equal(box_text_of(&box, "state", 3), "pending");
	assert_string_equal(box_text_of(&box, "state", 4), "dead");
	position_is(&box, "SHOP", 10);
	box_drop(&box);
}

/* Somebody changed the row meanwhile: the verdict is not about it any more. */
static void a_changed_row_is_missed(bool postgres)
{
	struct box box = box_make(postgres);
	const char *other = "00000000-0000-4000-8000-000000000000";

	box_emit(&box, 6);
	struct batch *batch = box_read_some(&box, 10);
	testdb_exec(box.app, "UPDATE %s SET event_id = '%s' WHERE id IN (1, 2)", box.table, other);
	testdb_exec(box.app, "UPDATE %s SET state = 'dead' WHERE id = 3", box.table);
	testdb_exec(box.app, "DELETE FROM %s WHERE id = 4", box.table);
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 0, 1),
		box_failed(batch->rows[1], -1, "no"), box_delivered(batch->rows[2], 0, 3),
		box_failed(batch->rows[3], 100, "no"), box_delivered(batch->rows[4], 0, 5),
		box_failed(batch->rows[5], -1, "truly") };
	assert_int_equal(box_settle(&box, verdicts, 6), 4);
	assert_int_equal(box_settle(&box, verdicts + 4, 2), 2); /* once settled is settled */
	batch_destroy(batch);
	assert_string_equal(box_text_of(&box, "state", 1), "pending");
	assert_string_equal(box_text_of(&box, "state", 2), "pending");
	assert_int_equal(box_number_of(&box, "attempts", 2), 0);
	assert_string_equal(box_text_of(&box, "state", 3), "dead");
	assert_string_equal(box_text_of(&box, "last_error", 3), "");
	assert_string_equal(box_text_of(&box, "state", 5), "delivered");
	assert_string_equal(box_text_of(&box, "state", 6), "dead");
	assert_int_equal(box_number_of(&box, "attempts", 6), 1);
	box_drop(&box);
}

static void without_the_lease_nothing_changes(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 3);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict first = box_delivered(batch->rows[0], 0, 1);
	box_settle(&box, &first, 1);
	testdb_exec(box.app, "UPDATE %s SET seq = 4", testdb_table(box.app, "relay_position"));
	steal_lease(&box);
	struct verdict verdicts[] = { box_delivered(batch->rows[1], 0, 2),
		box_failed(batch->rows[2], 100, "no") };
	conflict(&box, verdicts, 1);
	conflict(&box, verdicts + 1, 1);
	conflict(&box, verdicts, 2);
	batch_destroy(batch);
	assert_int_equal(testdb_in_state(box.app, "pending"), 2);
	assert_int_equal(box_number_of(&box, "attempts", 3), 0);
	position_is(&box, "SHOP", 4);
	assert_string_equal(
		testdb_text(box.app, "SELECT holder FROM %s", testdb_table(box.app, "lease")),
		"thief"); /* nor is it taken back */
	box_drop(&box);
}

/* The same holder under an older epoch is a ghost too. */
static void the_epoch_counts(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 1);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdict = box_delivered(batch->rows[0], 0, 2);
	testdb_exec(box.app, "UPDATE %s SET epoch = epoch + 1", testdb_table(box.app, "lease"));
	conflict(&box, &verdict, 1);
	testdb_exec(box.app, "UPDATE %s SET epoch = epoch - 1", testdb_table(box.app, "lease"));
	assert_int_equal(box_settle(&box, &verdict, 1), 0);
	batch_destroy(batch);
	box_drop(&box);
}

static void settling_renews_the_lease(bool postgres)
{
	struct box box = box_make(postgres);
	const char *lease = testdb_table(box.app, "lease");
	const char *past = "2026-01-01T00:00:00.000Z";

	box_emit(&box, 2);
	struct batch *batch = box_read_some(&box, 10);
	for (int i = 0; i < 2; i++) {
		int64_t renewals = testdb_int(box.app, "SELECT renewals FROM %s", lease);
		testdb_exec(box.app, "UPDATE %s SET expires_at = '%s'", lease, past);
		struct verdict verdict = i ? box_failed(batch->rows[1], 0, "no")
					   : box_delivered(batch->rows[0], 0, 2);
		int64_t confirmed = outbox_lease(box.outbox)->confirmed_ms;
		nap(5);
		box_settle(&box, &verdict, 1);
		assert_true(outbox_lease(box.outbox)->confirmed_ms > confirmed);
		assert_int_equal(
			testdb_int(box.app, "SELECT count(*) FROM %s WHERE expires_at > '%s'",
				lease, past),
			1);
		assert_int_equal(
			testdb_int(box.app, "SELECT renewals FROM %s", lease), renewals + 1);
	}
	batch_destroy(batch);
	box_drop(&box);
}

/* Rows come again that were settled: not from this table, but from an earlier state of it. */
static void a_table_that_went_back_is_noticed(bool postgres)
{
	struct box box = box_make(postgres);
	struct read_plan plan = { .limit = 10, .bytes = 1000, .sweep = true };
	struct error err;

	box_emit(&box, 1);
	struct batch *batch = box_read_some(&box, 10), *again;
	struct verdict verdict = box_delivered(batch->rows[0], 0, 1);
	box_settle(&box, &verdict, 1);
	batch_destroy(batch);
	testdb_exec(
		box.app, "UPDATE %s SET renewals = renewals - 1", testdb_table(box.app, "lease"));
	testdb_exec(box.app, "UPDATE %s SET state = 'pending'", testdb_table(box.app, "outbox"));
	outbox_sweep(box.outbox, INT64_MIN);
	assert_false(outbox_read(box.outbox, &plan, &again, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_contains(err.text, "went back");
	box_open(&box);
	outbox_rewind(box.outbox);
	box_has(box_read_some(&box, 10), "1n");
	box_drop(&box);
}

/* One at a time; the next one when it was given back. */
static void one_holder_at_a_time(bool postgres)
{
	struct box box = box_make(postgres);
	struct outbox *second = box_create(&box);
	struct error err;

	assert_false(outbox_open(second, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_contains(err.text, outbox_lease(box.outbox)->holder);
	outbox_close(box.outbox);
	assert_true(outbox_open(second, &err));
	assert_int_equal(outbox_lease(second)->epoch, 2);
	assert_false(outbox_open(box.outbox, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	testdb_exec(box.app, "UPDATE %s SET length_ms = 0", testdb_table(box.app, "lease"));
	assert_true(outbox_open(box.outbox, &err));
	assert_int_equal(outbox_lease(box.outbox)->epoch, 3);
	assert_false(lease_renew(outbox_db(second), outbox_lease(second), &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	outbox_destroy(second); /* takes nothing from the new holder */
	assert_true(lease_renew(outbox_db(box.outbox), outbox_lease(box.outbox), &err));
	box_drop(&box);
}

static void each_stream_has_a_position(bool postgres)
{
	struct box box = box_make(postgres);
	struct position moved[] = { { .stream = "ONE", .created = "c1", .seq = 11 },
		{ .stream = "TWO", .created = "c2", .seq = 0 },
		{ .stream = "THREE", .created = "c3", .seq = 33 } };
	struct position *positions;
	struct arena arena;
	struct error err;
	size_t count, missed;

	arena_init(&arena);
	assert_true(outbox_positions(box.outbox, &arena, &positions, &count, &err));
	assert_int_equal(count, 0);
	box_emit(&box, 5);
	struct batch *batch = box_read_some(&box, 10);
	/* Of THREE nothing is settled, so it has no business in this. */
	struct verdict verdicts[] = { box_delivered(batch->rows[0], 1, 3),
		box_failed(batch->rows[1], 50, "later"), box_delivered(batch->rows[2], 0, 12),
		box_failed(batch->rows[3], -1, "never"), box_delivered(batch->rows[4], 1, 4) };
	assert_true(outbox_settle(box.outbox, verdicts, 5, moved, 3, &missed, &err));
	assert_int_equal(missed, 0);
	batch_destroy(batch);
	assert_true(outbox_positions(box.outbox, &arena, &positions, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(positions[0].stream, "ONE");
	assert_string_equal(positions[0].created, "c1");
	assert_true(positions[0].seq == 11);
	assert_string_equal(positions[1].stream, "TWO");
	assert_true(positions[1].seq == 0);
	assert_string_equal(box_text_of(&box, "stream", 1), "TWO");
	assert_string_equal(box_text_of(&box, "stream", 3), "ONE");
	assert_int_equal(box_number_of(&box, "stream_seq", 5), 4);
	assert_string_equal(box_text_of(&box, "state", 2), "pending");
	assert_string_equal(box_text_of(&box, "state", 4), "dead");
	arena_finish(&arena);
	box_drop(&box);
}

static void many_verdicts_at_once(bool postgres)
{
	struct box box = box_make(postgres);
	struct verdict *verdicts = keep(calloc(3000, sizeof(*verdicts)));

	testdb_exec(box.app, "BEGIN");
	box_emit(&box, 3000);
	testdb_exec(box.app, "COMMIT");
	struct batch *batch = box_read_some(&box, 3000);
	assert_int_equal(batch->count, 3000);
	for (size_t i = 0; i < 3000; i++)
		verdicts[i] = i % 10 ? box_delivered(batch->rows[i], 0, i + 1)
				     : box_failed(batch->rows[i], 60000, text("row %zu", i));
	assert_int_equal(box_settle(&box, verdicts, 3000), 0);
	batch_destroy(batch);
	assert_int_equal(testdb_in_state(box.app, "delivered"), 2700);
	assert_int_equal(testdb_int(box.app,
				 "SELECT count(*) FROM %s WHERE (state = 'delivered' AND "
				 "stream_seq = id) OR (state = 'pending' AND attempts = 1 AND "
				 "last_error = 'row ' || (id - 1))",
				 box.table),
		3000);
	box_drop(&box);
}

/* Rows between two that are settled; an application's trigger that sees each once. */
static void neighbours_are_left_alone(bool postgres)
{
	struct box box = box_make(postgres);
	struct verdict verdicts[300];
	size_t count = 0;

	testdb_exec(box.app, "BEGIN");
	box_emit(&box, 300);
	testdb_exec(box.app, "COMMIT");
	if (!postgres)
		testdb_exec(box.app,
			"CREATE TABLE seen (id); CREATE TRIGGER see AFTER UPDATE ON %s BEGIN "
			"INSERT INTO seen VALUES (new.id); END",
			box.table);
	struct batch *batch = box_read_some(&box, 300);
	for (size_t i = 0; i < 300; i++)
		if (i % 3 == 0 && (i < 90 || i > 150))
			verdicts[count++] = box_delivered(batch->rows[i], 0, 1000 + i);
	assert_int_equal(box_settle(&box, verdicts, count), 0);
	batch_destroy(batch);
	assert_int_equal(testdb_in_state(box.app, "delivered"), count);
	assert_int_equal(
		testdb_int(box.app,
			"SELECT count(*) FROM %s WHERE (state = 'delivered' AND id %% 3 = 1 "
			"AND stream_seq = id + 999) OR (state = 'pending' AND stream_seq "
			"IS NULL AND stream IS NULL AND (id %% 3 <> 1 OR id BETWEEN 91 AND 151))",
			box.table),
		300);
	if (!postgres)
		assert_int_equal(testdb_int(box.app, "SELECT count(*) FROM seen"), count);
	box_drop(&box);
}

/* --- failures, schedules --- */

static void a_failure_is_noted(bool postgres)
{
	struct box box = box_make(postgres);
	const char *seconds =
		testdb_pick(box.app, "(julianday(retry_at) - julianday('now')) * 86400",
			"extract(epoch FROM retry_at - clock_timestamp())::bigint");

	box_emit(&box, 2);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdicts[] = { box_failed(
					      batch->rows[0], 60000, "no stream 'x' \xe2\x82\xac"),
		box_failed(batch->rows[1], -1, "too large") };
	box_settle(&box, verdicts, 2);
	batch_destroy(batch);
	assert_string_equal(box_text_of(&box, "state", 1), "pending");
	assert_string_equal(box_text_of(&box, "last_error", 1), "no stream 'x' \xe2\x82\xac");
	assert_int_equal(box_number_of(&box, "attempts", 1), 1);
	assert_in_range(box_number_of(&box, seconds, 1), 50, 60);
	assert_string_equal(box_text_of(&box, "state", 2), "dead");
	assert_string_equal(box_text_of(&box, "last_error", 2), "too large");
	assert_string_equal(box_text_of(&box, "retry_at", 2), "");
	assert_int_equal(box_number_of(&box, "attempts", 2), 1);
	box_drop(&box);
}

/* Before it is due a row is announced without its payload, within the time to the next poll. */
static void a_failed_row_comes_back(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 2);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdict = box_failed(batch->rows[0], 400, "no");
	box_settle(&box, &verdict, 1);
	batch_destroy(batch);
	box_has(box_read_some(&box, 10), ""); /* it was not asked for */
	batch = box_read_due(&box);
	assert_string_equal(box_rows_of(batch), "1r");
	assert_true(batch->rows[0]->failed);
	assert_in_range(batch->rows[0]->wait_ms, 1, 400);
	assert_null(batch->rows[0]->event.payload.data);
	assert_null(batch->rows[0]->event.headers.data);
	assert_true(is_slice(batch->rows[0]->event.key, "k")); /* it holds its key */
	assert_int_equal(batch->rows[0]->attempts, 1);
	nap(batch->rows[0]->wait_ms + 2);
	batch_destroy(batch);
	batch = box_read_due(&box);
	assert_string_equal(box_rows_of(batch), "1r");
	assert_int_equal(batch->rows[0]->wait_ms, 0);
	assert_false(batch->rows[0]->failed);
	assert_true(is_slice(batch->rows[0]->event.payload, "payload"));
	verdict = box_delivered(batch->rows[0], 0, 9);
	assert_int_equal(box_settle(&box, &verdict, 1), 0);
	batch_destroy(batch);
	box_has(box_read_due(&box), "");
	assert_string_equal(box_text_of(&box, "state", 1), "delivered");
	assert_int_equal(box_number_of(&box, "attempts", 1), 1);
	box_drop(&box);
}

static void what_is_due_far_off_is_not_read(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 3);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdicts[] = { box_failed(batch->rows[0], 9000, "no"),
		box_failed(batch->rows[1], 60000, "no"), box_failed(batch->rows[2], 3000, "no") };
	box_settle(&box, verdicts, 3);
	batch_destroy(batch);
	box_has(box_read_due(&box), "1r 3r"); /* within poll_interval, 10 s here */
	/* The one that is due first has the right of way, whatever its id. */
	struct read_plan plan = { .limit = 1, .bytes = 1 << 20, .due = true, .ahead_ms = 10000 };
	box_has(box_read(&box, plan), "3r");
	plan.ahead_ms = 0;
	box_has(box_read(&box, plan), "");
	/* As a new row, or one of a sweep, it shows wherever it is: it holds its key. */
	outbox_rewind(box.outbox);
	batch = box_read_some(&box, 10);
	assert_true(batch->rows[1]->failed);
	assert_in_range(batch->rows[1]->wait_ms, 50000, 60000);
	box_has(batch, "1n 2n 3n");
	box_drop(&box);
}

static void emit_later(struct box *box, const char *sqlite, const char *postgres)
{
	if (box->postgres)
		testdb_exec(box->app,
			"INSERT INTO dray.outbox (subject, key, payload, available_at) VALUES ('a', "
			"'k', 'x', now() + interval '%s')",
			postgres);
	else
		testdb_exec(box->app,
			"INSERT INTO dray_outbox (subject, key, payload, available_at) VALUES ('a', "
			"'k', x'78', strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now', '%s'))",
			sqlite);
}

static void a_scheduled_row_comes_in_time(bool postgres)
{
	struct box box = box_make(postgres);

	emit_later(&box, "+0.4 seconds", "400 ms");
	emit_later(&box, "+1 hours", "1 hour");
	emit_later(&box, "-1 hours", "-1 hour"); /* long ago: due at once */
	box_emit(&box, 1);
	struct batch *batch = box_read_some(&box, 10);
	assert_string_equal(box_rows_of(batch), "1n 2n 3n 4n");
	assert_in_range(batch->rows[0]->wait_ms, 1, 400);
	assert_false(batch->rows[0]->failed); /* so it holds nobody */
	assert_null(batch->rows[0]->event.payload.data);
	assert_in_range(batch->rows[1]->wait_ms, 3500000, 3600000);
	assert_int_equal(batch->rows[2]->wait_ms, 0);
	int64_t wait = batch->rows[0]->wait_ms;
	batch_destroy(batch);
	box_has(box_read_due(&box), "1d");
	nap(wait + 2);
	batch = box_read_due(&box);
	assert_string_equal(box_rows_of(batch), "1d");
	assert_int_equal(batch->rows[0]->wait_ms, 0);
	assert_true(is_slice(batch->rows[0]->event.payload, "x"));
	struct verdict verdict = box_failed(batch->rows[0], 300, "no");
	box_settle(&box, &verdict, 1);
	batch_destroy(batch);
	batch = box_read_due(&box); /* both: the one that came first in the list */
	assert_string_equal(box_rows_of(batch), "1r");
	assert_true(batch->rows[0]->failed);
	batch_destroy(batch);
	box_drop(&box);
}

/* A row that several questions bring is there once, and counts as new. */
static void a_new_row_that_is_due_comes_once(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 1);
	emit_later(&box, "+5 seconds", "5 s");
	box_has(box_read_due(&box), "1n 2n");
	box_has(box_read_due(&box), "2d");
	box_drop(&box);
}

/* --- sweeps --- */

static void a_sweep_goes_through_all(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 7);
	struct batch *batch = box_read_some(&box, 6);
	struct verdict verdict = box_delivered(batch->rows[3], 0, 1);
	box_settle(&box, &verdict, 1);
	batch_destroy(batch);
	outbox_sweep(box.outbox, INT64_MIN);
	batch = box_read_sweep(&box, 2);
	assert_false(batch->sweep_done);
	assert_int_equal(batch->sweep_end, 6); /* what was new then is above */
	box_has(batch, "1s 2s 7n");
	batch = box_read_sweep(&box, 3);
	assert_false(batch->sweep_done);
	box_has(batch, "3s 5s 6s");
	batch = box_read_sweep(&box, 3);
	assert_true(batch->sweep_done);
	assert_int_equal(batch->sweep_end, 7);
	box_has(batch, "7s");
	batch = box_read_sweep(&box, 3);
	assert_false(batch->sweep_done); /* there is none */
	box_has(batch, "");
	box_drop(&box);
}

static void a_sweep_begins_where_told(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 5);
	box_has(box_read_some(&box, 10), "1n 2n 3n 4n 5n");
	outbox_sweep(box.outbox, 4);
	box_has(box_read_some(&box, 10), ""); /* it was not asked for */
	struct batch *batch = box_read_sweep(&box, 10);
	assert_true(batch->sweep_done);
	box_has(batch, "4s 5s");
	outbox_sweep(box.outbox, 1);
	box_has(box_read_sweep(&box, 2), "1s 2s");
	outbox_stop_sweep(box.outbox);
	box_has(box_read_sweep(&box, 2), "");
	outbox_sweep(box.outbox, 5);
	outbox_rewind(box.outbox); /* forgets it */
	box_has(box_read_sweep(&box, 10), "1n 2n 3n 4n 5n");
	box_drop(&box);
}

/* What a person brings back by hand lies below the cursor. */
static void a_sweep_finds_what_was_changed_by_hand(bool postgres)
{
	struct box box = box_make(postgres);

	box_emit(&box, 3);
	struct batch *batch = box_read_some(&box, 10);
	struct verdict verdicts[] = { box_failed(batch->rows[0], -1, "no"),
		box_delivered(batch->rows[1], 0, 2), box_delivered(batch->rows[2], 0, 3) };
	box_settle(&box, verdicts, 3);
	batch_destroy(batch);
	testdb_exec(box.app, "UPDATE %s SET state = 'pending' WHERE id = 1", box.table);
	box_has(box_read_some(&box, 10), "");
	outbox_sweep(box.outbox, INT64_MIN);
	box_has(box_read_sweep(&box, 10), "1s");
	box_drop(&box);
}

/* --- waiting --- */

static void *insert_soon(void *context)
{
	struct inserter *inserter = context;
	struct testdb *db = testdb_open(inserter->url);

	nap(inserter->after_ms);
	bool done = testdb_try(db, NULL,
		text("INSERT INTO %s (subject, payload) VALUES ('a', '')",
			testdb_table(db, "outbox")));
	inserter->committed_ms = done ? now_ms() : -1;
	testdb_close(db);
	return NULL;
}

static void insert_in(struct inserter *inserter, const char *url, int64_t ms)
{
	*inserter = (struct inserter){ .url = url, .after_ms = ms };
	assert_int_equal(pthread_create(&inserter->thread, NULL, insert_soon, inserter), 0);
}

static void an_insert_wakes_the_reader(bool postgres)
{
	struct box box = box_make(postgres);
	struct inserter inserter;

	for (int i = 0; i < 5; i++) {
		insert_in(&inserter, box.url, 100 + 150 * i);
		int64_t found = box_wait_for_row(&box, 5000);
		pthread_join(inserter.thread, NULL);
		assert_true(inserter.committed_ms > 0);
		if (found - inserter.committed_ms > patience(SOON_MS))
			give_up("found %lld ms after its commit",
				(long long)(found - inserter.committed_ms));
	}
	box_drop(&box);
}

/* Before it sleeps it must have seen what came just before. */
static void an_insert_before_the_sleep_is_seen(bool postgres)
{
	struct box box = box_make(postgres);

	for (int i = 0; i < 20; i++) {
		box_has(box_read_some(&box, 10), "");
		box_emit(&box, 1);
		int64_t began = now_ms();
		box_wait_once(&box, -1, 10000);
		assert_true(now_ms() - began < patience(SOON_MS));
		struct batch *batch = box_read_some(&box, 10);
		assert_int_equal(batch->count, 1);
		struct verdict verdict = box_delivered(batch->rows[0], 0, 1);
		box_settle(&box, &verdict, 1); /* awake again */
		batch_destroy(batch);
	}
	box_drop(&box);
}

static void an_idle_reader_sleeps(bool postgres)
{
	struct box box = box_make(postgres);
	int64_t began = now_ms();
	int waits = 0;

	box_emit(&box, 1);
	while (now_ms() - began < 2000) {
		batch_destroy(box_read_some(&box, 10));
		box_wait_once(&box, -1, 1000);
		waits++;
	}
	assert_in_range(waits, 2, 8);
	box_drop(&box);
}

static void the_reader_can_be_woken(bool postgres)
{
	struct box box = box_make(postgres);
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	int64_t began = now_ms();
	for (int i = 0; i < 10; i++) {
		box_has(box_read_some(&box, 10), "");
		box_wait_once(&box, fd, 10000);
	}
	assert_true(now_ms() - began < patience(1000));
	close(fd);
	fd = eventfd(0, EFD_CLOEXEC);
	began = now_ms();
	for (int i = 0; i < 10; i++)
		box_wait_once(&box, fd, i % 2 ? 0 : -7);
	assert_true(now_ms() - began < patience(500));
	close(fd);
	box_drop(&box);
}

/* --- set-up --- */

static void what_is_missing_stops_it(bool postgres)
{
	struct box box = box_make_closed(postgres);
	struct error err;

	testdb_exec(box.app, "ALTER TABLE %s RENAME TO other", box.table);
	assert_false(outbox_open(box.outbox, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, box.table);
	testdb_exec(box.app, "ALTER TABLE %s RENAME TO %s", postgres ? "dray.other" : "other",
		postgres ? "outbox" : box.table);
	box_open(&box);
	box_emit(&box, 1);
	box_has(box_read_some(&box, 10), "1n");
	box_drop(&box);
}

ON_BOTH(rows_come_in_id_order)
ON_BOTH(a_read_has_a_limit_of_rows)
ON_BOTH(a_read_has_a_limit_of_bytes)
ON_BOTH(a_large_payload_comes_whole)
ON_BOTH(settling_may_read_beside)
ON_BOTH(what_is_read_beside_may_fail)
ON_BOTH(payloads_come_byte_for_byte)
ON_BOTH(the_uncommitted_is_not_read)
ON_BOTH(rewinding_begins_anew)
ON_BOTH(the_oldest)
ON_BOTH(delivered_rows_are_marked)
ON_BOTH(delivered_rows_are_deleted)
ON_BOTH(a_changed_row_is_missed)
ON_BOTH(without_the_lease_nothing_changes)
ON_BOTH(the_epoch_counts)
ON_BOTH(settling_renews_the_lease)
ON_BOTH(a_table_that_went_back_is_noticed)
ON_BOTH(one_holder_at_a_time)
ON_BOTH(each_stream_has_a_position)
ON_BOTH(many_verdicts_at_once)
ON_BOTH(neighbours_are_left_alone)
ON_BOTH(a_failure_is_noted)
ON_BOTH(a_failed_row_comes_back)
ON_BOTH(what_is_due_far_off_is_not_read)
ON_BOTH(a_scheduled_row_comes_in_time)
ON_BOTH(a_new_row_that_is_due_comes_once)
ON_BOTH(a_sweep_goes_through_all)
ON_BOTH(a_sweep_begins_where_told)
ON_BOTH(a_sweep_finds_what_was_changed_by_hand)
ON_BOTH(an_insert_wakes_the_reader)
ON_BOTH(an_insert_before_the_sleep_is_seen)
ON_BOTH(an_idle_reader_sleeps)
ON_BOTH(the_reader_can_be_woken)
ON_BOTH(what_is_missing_stops_it)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rows_come_in_id_order),
		BOTH(a_read_has_a_limit_of_rows),
		BOTH(a_read_has_a_limit_of_bytes),
		BOTH(a_large_payload_comes_whole),
		BOTH(settling_may_read_beside),
		BOTH(what_is_read_beside_may_fail),
		BOTH(payloads_come_byte_for_byte),
		BOTH(the_uncommitted_is_not_read),
		BOTH(rewinding_begins_anew),
		BOTH(the_oldest),
		BOTH(delivered_rows_are_marked),
		BOTH(delivered_rows_are_deleted),
		BOTH(a_changed_row_is_missed),
		BOTH(without_the_lease_nothing_changes),
		BOTH(the_epoch_counts),
		BOTH(settling_renews_the_lease),
		BOTH(a_table_that_went_back_is_noticed),
		BOTH(one_holder_at_a_time),
		BOTH(each_stream_has_a_position),
		BOTH(many_verdicts_at_once),
		BOTH(neighbours_are_left_alone),
		BOTH(a_failure_is_noted),
		BOTH(a_failed_row_comes_back),
		BOTH(what_is_due_far_off_is_not_read),
		BOTH(a_scheduled_row_comes_in_time),
		BOTH(a_new_row_that_is_due_comes_once),
		BOTH(a_sweep_goes_through_all),
		BOTH(a_sweep_begins_where_told),
		BOTH(a_sweep_finds_what_was_changed_by_hand),
		BOTH(an_insert_wakes_the_reader),
		BOTH(an_insert_before_the_sleep_is_seen),
		BOTH(an_idle_reader_sleeps),
		BOTH(the_reader_can_be_woken),
		BOTH(what_is_missing_stops_it),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("outbox", tests, server_start, server_stop);
}
