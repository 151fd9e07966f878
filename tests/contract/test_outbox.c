/*
 * An outbox: the same cases on both databases, each in a database of its own. What only one of them has
 * (gaps and the bell in PostgreSQL, files and loose types in SQLite) follows.
 */
#include "support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "db/migrate.h"
#include "relay/outbox.h"

#define SOON_MS 200 /* from a commit to the reader */

static struct pg_server server;
static int databases;

struct box {
	bool postgres;
	char *url;
	const char *table;
	struct testdb *app; /* the application, and a look from outside */
	struct config *config;
	struct config_relay *relay;
	struct outbox *outbox;
};

/* --- a box, and what is done with it --- */

static void make_tables(const char *url, const char *table)
{
	struct migrate_report report;
	struct error err;
	struct db *db = db_create(url, "test", NULL, &err);

	if (!db || !db_open(db, true, &err) ||
		!migrate_apply(db, MIGRATE_OUTBOX, table, &report, &err))
		give_up("%s", err.text);
	db_destroy(db);
}

static struct outbox *create(const struct box *box)
{
	struct error err;
	struct outbox *outbox = outbox_create(box->relay, NULL, &err);

	if (!outbox)
		give_up("%s", err.text);
	return outbox;
}

static void open_box(struct box *box)
{
	struct error err;

	if (!outbox_open(box->outbox, &err))
		give_up("%s", err.text);
}

/* Closed yet: settings can be changed. */
static struct box make_closed(bool postgres)
{
	struct box box = { .postgres = postgres, .config = config_default() };
	char *name = text("box%d", ++databases);

	if (postgres)
		pg_server_make_database(&server, name);
	box.url = postgres ? pg_server_url(&server, name)
			   : text("sqlite:%s", scratch_path("%s.db", name));
	box.table = postgres ? "dray.outbox" : "dray_outbox";
	make_tables(box.url, box.table);
	box.app = testdb_open(box.url);
	box.relay = config_add_relay(box.config, "box", box.url);
	box.relay->poll_interval_ms = 10000;
	box.outbox = create(&box);
	return box;
}

static struct box make(bool postgres)
{
	struct box box = make_closed(postgres);

	open_box(&box);
	return box;
}

static void drop(struct box *box)
{
	outbox_destroy(box->outbox);
	config_destroy(box->config);
	testdb_close(box->app);
}

static struct batch *read_with(struct box *box, struct read_plan plan)
{
	struct batch *batch;
	struct error err;

	if (!outbox_read(box->outbox, &plan, &batch, &err))
		give_up("%s", err.text);
	return batch;
}

static struct batch *read_some(struct box *box, size_t limit)
{
	return read_with(box, (struct read_plan){ .limit = limit, .bytes = 1 << 30 });
}

static struct batch *read_due(struct box *box)
{
	return read_with(box, (struct read_plan){ .limit = 1000, .bytes = 1 << 30, .due = true });
}

static struct batch *read_sweep(struct box *box, size_t limit)
{
	return read_with(
		box, (struct read_plan){ .limit = limit, .bytes = 1 << 30, .sweep = true });
}

/* What a batch holds: "1n 2n 5g", the letters being the source (Sweep, New, Gap, Retry, scheDuled). */
static const char *rows_of(const struct batch *batch)
{
	const char *list = "";

	for (size_t i = 0; i < batch->count; i++)
		list = text("%s%s%lld%c", list, i ? " " : "", (long long)batch->rows[i].id,
			"sngrd"[batch->rows[i].source]);
	return list;
}

/* Checks what a batch holds, and lets it go. */
static void has(struct batch *batch, const char *expected)
{
	assert_string_equal(rows_of(batch), expected);
	batch_destroy(batch);
}

static void emit(struct box *box, int rows)
{
	for (int i = 0; i < rows; i++)
		testdb_emit(box->app, "a.b", "k", NULL, "payload");
}

static struct verdict delivered(struct row *row, size_t stream, uint64_t seq)
{
	return (struct verdict){
		.row = row, .outcome = OUTCOME_DELIVERED, .stream = stream, .seq = seq
	};
}

static struct verdict failed(struct row *row, int64_t delay_ms, const char *error)
{
	return (struct verdict){ .row = row,
		.outcome = delay_ms < 0 ? OUTCOME_DEAD : OUTCOME_RETRY,
		.delay_ms = delay_ms,
		.error = text("%s", error) };
}

static const struct position at_ten = {
	.stream = "SHOP", .created = "2026-01-31T12:00:00Z", .seq = 10
};

/* Gives how many were missed. */
static size_t settle(struct box *box, const struct verdict *verdicts, size_t count)
{
	size_t missed = 99;
	struct error err;

	if (!outbox_settle(box->outbox, verdicts, count, &at_ten, 1, &missed, &err))
		give_up("%s", err.text);
	return missed;
}

