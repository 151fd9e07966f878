/* An outbox in a database of its own. */
#include "box.h"

#include "db/migrate.h"

static int databases;

void box_make_tables(const char *url, const char *table)
{
	struct migrate_report report;
	struct error err;
	struct db *db = db_create(url, "test", NULL, &err);

	if (!db || !db_open(db, true, &err) ||
		!migrate_apply(db, MIGRATE_OUTBOX, table, &report, &err))
		give_up("%s", err.text);
	db_destroy(db);
}

struct outbox *box_create(const struct box *box)
{
	struct error err;
	struct outbox *outbox = outbox_create(box->relay, NULL, &err);

	if (!outbox)
		give_up("%s", err.text);
	return outbox;
}

void box_open(struct box *box)
{
	struct error err;

	if (!outbox_open(box->outbox, &err))
		give_up("%s", err.text);
}

struct box box_make_closed(bool postgres)
{
	struct box box = { .postgres = postgres, .config = config_default() };
	char *name = text("box%d", ++databases);

	if (postgres)
		pg_server_make_database(&server, name);
	box.url = postgres ? pg_server_url(&server, name)
			   : text("sqlite:%s", scratch_path("%s.db", name));
	box.table = postgres ? "dray.outbox" : "dray_outbox";
	box_make_tables(box.url, box.table);
	box.app = testdb_open(box.url);
	box.relay = config_add_relay(box.config, "box", box.url);
	box.relay->poll_interval_ms = 10000;
	box.outbox = box_create(&box);
	return box;
}

struct box box_make(bool postgres)
{
	struct box box = box_make_closed(postgres);

	box_open(&box);
	return box;
}

void box_drop(struct box *box)
{
	outbox_destroy(box->outbox);
	config_destroy(box->config);
	testdb_close(box->app);
}

struct batch *box_read(struct box *box, struct read_plan plan)
{
	struct batch *batch;
	struct error err;

	if (!outbox_read(box->outbox, &plan, &batch, &err))
		give_up("%s", err.text);
	return batch;
}

struct batch *box_read_some(struct box *box, size_t limit)
{
	return box_read(box, (struct read_plan){ .limit = limit, .bytes = 1 << 30 });
}

struct batch *box_read_due(struct box *box)
{
	return box_read(box,
		(struct read_plan){ .limit = 1000,
			.bytes = 1 << 30,
			.due = true,
			.ahead_ms = box->relay->poll_interval_ms });
}

struct batch *box_read_sweep(struct box *box, size_t limit)
{
	return box_read(box, (struct read_plan){ .limit = limit, .bytes = 1 << 30, .sweep = true });
}

const char *box_rows_of(const struct batch *batch)
{
	const char *list = "";

	for (size_t i = 0; i < batch->count; i++)
		list = text("%s%s%lld%c", list, i ? " " : "", (long long)batch->rows[i]->id,
			"sngrd"[batch->rows[i]->source]);
	return list;
}

void box_has(struct batch *batch, const char *expected)
{
	assert_string_equal(box_rows_of(batch), expected);
	batch_destroy(batch);
}

void box_emit(struct box *box, int rows)
{
	for (int i = 0; i < rows; i++)
		testdb_emit(box->app, "a.b", "k", NULL, "payload");
}

struct verdict box_delivered(struct row *row, size_t stream, uint64_t seq)
{
	return (struct verdict){ .row = row,
		.id = row->id,
		.outcome = OUTCOME_DELIVERED,
		.stream = stream,
		.seq = seq };
}

struct verdict box_failed(struct row *row, int64_t delay_ms, const char *error)
{
	return (struct verdict){ .row = row,
		.id = row->id,
		.outcome = delay_ms < 0 ? OUTCOME_DEAD : OUTCOME_RETRY,
		.delay_ms = delay_ms,
		.error = text("%s", error) };
}

const struct position box_at_ten = {
	.stream = "SHOP", .created = "2026-01-31T12:00:00Z", .seq = 10
};

size_t box_settle(struct box *box, const struct verdict *verdicts, size_t count)
{
	size_t missed = 99;
	struct error err;

	if (!outbox_settle(box->outbox, verdicts, count, &box_at_ten, 1, &missed, &err))
		give_up("%s", err.text);
	return missed;
}

int64_t box_number_of(struct box *box, const char *expression, int64_t id)
{
	return testdb_int(box->app, "SELECT %s FROM %s WHERE id = %lld", expression, box->table,
		(long long)id);
}

char *box_text_of(struct box *box, const char *expression, int64_t id)
{
	return testdb_text(box->app, "SELECT %s FROM %s WHERE id = %lld", expression, box->table,
		(long long)id);
}

bool is_slice(struct slice slice, const char *expected)
{
	return slice.data && slice_is(slice, expected);
}

void box_wait_once(struct box *box, int wake_fd, int64_t ms)
{
	struct error err;

	if (!outbox_wait(box->outbox, wake_fd, ms, &err))
		give_up("%s", err.text);
}

int64_t box_wait_for_row(struct box *box, int64_t limit_ms)
{
	int64_t end = now_ms() + patience(limit_ms);

	while (now_ms() < end) {
		struct batch *batch = box_read_some(box, 10);
		size_t count = batch->count;
		batch_destroy(batch);
		if (count > 0)
			return now_ms();
		box_wait_once(box, -1, 10000);
	}
	give_up("no row within %lld ms", (long long)patience(limit_ms));
}