static void conflict(struct box *box, const struct verdict *verdicts, size_t count)
{
	size_t missed = 0;
	struct error err;

	assert_false(outbox_settle(box->outbox, verdicts, count, &at_ten, 1, &missed, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_contains(err.text, "lease");
}

static int64_t number_of(struct box *box, const char *expression, int64_t id)
{
	return testdb_int(box->app, "SELECT %s FROM %s WHERE id = %lld", expression, box->table,
		(long long)id);
}

static char *text_of(struct box *box, const char *expression, int64_t id)
{
	return testdb_text(box->app, "SELECT %s FROM %s WHERE id = %lld", expression, box->table,
		(long long)id);
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

static bool is_slice(struct slice slice, const char *expected)
{
	return slice.data && slice_is(slice, expected);
}

/* --- reading --- */

static void rows_come_in_id_order(bool postgres)
{
	struct box box = make(postgres);
	int64_t before = clock_wall_ms();
	char *id = testdb_emit(box.app, "shop.order", "k 1", "{\"A\": \"b\"}", "one");

	emit(&box, 4);
	struct batch *batch = read_some(&box, 100);
	assert_string_equal(rows_of(batch), "1n 2n 3n 4n 5n");
	assert_true(batch->caught_up);
	const struct row *row = &batch->rows[0];
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
	batch = read_some(&box, 100);
	assert_true(batch->caught_up);
	has(batch, ""); /* each row once, settled or not */
	drop(&box);
}

static void a_read_has_a_limit_of_rows(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 5);
	static const char *const expected[] = { "1n 2n", "3n 4n", "5n" };
	for (int i = 0; i < 3; i++) {
		struct batch *batch = read_some(&box, 2);
		assert_int_equal(batch->caught_up, i == 2);
		has(batch, expected[i]);
	}
	drop(&box);
}

static void a_read_has_a_limit_of_bytes(bool postgres)
{
	struct box box = make(postgres);
	char *payload = text("%0100d", 1);

	for (int i = 0; i < 8; i++)
		testdb_emit(box.app, "a", NULL, NULL, payload);
	struct batch *batch = read_with(&box, (struct read_plan){ .limit = 100, .bytes = 250 });
	assert_false(batch->caught_up);
	has(batch, "1n 2n 3n");
	batch = read_with(&box, (struct read_plan){ .limit = 100, .bytes = 1 });
	assert_false(batch->caught_up);
	has(batch, "4n"); /* one at least */
	outbox_sweep(box.outbox, INT64_MIN);
	batch = read_with(&box, (struct read_plan){ .limit = 100, .bytes = 150, .sweep = true });
	assert_false(batch->caught_up || batch->sweep_done);
	has(batch, "1s 2s 5n 6n"); /* for each question */
	batch = read_with(&box, (struct read_plan){ .limit = 100, .bytes = 1000, .sweep = true });
	assert_true(batch->caught_up && batch->sweep_done);
	has(batch, "3s 4s 5s 6s 7n 8n");
	drop(&box);
}

static void payloads_come_byte_for_byte(bool postgres)
{
	struct box box = make(postgres);
	char all[256], *large = keep(malloc(700000));

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (int i = 0; i < 700000; i++)
		large[i] = (char)(i * 31 % 253);
	testdb_emit_bytes(box.app, "a", "", "{}", all, sizeof(all));
	testdb_emit_bytes(box.app, "a", NULL, NULL, "", 0);
	testdb_emit_bytes(box.app, "a", "caf\xc3\xa9", NULL, large, 700000);
	struct batch *batch = read_some(&box, 10);
	assert_int_equal(batch->count, 3);
	const struct event *event = &batch->rows[0].event;
	assert_int_equal(event->payload.size, 256);
	assert_memory_equal(event->payload.data, all, 256);
	assert_true(is_slice(event->key, "")); /* empty is not absent */
	assert_true(is_slice(event->headers, "{}"));
	event = &batch->rows[1].event;
	assert_non_null(event->payload.data);
	assert_int_equal(event->payload.size, 0);
	assert_null(event->key.data);
	assert_null(event->headers.data);
	event = &batch->rows[2].event;
	assert_true(is_slice(event->key, "caf\xc3\xa9"));
	assert_int_equal(event->payload.size, 700000);
	assert_memory_equal(event->payload.data, large, 700000);
	batch_destroy(batch);
	drop(&box);
}

/* What others have not committed is not there, and their lock keeps nobody from reading. */
static void the_uncommitted_is_not_read(bool postgres)
{
	struct box box = make(postgres);
	struct testdb *other = testdb_open(box.url);

	emit(&box, 1);
	testdb_exec(other, "%s", postgres ? "BEGIN" : "BEGIN IMMEDIATE");
	testdb_emit(other, "a", NULL, NULL, "x");
	has(read_some(&box, 10), "1n");
	has(read_some(&box, 10), "");
	testdb_exec(other, "ROLLBACK");
	has(read_some(&box, 10), "");
	testdb_close(other);
	drop(&box);
}

static void rewinding_begins_anew(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 4);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 5),
		failed(&batch->rows[2], -1, "no") };
	assert_int_equal(settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	has(read_some(&box, 10), "");
	outbox_rewind(box.outbox);
	has(read_some(&box, 10), "2n 4n");
	drop(&box);
}

static void the_oldest(bool postgres)
{
	struct box box = make(postgres);
	int64_t oldest = 0;
	struct error err;

	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_true(oldest == INT64_MAX);
	emit(&box, 2);
	testdb_exec(box.app, "UPDATE %s SET created_at = '2026-01-31T12:00:00.250Z' WHERE id = 1",
		box.table);
	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_in_range(oldest, INT64_C(1769860800249), INT64_C(1769860800251));
	struct batch *batch = read_some(&box, 10);
	assert_in_range(batch->rows[0].created_ms, INT64_C(1769860800249), INT64_C(1769860800251));
	struct verdict verdict = delivered(&batch->rows[0], 0, 1);
	settle(&box, &verdict, 1);
	batch_destroy(batch);
	assert_true(outbox_oldest(box.outbox, &oldest, &err));
	assert_true(oldest > INT64_C(1769860800251) && oldest < INT64_MAX);
	drop(&box);
}

/* --- settling --- */

static void delivered_rows_are_marked(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 3);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 7),
		delivered(&batch->rows[2], 0, INT64_C(9007199254740993)) };
	assert_int_equal(settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	assert_string_equal(text_of(&box, "state", 1), "delivered");
	assert_string_equal(text_of(&box, "state", 2), "pending");
	assert_string_equal(text_of(&box, "stream", 1), "SHOP");
	assert_int_equal(number_of(&box, "stream_seq", 1), 7);
	assert_true(number_of(&box, "stream_seq", 3) == INT64_C(9007199254740993));
	assert_int_equal(number_of(&box, "attempts", 1), 0);
	assert_string_not_equal(text_of(&box, "delivered_at", 1), "");
	assert_string_equal(text_of(&box, "delivered_at", 2), "");
	position_is(&box, "SHOP", 10);
	drop(&box);
}

static void delivered_rows_are_deleted(bool postgres)
{
	struct box box = make_closed(postgres);

	box.relay->on_delivered = ON_DELIVERED_DELETE;
	open_box(&box);
	emit(&box, 4);
	struct batch *batch = read_some(&box, 10);
	testdb_exec(box.app, "UPDATE %s SET state = 'dead' WHERE id = 4", box.table);
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 7),
		failed(&batch->rows[1], -1, "no"), delivered(&batch->rows[3], 0, 8) };
	assert_int_equal(settle(&box, verdicts, 3), 1);
	batch_destroy(batch);
	assert_string_equal(text_of(&box, "state", 1), "");
	assert_string_equal(text_of(&box, "state", 2), "dead"); /* kept for a person */
	assert_string_equal(text_of(&box, "state", 3), "pending");
	assert_string_equal(text_of(&box, "state", 4), "dead");
	position_is(&box, "SHOP", 10);
	drop(&box);
}

/* Somebody changed the row meanwhile: the verdict is not about it any more. */
static void a_changed_row_is_missed(bool postgres)
{
	struct box box = make(postgres);
	const char *other = "00000000-0000-4000-8000-000000000000";

	emit(&box, 6);
	struct batch *batch = read_some(&box, 10);
	testdb_exec(box.app, "UPDATE %s SET event_id = '%s' WHERE id IN (1, 2)", box.table, other);
	testdb_exec(box.app, "UPDATE %s SET state = 'dead' WHERE id = 3", box.table);
	testdb_exec(box.app, "DELETE FROM %s WHERE id = 4", box.table);
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 1),
		failed(&batch->rows[1], -1, "no"), delivered(&batch->rows[2], 0, 3),
		failed(&batch->rows[3], 100, "no"), delivered(&batch->rows[4], 0, 5),
		failed(&batch->rows[5], -1, "truly") };
	assert_int_equal(settle(&box, verdicts, 6), 4);
	assert_int_equal(settle(&box, verdicts + 4, 2), 2); /* once settled is settled */
	batch_destroy(batch);
	assert_string_equal(text_of(&box, "state", 1), "pending");
	assert_string_equal(text_of(&box, "state", 2), "pending");
	assert_int_equal(number_of(&box, "attempts", 2), 0);
	assert_string_equal(text_of(&box, "state", 3), "dead");
	assert_string_equal(text_of(&box, "last_error", 3), "");
	assert_string_equal(text_of(&box, "state", 5), "delivered");
	assert_string_equal(text_of(&box, "state", 6), "dead");
	assert_int_equal(number_of(&box, "attempts", 6), 1);
	drop(&box);
}

static void without_the_lease_nothing_changes(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 3);
	struct batch *batch = read_some(&box, 10);
	struct verdict first = delivered(&batch->rows[0], 0, 1);
	settle(&box, &first, 1);
	testdb_exec(box.app, "UPDATE %s SET seq = 4", testdb_table(box.app, "relay_position"));
	steal_lease(&box);
	struct verdict verdicts[] = { delivered(&batch->rows[1], 0, 2),
		failed(&batch->rows[2], 100, "no") };
	conflict(&box, verdicts, 1);
	conflict(&box, verdicts + 1, 1);
	conflict(&box, verdicts, 2);
	batch_destroy(batch);
	assert_int_equal(testdb_in_state(box.app, "pending"), 2);
	assert_int_equal(number_of(&box, "attempts", 3), 0);
	position_is(&box, "SHOP", 4);
	assert_string_equal(
		testdb_text(box.app, "SELECT holder FROM %s", testdb_table(box.app, "lease")),
		"thief"); /* nor is it taken back */
	drop(&box);
}

/* The same holder under an older epoch is a ghost too. */
static void the_epoch_counts(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 1);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdict = delivered(&batch->rows[0], 0, 2);
	testdb_exec(box.app, "UPDATE %s SET epoch = epoch + 1", testdb_table(box.app, "lease"));
	conflict(&box, &verdict, 1);
	testdb_exec(box.app, "UPDATE %s SET epoch = epoch - 1", testdb_table(box.app, "lease"));
	assert_int_equal(settle(&box, &verdict, 1), 0);
	batch_destroy(batch);
	drop(&box);
}

static void settling_renews_the_lease(bool postgres)
{
	struct box box = make(postgres);
	const char *lease = testdb_table(box.app, "lease");
	const char *past = "2026-01-01T00:00:00.000Z";

	emit(&box, 2);
	struct batch *batch = read_some(&box, 10);
	for (int i = 0; i < 2; i++) {
		testdb_exec(box.app, "UPDATE %s SET expires_at = '%s'", lease, past);
		struct verdict verdict =
			i ? failed(&batch->rows[1], 0, "no") : delivered(&batch->rows[0], 0, 2);
		int64_t confirmed = outbox_lease(box.outbox)->confirmed_ms;
		nap(5);
		settle(&box, &verdict, 1);
		assert_true(outbox_lease(box.outbox)->confirmed_ms > confirmed);
		assert_int_equal(
			testdb_int(box.app, "SELECT count(*) FROM %s WHERE expires_at > '%s'",
				lease, past),
			1);
	}
	batch_destroy(batch);
	drop(&box);
}

/* One at a time; the next one when it was given back or has expired. */
static void one_holder_at_a_time(bool postgres)
{
	struct box box = make(postgres);
	struct outbox *second = create(&box);
	struct error err;

	assert_false(outbox_open(second, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	assert_contains(err.text, outbox_lease(box.outbox)->holder);
	outbox_close(box.outbox);
	assert_true(outbox_open(second, &err));
	assert_int_equal(outbox_lease(second)->epoch, 2);
	assert_false(outbox_open(box.outbox, &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	testdb_exec(box.app, "UPDATE %s SET expires_at = '2026-01-01T00:00:00.000Z'",
		testdb_table(box.app, "lease"));
	assert_true(outbox_open(box.outbox, &err));
	assert_int_equal(outbox_lease(box.outbox)->epoch, 3);
	assert_false(lease_renew(outbox_db(second), outbox_lease(second), &err));
	assert_int_equal(err.kind, ERROR_CONFLICT);
	outbox_destroy(second); /* takes nothing from the new holder */
	assert_true(lease_renew(outbox_db(box.outbox), outbox_lease(box.outbox), &err));
	drop(&box);
}

static void each_stream_has_a_position(bool postgres)
{
	struct box box = make(postgres);
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
	emit(&box, 5);
	struct batch *batch = read_some(&box, 10);
	/* Of THREE nothing is settled, so it has no business in this. */
	struct verdict verdicts[] = { delivered(&batch->rows[0], 1, 3),
		failed(&batch->rows[1], 50, "later"), delivered(&batch->rows[2], 0, 12),
		failed(&batch->rows[3], -1, "never"), delivered(&batch->rows[4], 1, 4) };
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
	assert_string_equal(text_of(&box, "stream", 1), "TWO");
	assert_string_equal(text_of(&box, "stream", 3), "ONE");
	assert_int_equal(number_of(&box, "stream_seq", 5), 4);
	assert_string_equal(text_of(&box, "state", 2), "pending");
	assert_string_equal(text_of(&box, "state", 4), "dead");
	arena_finish(&arena);
	drop(&box);
}

static void many_verdicts_at_once(bool postgres)
{
	struct box box = make(postgres);
	struct verdict *verdicts = keep(calloc(3000, sizeof(*verdicts)));

	testdb_exec(box.app, "BEGIN");
	emit(&box, 3000);
	testdb_exec(box.app, "COMMIT");
	struct batch *batch = read_some(&box, 3000);
	assert_int_equal(batch->count, 3000);
	for (size_t i = 0; i < 3000; i++)
		verdicts[i] = i % 10 ? delivered(&batch->rows[i], 0, i + 1)
				     : failed(&batch->rows[i], 60000, text("row %zu", i));
	assert_int_equal(settle(&box, verdicts, 3000), 0);
	batch_destroy(batch);
	assert_int_equal(testdb_in_state(box.app, "delivered"), 2700);
	assert_int_equal(testdb_int(box.app,
				 "SELECT count(*) FROM %s WHERE (state = 'delivered' AND "
				 "stream_seq = id) OR (state = 'pending' AND attempts = 1 AND "
				 "last_error = 'row ' || (id - 1))",
				 box.table),
		3000);
	drop(&box);
}

/* --- failures, schedules --- */

static void a_failure_is_noted(bool postgres)
{
	struct box box = make(postgres);
	const char *seconds =
		testdb_pick(box.app, "(julianday(retry_at) - julianday('now')) * 86400",
			"extract(epoch FROM retry_at - clock_timestamp())::bigint");

	emit(&box, 2);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdicts[] = { failed(&batch->rows[0], 60000, "no stream 'x' \xe2\x82\xac"),
		failed(&batch->rows[1], -1, "too large") };
	settle(&box, verdicts, 2);
	batch_destroy(batch);
	assert_string_equal(text_of(&box, "state", 1), "pending");
	assert_string_equal(text_of(&box, "last_error", 1), "no stream 'x' \xe2\x82\xac");
	assert_int_equal(number_of(&box, "attempts", 1), 1);
	assert_in_range(number_of(&box, seconds, 1), 50, 60);
	assert_string_equal(text_of(&box, "state", 2), "dead");
	assert_string_equal(text_of(&box, "last_error", 2), "too large");
	assert_string_equal(text_of(&box, "retry_at", 2), "");
	assert_int_equal(number_of(&box, "attempts", 2), 1);
	drop(&box);
}

/* Before it is due a row is announced without its payload, within the time to the next poll. */
static void a_failed_row_comes_back(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 2);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdict = failed(&batch->rows[0], 400, "no");
	settle(&box, &verdict, 1);
	batch_destroy(batch);
	has(read_some(&box, 10), ""); /* it was not asked for */
	batch = read_due(&box);
	assert_string_equal(rows_of(batch), "1r");
	assert_true(batch->rows[0].failed);
	assert_in_range(batch->rows[0].wait_ms, 1, 400);
	assert_null(batch->rows[0].event.payload.data);
	assert_null(batch->rows[0].event.headers.data);
	assert_true(is_slice(batch->rows[0].event.key, "k")); /* it holds its key */
	assert_int_equal(batch->rows[0].attempts, 1);
	nap(batch->rows[0].wait_ms + 2);
	batch_destroy(batch);
	batch = read_due(&box);
	assert_string_equal(rows_of(batch), "1r");
	assert_int_equal(batch->rows[0].wait_ms, 0);
	assert_false(batch->rows[0].failed);
	assert_true(is_slice(batch->rows[0].event.payload, "payload"));
	verdict = delivered(&batch->rows[0], 0, 9);
	assert_int_equal(settle(&box, &verdict, 1), 0);
	batch_destroy(batch);
	has(read_due(&box), "");
	assert_string_equal(text_of(&box, "state", 1), "delivered");
	assert_int_equal(number_of(&box, "attempts", 1), 1);
	drop(&box);
}

static void what_is_due_far_off_is_not_read(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 3);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdicts[] = { failed(&batch->rows[0], 9000, "no"),
		failed(&batch->rows[1], 60000, "no"), failed(&batch->rows[2], 3000, "no") };
	settle(&box, verdicts, 3);
	batch_destroy(batch);
	has(read_due(&box), "1r 3r"); /* within poll_interval, 10 s here */
	/* The one that is due first has the right of way, whatever its id. */
	has(read_with(&box, (struct read_plan){ .limit = 1, .bytes = 1 << 20, .due = true }), "3r");
	/* As a new row, or one of a sweep, it shows wherever it is: it holds its key. */
	outbox_rewind(box.outbox);
	batch = read_some(&box, 10);
	assert_true(batch->rows[1].failed);
	assert_in_range(batch->rows[1].wait_ms, 50000, 60000);
	has(batch, "1n 2n 3n");
	drop(&box);
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
	struct box box = make(postgres);

	emit_later(&box, "+0.4 seconds", "400 ms");
	emit_later(&box, "+1 hours", "1 hour");
	emit_later(&box, "-1 hours", "-1 hour"); /* long ago: due at once */
	emit(&box, 1);
	struct batch *batch = read_some(&box, 10);
	assert_string_equal(rows_of(batch), "1n 2n 3n 4n");
	assert_in_range(batch->rows[0].wait_ms, 1, 400);
	assert_false(batch->rows[0].failed); /* so it holds nobody */
	assert_null(batch->rows[0].event.payload.data);
	assert_in_range(batch->rows[1].wait_ms, 3500000, 3600000);
	assert_int_equal(batch->rows[2].wait_ms, 0);
	int64_t wait = batch->rows[0].wait_ms;
	batch_destroy(batch);
	has(read_due(&box), "1d");
	nap(wait + 2);
	batch = read_due(&box);
	assert_string_equal(rows_of(batch), "1d");
	assert_int_equal(batch->rows[0].wait_ms, 0);
	assert_true(is_slice(batch->rows[0].event.payload, "x"));
	struct verdict verdict = failed(&batch->rows[0], 300, "no");
	settle(&box, &verdict, 1);
	batch_destroy(batch);
	batch = read_due(&box); /* both: the one that came first in the list */
	assert_string_equal(rows_of(batch), "1r");
	assert_true(batch->rows[0].failed);
	batch_destroy(batch);
	drop(&box);
}

/* A row that several questions bring is there once, and counts as new. */
static void a_new_row_that_is_due_comes_once(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 1);
	emit_later(&box, "+5 seconds", "5 s");
	has(read_due(&box), "1n 2n");
	has(read_due(&box), "2d");
	drop(&box);
}

/* --- sweeps --- */

static void a_sweep_goes_through_all(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 7);
	struct batch *batch = read_some(&box, 6);
	struct verdict verdict = delivered(&batch->rows[3], 0, 1);
	settle(&box, &verdict, 1);
	batch_destroy(batch);
	outbox_sweep(box.outbox, INT64_MIN);
	batch = read_sweep(&box, 2);
	assert_false(batch->sweep_done);
	assert_int_equal(batch->sweep_end, 6); /* what was new then is above */
	has(batch, "1s 2s 7n");
	batch = read_sweep(&box, 3);
	assert_false(batch->sweep_done);
	has(batch, "3s 5s 6s");
	batch = read_sweep(&box, 3);
	assert_true(batch->sweep_done);
	assert_int_equal(batch->sweep_end, 7);
	has(batch, "7s");
	batch = read_sweep(&box, 3);
	assert_false(batch->sweep_done); /* there is none */
	has(batch, "");
	drop(&box);
}

static void a_sweep_begins_where_told(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 5);
	has(read_some(&box, 10), "1n 2n 3n 4n 5n");
	outbox_sweep(box.outbox, 4);
	has(read_some(&box, 10), ""); /* it was not asked for */
	struct batch *batch = read_sweep(&box, 10);
	assert_true(batch->sweep_done);
	has(batch, "4s 5s");
	outbox_sweep(box.outbox, 1);
	has(read_sweep(&box, 2), "1s 2s");
	outbox_stop_sweep(box.outbox);
	has(read_sweep(&box, 2), "");
	outbox_sweep(box.outbox, 5);
	outbox_rewind(box.outbox); /* forgets it */
	has(read_sweep(&box, 10), "1n 2n 3n 4n 5n");
	drop(&box);
}

/* What a person brings back by hand lies below the cursor. */
static void a_sweep_finds_what_was_changed_by_hand(bool postgres)
{
	struct box box = make(postgres);

	emit(&box, 3);
	struct batch *batch = read_some(&box, 10);
	struct verdict verdicts[] = { failed(&batch->rows[0], -1, "no"),
		delivered(&batch->rows[1], 0, 2), delivered(&batch->rows[2], 0, 3) };
	settle(&box, verdicts, 3);
	batch_destroy(batch);
	testdb_exec(box.app, "UPDATE %s SET state = 'pending' WHERE id = 1", box.table);
	has(read_some(&box, 10), "");
	outbox_sweep(box.outbox, INT64_MIN);
	has(read_sweep(&box, 10), "1s");
	drop(&box);
}

/* --- waiting --- */

struct inserter {
	pthread_t thread;
	const char *url;
	int64_t after_ms;
	_Atomic int64_t committed_ms;
};

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

static void wait_once(struct box *box, int wake_fd, int64_t ms)
{
	struct error err;

	if (!outbox_wait(box->outbox, wake_fd, ms, &err))
		give_up("%s", err.text);
}

/* As the relay does it: read until there is nothing, then sleep. Gives when a row was there. */
static int64_t wait_for_row(struct box *box, int64_t limit_ms)
{
	int64_t end = now_ms() + patience(limit_ms);

	while (now_ms() < end) {
		struct batch *batch = read_some(box, 10);
		size_t count = batch->count;
		batch_destroy(batch);
		if (count > 0)
			return now_ms();
		wait_once(box, -1, 10000);
	}
	give_up("no row within %lld ms", (long long)patience(limit_ms));
}

static void an_insert_wakes_the_reader(bool postgres)
{
	struct box box = make(postgres);
	struct inserter inserter;

	for (int i = 0; i < 5; i++) {
		insert_in(&inserter, box.url, 100 + 150 * i);
		int64_t found = wait_for_row(&box, 5000);
		pthread_join(inserter.thread, NULL);
		assert_true(inserter.committed_ms > 0);
		if (found - inserter.committed_ms > patience(SOON_MS))
			give_up("found %lld ms after its commit",
				(long long)(found - inserter.committed_ms));
	}
	drop(&box);
}

/* Before it sleeps it must have seen what came just before. */
static void an_insert_before_the_sleep_is_seen(bool postgres)
{
	struct box box = make(postgres);

	for (int i = 0; i < 20; i++) {
		has(read_some(&box, 10), "");
		emit(&box, 1);
		int64_t began = now_ms();
		wait_once(&box, -1, 10000);
		assert_true(now_ms() - began < patience(SOON_MS));
		struct batch *batch = read_some(&box, 10);
		assert_int_equal(batch->count, 1);
		struct verdict verdict = delivered(&batch->rows[0], 0, 1);
		settle(&box, &verdict, 1); /* awake again */
		batch_destroy(batch);
	}
	drop(&box);
}

static void an_idle_reader_sleeps(bool postgres)
{
	struct box box = make(postgres);
	int64_t began = now_ms();
	int waits = 0;

	emit(&box, 1);
	while (now_ms() - began < 2000) {
		batch_destroy(read_some(&box, 10));
		wait_once(&box, -1, 1000);
		waits++;
	}
	assert_in_range(waits, 2, 8);
	drop(&box);
}

static void the_reader_can_be_woken(bool postgres)
{
	struct box box = make(postgres);
	int fd = eventfd(0, EFD_CLOEXEC);
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	int64_t began = now_ms();
	for (int i = 0; i < 10; i++) {
		has(read_some(&box, 10), "");
		wait_once(&box, fd, 10000);
	}
	assert_true(now_ms() - began < patience(1000));
	close(fd);
	fd = eventfd(0, EFD_CLOEXEC);
	began = now_ms();
	for (int i = 0; i < 10; i++)
		wait_once(&box, fd, i % 2 ? 0 : -7);
	assert_true(now_ms() - began < patience(500));
	close(fd);
	drop(&box);
}

/* --- set-up --- */

static void what_is_missing_stops_it(bool postgres)
{
	struct box box = make_closed(postgres);
	struct error err;

	testdb_exec(box.app, "ALTER TABLE %s RENAME TO other", box.table);
	assert_false(outbox_open(box.outbox, &err));
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, box.table);
	testdb_exec(box.app, "ALTER TABLE %s RENAME TO %s", postgres ? "dray.other" : "other",
		postgres ? "outbox" : box.table);
	open_box(&box);
	emit(&box, 1);
	has(read_some(&box, 10), "1n");
	drop(&box);
}

/* --- PostgreSQL: gaps --- */

#define BEGIN(db)    testdb_exec(db, "BEGIN")
#define COMMIT(db)   testdb_exec(db, "COMMIT")
#define ROLLBACK(db) testdb_exec(db, "ROLLBACK")

static void put(struct testdb *db, const char *key)
{
	testdb_emit(db, "a", key, NULL, "x");
}

static void test_a_late_commit(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	for (int i = 0; i < 5; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	assert_int_equal(outbox_late(box.outbox), 0);
	COMMIT(late);
	emit(&box, 1);
	has(read_some(&box, 10), "1g 3n"); /* by id, in one batch */
	assert_int_equal(outbox_late(box.outbox), 1);
	has(read_some(&box, 10), "");
	has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_close(late);
	drop(&box);
}

static void test_late_and_out_of_order(void **state)
{
	struct box box = make(true);
	struct testdb *a = testdb_open(box.url), *b = testdb_open(box.url);

	(void)state;
	BEGIN(a);
	BEGIN(b);
	put(a, "a"); /* 1 */
	put(b, "b"); /* 2 */
	emit(&box, 1); /* 3 */
	put(b, "b"); /* 4 */
	put(a, "a"); /* 5 */
	has(read_some(&box, 10), "3n");
	COMMIT(b);
	has(read_some(&box, 10), "2g 4n");
	emit(&box, 1); /* 6 */
	has(read_some(&box, 10), "6n");
	COMMIT(a);
	has(read_some(&box, 10), "1g 5g");
	testdb_close(a);
	testdb_close(b);
	drop(&box);
}

/* The only row of the first transactions may be behind everything that was ever delivered. */
static void test_a_gap_at_the_beginning(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	emit(&box, 1);
	testdb_exec(box.app, "UPDATE dray.outbox SET state = 'delivered'");
	BEGIN(late);
	put(late, "a");
	emit(&box, 1);
	outbox_close(box.outbox);
	open_box(&box);
	outbox_rewind(box.outbox);
	has(read_some(&box, 10), "3n");
	has(read_some(&box, 10), "");
	COMMIT(late);
	has(read_some(&box, 10), "2g");
	testdb_close(late);
	drop(&box);
}

static void test_a_rolled_back_gap_closes(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	has(read_some(&box, 10), "");
	ROLLBACK(late);
	for (int i = 0; i < 2; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	assert_int_equal(outbox_late(box.outbox), 0);
	testdb_close(late);
	drop(&box);
}

/* Who came after a gap was seen is not waited for, or a gap would stay open as long as somebody writes. */
static void test_later_writers_keep_no_gap_open(void **state)
{
	struct box box = make(true);
	struct testdb *gone = testdb_open(box.url), *busy[3];

	(void)state;
	BEGIN(gone);
	put(gone, "a");
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	has(read_some(&box, 10), "");
	for (int i = 0; i < 3; i++) {
		busy[i] = testdb_open(box.url);
		BEGIN(busy[i]);
		put(busy[i], "b");
	}
	ROLLBACK(gone);
	for (int i = 0; i < 3; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	for (int i = 0; i < 3; i++) {
		COMMIT(busy[i]);
		testdb_close(busy[i]);
	}
	has(read_some(&box, 10), "3n 4n 5n");
	testdb_close(gone);
	drop(&box);
}

static void test_a_prepared_transaction(void **state)
{
	struct box box = make(true);

	(void)state;
	BEGIN(box.app);
	put(box.app, "a");
	testdb_exec(box.app, "PREPARE TRANSACTION 'box'");
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	for (int i = 0; i < 5; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 1);
	testdb_exec(box.app, "COMMIT PREPARED 'box'");
	has(read_some(&box, 10), "1g");
	drop(&box);
}

/* A writer in a savepoint, that is a subtransaction, holds its ids as long as the whole. */
static void test_a_savepoint(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	testdb_exec(late, "BEGIN; SAVEPOINT s");
	put(late, "a");
	testdb_exec(late, "ROLLBACK TO s");
	put(late, "a");
	testdb_exec(late, "RELEASE s");
	emit(&box, 1);
	has(read_some(&box, 10), "3n");
	has(read_some(&box, 10), "");
	COMMIT(late);
	has(read_some(&box, 10), "2g");
	has(read_some(&box, 10), "");
	has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_close(late);
	drop(&box);
}

/* The id is drawn, but nothing is written yet: the transaction has no xid, only the lock. */
static void *insert_slowly(void *context)
{
	struct inserter *inserter = context;
	struct testdb *db = testdb_open(inserter->url);
	bool done = testdb_try(db, NULL,
		"INSERT INTO dray.outbox (subject, payload) VALUES ('slow', CASE WHEN pg_sleep(1.5) "
		"IS NULL THEN 'a'::bytea ELSE 'b'::bytea END)");

	inserter->committed_ms = done ? now_ms() : -1;
	testdb_close(db);
	return NULL;
}

static void test_an_id_before_any_xid(void **state)
{
	struct box box = make(true);
	static struct inserter inserter;

	(void)state;
	inserter = (struct inserter){ .url = box.url };
	emit(&box, 1); /* the first of 32 ids is logged, which takes an xid */
	has(read_some(&box, 10), "1n");
	has(read_some(&box, 10), ""); /* what is below 1 is closed */
	assert_int_equal(pthread_create(&inserter.thread, NULL, insert_slowly, &inserter), 0);
	WAIT_UNTIL(5000, testdb_int(box.app, "SELECT last_value FROM dray.outbox_id_seq") == 2);
	assert_int_equal(testdb_int(box.app,
				 "SELECT count(backend_xid) FROM pg_stat_activity WHERE query LIKE "
				 "'INSERT%%slow%%'"),
		0);
	emit(&box, 1);
	has(read_some(&box, 10), "3n");
	for (int i = 0; i < 5; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(inserter.committed_ms, 0);
	assert_int_equal(outbox_gaps(box.outbox), 1);
	pthread_join(inserter.thread, NULL);
	assert_true(inserter.committed_ms > 0);
	has(read_some(&box, 10), "2g");
	drop(&box);
}

/* Drawn ahead, no lock tells of it: the gap is closed long since, and the sweep is the net. */
static void test_ids_drawn_ahead(void **state)
{
	struct box box = make(true);

	(void)state;
	assert_int_equal(testdb_int(box.app, "SELECT nextval('dray.outbox_id_seq')"), 1);
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	for (int i = 0; i < 3; i++)
		has(read_some(&box, 10), "");
	assert_int_equal(outbox_gaps(box.outbox), 0);
	testdb_exec(box.app,
		"INSERT INTO dray.outbox (id, subject, payload) OVERRIDING SYSTEM VALUE VALUES (1, "
		"'a', '')");
	has(read_some(&box, 10), "");
	outbox_sweep(box.outbox, INT64_MIN);
	struct batch *batch = read_sweep(&box, 10);
	assert_true(batch->sweep_done);
	has(batch, "1s 2s");
	drop(&box);
}

/* More rows in a gap than fit: nothing above may go ahead of the rest. */
static void test_a_gap_with_many_rows(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	for (int i = 0; i < 5; i++)
		put(late, "a");
	emit(&box, 1); /* 6 */
	has(read_some(&box, 2), "6n");
	COMMIT(late);
	emit(&box, 1); /* 7 */
	static const char *const expected[] = { "1g 2g", "3g 4g", "5g 7n" };
	for (int i = 0; i < 3; i++) {
		struct batch *batch = read_some(&box, 2);
		assert_int_equal(batch->caught_up, i == 2);
		has(batch, expected[i]);
	}
	testdb_close(late);
	drop(&box);
}

static void test_more_gaps_than_can_be_watched(void **state)
{
	struct box box = make(true);
	struct testdb *holder = testdb_open(box.url);

	(void)state;
	BEGIN(holder);
	put(holder, "a"); /* 1 */
	testdb_exec(box.app,
		"INSERT INTO dray.outbox (id, subject, payload) OVERRIDING SYSTEM VALUE SELECT 3 * i, "
		"'a', '' FROM generate_series(1, 2100) AS i");
	struct batch *batch = read_some(&box, 10000);
	assert_int_equal(batch->count, 2100);
	batch_destroy(batch);
	assert_true(outbox_needs_sweeps(box.outbox));
	assert_in_range(outbox_gaps(box.outbox), 2000, 2200);
	COMMIT(holder);
	has(read_some(&box, 10), ""); /* its gap was the oldest */
	has(read_some(&box, 10), "");
	assert_false(outbox_needs_sweeps(box.outbox));
	assert_int_equal(outbox_gaps(box.outbox), 0);
	outbox_sweep(box.outbox, INT64_MIN);
	has(read_sweep(&box, 2), "1s 3s");
	testdb_close(holder);
	drop(&box);
}

/*
 * A key's rows come in the order of their commits, though the first has its id from before a gap was seen.
 * The reader never stops, so its looks fall between every two commits of the writer.
 */
#define TURNS 150

struct turns {
	pthread_t thread;
	const char *url;
	_Atomic bool over, failed;
};

static bool take_turns(struct testdb *low, struct testdb *high, int turn)
{
	static const char insert[] =
		"INSERT INTO dray.outbox (subject, key, payload) VALUES ('a', '%s', '')";
	char *other = text(insert, "other"), *key = text(insert, text("k%d", turn));

	if (!testdb_try(low, NULL, "BEGIN") || !testdb_try(low, NULL, key) ||
		!testdb_try(high, NULL, other))
		return false;
	nap(4 + turn % 5); /* the reader sees the gap */
	return testdb_try(low, NULL, "COMMIT") && testdb_try(high, NULL, key);
}

static void *write_turns(void *context)
{
	struct turns *turns = context;
	struct testdb *low = testdb_open(turns->url), *high = testdb_open(turns->url);

	for (int turn = 0; turn < TURNS && !turns->failed; turn++)
		turns->failed = !take_turns(low, high, turn);
	turns->over = true;
	testdb_close(low);
	testdb_close(high);
	return NULL;
}

static void test_one_snapshot(void **state)
{
	struct box box = make(true);
	struct turns turns = { .url = box.url };
	int64_t last[TURNS] = { 0 };
	size_t seen = 0, rest = 1;

	(void)state;
	assert_int_equal(pthread_create(&turns.thread, NULL, write_turns, &turns), 0);
	while (!turns.over || rest > 0) {
		bool over = turns.over;
		struct batch *batch = read_some(&box, 100);
		rest = over ? batch->count : 1;
		for (size_t i = 0; i < batch->count; i++) {
			const struct row *row = &batch->rows[i];
			seen++;
			if (row->event.key.data[0] != 'k')
				continue;
			int turn =
				atoi(text_bytes(row->event.key.data + 1, row->event.key.size - 1));
			if (last[turn] > row->id)
				give_up("row %lld of key k%d came after row %lld",
					(long long)row->id, turn, (long long)last[turn]);
			last[turn] = row->id;
		}
		batch_destroy(batch);
	}
	pthread_join(turns.thread, NULL);
	assert_false(turns.failed);
	assert_int_equal(seen, 3 * TURNS);
	assert_true(outbox_late(box.outbox) > TURNS / 2);
	drop(&box);
}

/* --- PostgreSQL: the bell --- */

static PGconn *listen_to(struct box *box)
{
	PGconn *connection = PQconnectdb(box->url);
	char *listen = text(
		"LISTEN \"dray_%s\"", testdb_text(box->app, "SELECT 'dray.outbox'::regclass::oid"));

	PQclear(PQexec(connection, listen));
	return connection;
}

/* How many rings came within a moment. */
static int rings(PGconn *connection)
{
	int count = 0;

	for (int i = 0; i < 5; i++) {
		nap(20);
		PQclear(PQexec(connection, "SELECT 1"));
		for (PGnotify *ring; (ring = PQnotifies(connection)); PQfreemem(ring))
			count++;
	}
	return count;
}

static void fall_asleep(struct box *box)
{
	has(read_some(box, 10), "");
	wait_once(box, -1, 1000); /* takes the bell, and looks once more */
	has(read_some(box, 10), "");
	wait_once(box, -1, 20);
}

static void test_the_bell_rings_only_for_sleepers(void **state)
{
	struct box box = make(true);
	PGconn *ear = listen_to(&box);

	(void)state;
	emit(&box, 3); /* at work: nobody need ring */
	assert_int_equal(rings(ear), 0);
	has(read_some(&box, 10), "1n 2n 3n");
	fall_asleep(&box);
	emit(&box, 1);
	assert_int_equal(rings(ear), 1);
	struct batch *batch = read_some(&box, 10);
	assert_string_equal(rows_of(batch), "4n");
	struct verdict verdict = delivered(&batch->rows[0], 0, 4);
	settle(&box, &verdict, 1); /* at work again */
	batch_destroy(batch);
	emit(&box, 3);
	assert_int_equal(rings(ear), 0);
	has(read_some(&box, 10), "5n 6n 7n");
	fall_asleep(&box);
	outbox_close(box.outbox); /* a relay that is gone is not rung for */
	WAIT_UNTIL(5000,
		testdb_int(box.app,
			"SELECT count(*) FROM pg_locks WHERE locktype = "
			"'advisory' AND classid = 1685217657") == 0);
	emit(&box, 1);
	assert_int_equal(rings(ear), 0);
	PQfinish(ear);
	drop(&box);
}

static void test_without_notify_nobody_rings(void **state)
{
	struct box box = make_closed(true);
	PGconn *ear = listen_to(&box);

	(void)state;
	box.relay->wakeup = WAKEUP_POLL;
	open_box(&box);
	fall_asleep(&box);
	emit(&box, 1);
	assert_int_equal(rings(ear), 0);
	PQfinish(ear);
	drop(&box);
}

/* A writer that is open keeps the relay from taking the bell: it looks often meanwhile. */
static void test_an_open_writer_before_the_sleep(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	for (int i = 0; i < 5; i++) {
		BEGIN(late);
		put(late, "a");
		has(read_some(&box, 10), "");
		int64_t began = now_ms();
		int waits = 0;
		while (now_ms() - began < 300) {
			has(read_some(&box, 10), "");
			wait_once(&box, -1, 10000);
			waits++;
		}
		assert_in_range(waits, 3, 60); /* nor does it spin */
		COMMIT(late);
		began = now_ms();
		wait_for_row(&box, 5000);
		assert_true(now_ms() - began < patience(SOON_MS));
	}
	testdb_close(late);
	drop(&box);
}

/* While a gap is open, late commits are noticed without a ring. */
static void test_a_late_commit_while_asleep(void **state)
{
	struct box box = make(true);
	struct testdb *late = testdb_open(box.url);

	(void)state;
	BEGIN(late);
	put(late, "a");
	emit(&box, 1);
	has(read_some(&box, 10), "2n");
	for (int i = 0; i < 10; i++) {
		has(read_some(&box, 10), "");
		wait_once(&box, -1, 10000);
	}
	COMMIT(late);
	int64_t began = now_ms();
	wait_for_row(&box, 5000);
	assert_true(now_ms() - began < patience(SOON_MS));
	testdb_close(late);
	drop(&box);
}

static bool backend_lives(struct box *box, int64_t pid)
{
	return testdb_int(box->app, "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld",
		       (long long)pid) == 1;
}

/* A former holder that is cut off but not gone is ended, since writers would ring for it for ever. */
static void test_a_stale_sleeper_is_ended(void **state)
{
	struct box box = make_closed(true);
	struct testdb *stale = testdb_open(box.url), *writer = testdb_open(box.url);
	int64_t pid = testdb_int(stale, "SELECT pg_backend_pid()");
	int64_t writing = testdb_int(writer, "SELECT pg_backend_pid()");

	(void)state;
	testdb_exec(stale,
		"SELECT pg_advisory_lock(1685217657, ('dray.outbox'::regclass::oid::bigint & "
		"2147483647)::int)");
	open_box(&box);
	WAIT_UNTIL(5000, !backend_lives(&box, pid));
	BEGIN(writer); /* one that just writes is left alone */
	put(writer, "a");
	outbox_close(box.outbox);
	open_box(&box);
	COMMIT(writer);
	assert_true(backend_lives(&box, writing));
	has(read_some(&box, 10), "1n");
	testdb_close(stale);
	testdb_close(writer);
	drop(&box);
}

/* --- PostgreSQL: the server --- */

/* jsonb prints its own way; what arrives is JSON all the same. */
static void test_headers_are_jsonb(void **state)
{
	struct box box = make(true);

	(void)state;
	testdb_emit(box.app, "a", NULL, "{\"b\":[\"1\",  \"2\"],\"a\":\"\\u00e9\"}", "x");
	struct batch *batch = read_some(&box, 10);
	assert_true(is_slice(
		batch->rows[0].event.headers, "{\"a\": \"\xc3\xa9\", \"b\": [\"1\", \"2\"]}"));
	batch_destroy(batch);
	drop(&box);
}

static void is_away(struct box *box, bool done, const struct error *err)
{
	assert_false(done);
	assert_int_equal(err->kind, ERROR_UNAVAILABLE);
	assert_false(db_is_open(outbox_db(box->outbox)));
}

static void connect_again(struct box *box)
{
	testdb_close(box->app);
	box->app = testdb_open(box->url);
}

static void test_a_restart_of_the_server(void **state)
{
	struct box box = make(true);
	struct read_plan plan = { .limit = 10, .bytes = 1000 };
	struct batch *batch, *kept;
	size_t missed;
	struct error err;

	(void)state;
	emit(&box, 2);
	kept = read_some(&box, 10);
	struct verdict verdict = delivered(&kept->rows[0], 0, 1);
	pg_server_end(&server);
	is_away(&box, outbox_read(box.outbox, &plan, &batch, &err), &err);
	is_away(&box, outbox_settle(box.outbox, &verdict, 1, &at_ten, 1, &missed, &err), &err);
	is_away(&box, outbox_wait(box.outbox, -1, 100, &err), &err);
	is_away(&box, outbox_open(box.outbox, &err), &err);
	pg_server_again(&server);
	connect_again(&box);
	open_box(&box); /* the lease is still ours */
	assert_int_equal(outbox_lease(box.outbox)->epoch, 2);
	outbox_rewind(box.outbox);
	has(read_some(&box, 10), "1n 2n");
	assert_int_equal(settle(&box, &verdict, 1), 0);
	batch_destroy(kept);
	int64_t began = now_ms();
	emit(&box, 1);
	wait_for_row(&box, 5000); /* it listens again */
	assert_true(now_ms() - began < patience(SOON_MS) + 100);
	/* Killed while it sleeps: it is noticed at once, not at the end of the wait. */
	for (int i = 0; i < 3; i++)
		fall_asleep(&box);
	pg_server_kill(&server);
	began = now_ms();
	while (outbox_wait(box.outbox, -1, 30000, &err) && now_ms() - began < patience(5000))
		continue;
	is_away(&box, false, &err);
	assert_true(now_ms() - began < patience(5000));
	pg_server_again(&server);
	connect_again(&box);
	open_box(&box);
	drop(&box);
}

/* --- SQLite: the file --- */

static void copy_to(struct box *box, const char *path)
{
	testdb_exec(box->app, "VACUUM INTO '%s'", path);
}

static void test_a_file_replaced_by_mv(void **state)
{
	struct box box = make(false);
	struct read_plan plan = { .limit = 10, .bytes = 1000 };
	const char *path = box.url + strlen("sqlite:");
	char *fresh = text("%s.new", path);
	struct batch *batch;
	struct error err;

	(void)state;
	emit(&box, 1);
	copy_to(&box, fresh);
	has(read_some(&box, 10), "1n");
	testdb_close(box.app);
	assert_int_equal(rename(fresh, path), 0);
	box.app = testdb_open(box.url);
	emit(&box, 1);
	assert_false(outbox_read(box.outbox, &plan, &batch, &err));
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_contains(err.text, "replaced");
	open_box(&box);
	outbox_rewind(box.outbox);
	has(read_some(&box, 10), "1n 2n");
	int64_t began = now_ms();
	emit(&box, 1);
	wait_for_row(&box, 5000); /* the new file is watched */
	assert_true(now_ms() - began < patience(SOON_MS));
	drop(&box);
}

static void test_a_file_that_is_gone(void **state)
{
	struct box box = make(false);
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
	drop(&box);
}

/* Columns take any type: text where bytes are meant, bytes where text is meant, numbers. */
static void test_loose_types(void **state)
{
	struct box box = make(false);

	(void)state;
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (event_id, subject, key, headers, payload) VALUES "
		"('id-1', 'a', 17, NULL, 'caf\xc3\xa9'), ('id-2', 'a', 'k', x'7b7d', 42), "
		"(x'69642d33', x'61', x'6b', '{}', x''), (4, 'a', NULL, NULL, 1.5)");
	struct batch *batch = read_some(&box, 10);
	assert_string_equal(rows_of(batch), "1n 2n 3n 4n");
	assert_true(is_slice(batch->rows[0].event.payload, "caf\xc3\xa9"));
	assert_true(is_slice(batch->rows[0].event.key, "17"));
	assert_true(is_slice(batch->rows[1].event.payload, "42"));
	assert_true(is_slice(batch->rows[1].event.headers, "{}"));
	assert_true(is_slice(batch->rows[2].event.id, "id-3"));
	assert_true(is_slice(batch->rows[2].event.subject, "a"));
	assert_true(is_slice(batch->rows[3].event.id, "4"));
	assert_true(is_slice(batch->rows[3].event.payload, "1.5"));
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 1),
		delivered(&batch->rows[1], 0, 2), delivered(&batch->rows[2], 0, 3),
		delivered(&batch->rows[3], 0, 4) };
	/* Each can be settled, or it would be sent again for ever. */
	assert_int_equal(settle(&box, verdicts, 4), 0);
	batch_destroy(batch);
	drop(&box);
}

/* An id of bytes is no id; what becomes of the row must be written all the same. */
static void test_an_id_of_bytes_can_fail(void **state)
{
	struct box box = make(false);

	(void)state;
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (event_id, subject, payload) VALUES (x'00ff10', 'a', ''), "
		"(x'fe00', 'a', '')");
	struct batch *batch = read_some(&box, 10);
	assert_int_equal(batch->rows[0].event.id.size, 3);
	struct verdict verdicts[] = { failed(&batch->rows[0], -1, "bad id"),
		failed(&batch->rows[1], 5000, "bad id") };
	assert_int_equal(settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	assert_string_equal(text_of(&box, "state", 1), "dead");
	assert_int_equal(number_of(&box, "attempts", 2), 1);
	drop(&box);
}

/* A file in another encoding gives UTF-8, and its rows can be settled. */
static void test_a_file_in_utf16(void **state)
{
	struct box box = { .config = config_default(), .table = "dray_outbox" };

	(void)state;
	box.url = text("sqlite:%s", scratch_path("utf16.db"));
	box.app = testdb_open(box.url);
	testdb_exec(box.app, "PRAGMA encoding = 'UTF-16'; CREATE TABLE first (id INT)");
	make_tables(box.url, box.table);
	box.relay = config_add_relay(box.config, "box", box.url);
	box.outbox = create(&box);
	open_box(&box);
	testdb_exec(box.app,
		"INSERT INTO dray_outbox (subject, key, headers, payload) VALUES ('a.\xc3\xa9', "
		"'\xe2\x82\xac', '{\"a\":\"b\"}', 'text \xc3\xa9'), ('b', NULL, NULL, "
		"x'c3a900ff')");
	struct batch *batch = read_some(&box, 10);
	assert_true(is_slice(batch->rows[0].event.subject, "a.\xc3\xa9"));
	assert_true(is_slice(batch->rows[0].event.key, "\xe2\x82\xac"));
	assert_true(is_slice(batch->rows[0].event.headers, "{\"a\":\"b\"}"));
	assert_true(is_slice(batch->rows[0].event.payload, "text \xc3\xa9"));
	assert_int_equal(batch->rows[1].event.payload.size, 4);
	assert_memory_equal(batch->rows[1].event.payload.data, "\xc3\xa9\0\xff", 4);
	struct verdict verdicts[] = { delivered(&batch->rows[0], 0, 1),
		failed(&batch->rows[1], -1, "no") };
	assert_int_equal(settle(&box, verdicts, 2), 0);
	batch_destroy(batch);
	drop(&box);
}

#define ON_BOTH(name) \
	static void name##_sqlite(void **state) \
	{ \
		(void)state; \
		name(false); \
	} \
	static void name##_postgres(void **state) \
	{ \
		(void)state; \
		name(true); \
	}

ON_BOTH(rows_come_in_id_order)
ON_BOTH(a_read_has_a_limit_of_rows)
ON_BOTH(a_read_has_a_limit_of_bytes)
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
ON_BOTH(one_holder_at_a_time)
ON_BOTH(each_stream_has_a_position)
ON_BOTH(many_verdicts_at_once)
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

static int start(void **state)
{
	(void)state;
	pg_server_start(&server, "pg", NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pg_server_end(&server);
	return 0;
}

#define BOTH(name) cmocka_unit_test(name##_sqlite), cmocka_unit_test(name##_postgres)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rows_come_in_id_order),
		BOTH(a_read_has_a_limit_of_rows),
		BOTH(a_read_has_a_limit_of_bytes),
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
		BOTH(one_holder_at_a_time),
		BOTH(each_stream_has_a_position),
		BOTH(many_verdicts_at_once),
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
		cmocka_unit_test(test_a_late_commit),
		cmocka_unit_test(test_late_and_out_of_order),
		cmocka_unit_test(test_a_gap_at_the_beginning),
		cmocka_unit_test(test_a_rolled_back_gap_closes),
		cmocka_unit_test(test_later_writers_keep_no_gap_open),
		cmocka_unit_test(test_a_prepared_transaction),
		cmocka_unit_test(test_a_savepoint),
		cmocka_unit_test(test_an_id_before_any_xid),
		cmocka_unit_test(test_ids_drawn_ahead),
		cmocka_unit_test(test_a_gap_with_many_rows),
		cmocka_unit_test(test_more_gaps_than_can_be_watched),
		cmocka_unit_test(test_one_snapshot),
		cmocka_unit_test(test_the_bell_rings_only_for_sleepers),
		cmocka_unit_test(test_without_notify_nobody_rings),
		cmocka_unit_test(test_an_open_writer_before_the_sleep),
		cmocka_unit_test(test_a_late_commit_while_asleep),
		cmocka_unit_test(test_a_stale_sleeper_is_ended),
		cmocka_unit_test(test_headers_are_jsonb),
		cmocka_unit_test(test_a_file_replaced_by_mv),
		cmocka_unit_test(test_a_file_that_is_gone),
		cmocka_unit_test(test_loose_types),
		cmocka_unit_test(test_an_id_of_bytes_can_fail),
		cmocka_unit_test(test_a_file_in_utf16),
		cmocka_unit_test(test_a_restart_of_the_server),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("outbox", tests, start, stop);
}
