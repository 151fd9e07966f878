/*
 * An outbox in PostgreSQL. Rows are read in binary and stay in libpq's result until they are released.
 * The bell (see migrations/postgres/0001_core.sql): while `asleep` this session holds its lock, so writers
 * ring; whoever finds rows gives it back, so that busy writers need not.
 */
#include "relay/outbox_driver.h"

#include <endian.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "db/postgres.h"
#include "relay/gaps.h"

#define BELL_CLASS    "1685217657" /* 'dray', as in the trigger */
#define PAUSE_MIN_MS  2
#define PAUSE_MAX_MS  50
#define UUID_TEXT     36
#define EPOCH_1970_US INT64_C(946684800000000) /* PostgreSQL counts from 2000 */

struct outbox_pg {
	struct outbox base;
	struct gaps gaps;
	char oid[16];
	bool asleep; /* the bell's lock is ours */
	int64_t pause_ms; /* between two looks while writers are open */
	struct buf low, high; /* parameters, kept for their memory */
	struct buf ids, event_ids, numbers, texts;
};

enum column {
	COLUMN_SOURCE,
	COLUMN_ID,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_ATTEMPTS,
	COLUMN_CREATED_AT,
	COLUMN_AVAILABLE_AT,
	COLUMN_RETRY_AT,
	COLUMN_AT,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD,
	COLUMN_SIZE,
};

static struct outbox_pg *pg_of(struct outbox *outbox)
{
	return (struct outbox_pg *)outbox;
}

static struct postgres *connection_of(struct outbox *outbox)
{
	return db_postgres(outbox->db);
}

static struct outbox *create(void)
{
	struct outbox_pg *pg = memory_new(sizeof(*pg));

	pg->pause_ms = PAUSE_MIN_MS;
	return &pg->base;
}

static void destroy(struct outbox *outbox)
{
	struct outbox_pg *pg = pg_of(outbox);

	gaps_clear(&pg->gaps);
	buf_finish(&pg->low);
	buf_finish(&pg->high);
	buf_finish(&pg->ids);
	buf_finish(&pg->event_ids);
	buf_finish(&pg->numbers);
	buf_finish(&pg->texts);
	free(pg);
}

static void rewound(struct outbox *outbox)
{
	gaps_clear(&pg_of(outbox)->gaps);
}

static bool find_oid(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call call = { .sql = "SELECT $1::regclass::oid" };
	char *table = db_quote_table(outbox->config->table, err);
	PGresult *result;

	if (!table)
		return false;
	postgres_add_text(&call, table);
	bool ok = postgres_call(connection_of(outbox), &call, &result, err);
	free(table);
	if (!ok)
		return false;
	snprintf(pg->oid, sizeof(pg->oid), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

static bool prepare(
	struct outbox *outbox, const char *name, enum statement statement, struct error *err)
{
	char *sql = db_statement_text(DB_POSTGRES, statement, outbox->config->table);
	bool ok = postgres_prepare(connection_of(outbox), name, sql, err);

	free(sql);
	return ok;
}

/*
 * Every statement goes by an index; the planner would sometimes know better from stale statistics. What is
 * written here may be lost in a crash of the server: then the rows are looked up in the stream.
 */
static const char session[] = "SET synchronous_commit = off; SET enable_seqscan = off;"
			      "SET enable_bitmapscan = off; SET enable_hashjoin = off;"
			      "SET enable_mergejoin = off; SET jit = off;"
			      "SET plan_cache_mode = force_generic_plan";

static bool opened(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	bool erase = outbox->config->on_delivered == ON_DELIVERED_DELETE;
	char listen[48];

	pg->asleep = false;
	if (!migrate_check(outbox->db, MIGRATE_OUTBOX, outbox->config->table, err) ||
		!find_oid(outbox, err) || !postgres_script(connection_of(outbox), session, err))
		return false;
	if (!prepare(outbox, "read", SQL_OUTBOX_READ, err) ||
		!prepare(outbox, "settle", erase ? SQL_OUTBOX_DELETE : SQL_OUTBOX_SETTLE, err) ||
		!prepare(outbox, "fail", SQL_OUTBOX_FAIL, err) ||
		!prepare(outbox, "holders", SQL_OUTBOX_HOLDERS, err))
		return false;
	snprintf(listen, sizeof(listen), "LISTEN \"dray_%s\"", pg->oid);
	return outbox->config->wakeup != WAKEUP_NOTIFY ||
		postgres_script(connection_of(outbox), listen, err);
}

/* A former holder that is cut off may still hold the bell: then every writer rings, and nobody hears. */
static void leased(struct outbox *outbox)
{
	const char *parameters[] = { pg_of(outbox)->oid };

	if (outbox->config->wakeup == WAKEUP_NOTIFY)
		db_run(outbox->db, SQL_OUTBOX_STALE, NULL, parameters, 1, NULL, NULL, NULL);
}

static void closing(struct outbox *outbox)
{
	pg_of(outbox)->asleep = false;
}

static bool bell(struct outbox *outbox, const char *function, bool *got, struct error *err)
{
	char sql[128];
	struct postgres_call call = { .sql = sql };
	PGresult *result;

	snprintf(sql, sizeof(sql), "SELECT %s(" BELL_CLASS ", (%s & 2147483647)::int)", function,
		pg_of(outbox)->oid);
	if (!postgres_call(connection_of(outbox), &call, &result, err))
		return false;
	*got = PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	return true;
}

/* Rows were found: while the relay is at work, writers need not ring. */
static bool wake(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	bool done;

	if (!pg->asleep)
		return true;
	pg->asleep = false;
	pg->pause_ms = PAUSE_MIN_MS;
	return bell(outbox, "pg_advisory_unlock", &done, err);
}

static bool ask_holders(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call call = { .sql = "holders", .prepared = true };
	PGresult *result;

	postgres_add_text(&call, pg->oid);
	if (!postgres_call(connection_of(outbox), &call, &result, err))
		return false;
	size_t count = (size_t)PQntuples(result);
	uint64_t *holders = memory_new(count * sizeof(*holders));
	for (size_t i = 0; i < count; i++)
		holders[i] = hash_slice(slice_of(PQgetvalue(result, (int)i, 0)));
	gaps_holders(&pg->gaps, holders, count);
	free(holders);
	PQclear(result);
	return true;
}

static void put_ranges(struct outbox_pg *pg)
{
	postgres_array_begin(&pg->low, POSTGRES_INT8);
	postgres_array_begin(&pg->high, POSTGRES_INT8);
	for (size_t i = 0; i < pg->gaps.count; i++) {
		postgres_array_add_int8(&pg->low, pg->gaps.ranges[i].low);
		postgres_array_add_int8(&pg->high, pg->gaps.ranges[i].high);
	}
	postgres_array_end(&pg->low, pg->gaps.count);
	postgres_array_end(&pg->high, pg->gaps.count);
}

static bool run_read(
	struct outbox *outbox, const struct read_plan *plan, PGresult **result, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call call = { .sql = "read", .prepared = true, .binary_result = true };
	char text[7][24];
	bool sweep = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP;
	const int64_t numbers[7] = { outbox->cursor, (int64_t)plan->limit, plan->bytes,
		sweep ? outbox->sweep_at : 0, outbox->cursor, sweep ? (int64_t)plan->limit : 0,
		outbox->config->poll_interval_ms };

	put_ranges(pg);
	for (size_t i = 0; i < 7; i++)
		snprintf(text[i], sizeof(text[i]), "%" PRId64, numbers[i]);
	for (size_t i = 0; i < 3; i++)
		postgres_add_text(&call, text[i]);
	postgres_add_binary(&call, pg->low.data, pg->low.size);
	postgres_add_binary(&call, pg->high.data, pg->high.size);
	for (size_t i = 3; i < 7; i++)
		postgres_add_text(&call, text[i]);
	postgres_add_text(&call, plan->due ? text[1] : "0");
	return postgres_call(connection_of(outbox), &call, result, err);
}

static struct slice slice_at(const PGresult *result, int row, enum column column)
{
	if (PQgetisnull(result, row, column))
		return (struct slice){ 0 };
	return (struct slice){ PQgetvalue(result, row, column),
		(size_t)PQgetlength(result, row, column) };
}

static int64_t int8_at(const PGresult *result, int row, enum column column)
{
	uint64_t value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
	return (int64_t)be64toh(value);
}

static int32_t int4_at(const PGresult *result, int row, enum column column)
{
	uint32_t value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
	return (int32_t)be32toh(value);
}

static void format_uuid(const unsigned char *bytes, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
}

/* How long until the row is due, in milliseconds rounded up; 0: now. */
static int64_t wait_of(const PGresult *result, int row, bool *failed)
{
	int64_t at = int8_at(result, row, COLUMN_AT);
	int64_t due = int8_at(result, row, COLUMN_AVAILABLE_AT);

	*failed = !PQgetisnull(result, row, COLUMN_RETRY_AT) &&
		int8_at(result, row, COLUMN_RETRY_AT) > at;
	if (*failed && int8_at(result, row, COLUMN_RETRY_AT) > due)
		due = int8_at(result, row, COLUMN_RETRY_AT);
	return due > at ? (due - at + 999) / 1000 : 0;
}

static void read_row(const PGresult *result, int i, struct row *row, char *id_text)
{
	row->source = (enum row_source)int4_at(result, i, COLUMN_SOURCE);
	row->id = int8_at(result, i, COLUMN_ID);
	row->attempts = int4_at(result, i, COLUMN_ATTEMPTS);
	row->created_ms = (int8_at(result, i, COLUMN_CREATED_AT) + EPOCH_1970_US) / 1000;
	row->wait_ms = wait_of(result, i, &row->failed);
	format_uuid((const unsigned char *)PQgetvalue(result, i, COLUMN_EVENT_ID), id_text);
	row->event.id = (struct slice){ id_text, UUID_TEXT };
	row->event.subject = slice_at(result, i, COLUMN_SUBJECT);
	row->event.key = slice_at(result, i, COLUMN_KEY);
	row->event.headers = slice_at(result, i, COLUMN_HEADERS);
	row->event.payload = slice_at(result, i, COLUMN_PAYLOAD);
	if (row->event.headers.data) { /* jsonb's binary form: a version byte, then the text */
		row->event.headers.data++;
		row->event.headers.size--;
	}
}

struct memory {
	PGresult *result;
	char *ids;
};

static void free_memory(void *memory)
{
	struct memory *m = memory;

	PQclear(m->result);
	free(m->ids);
	free(m);
}

static struct batch *make_batch(PGresult *result)
{
	size_t count = (size_t)PQntuples(result);
	struct batch *batch = batch_create(count + 1);
	struct memory *memory = memory_new(sizeof(*memory));

	*memory = (struct memory){ result, memory_new(count * UUID_TEXT + 1) };
	batch->memory = memory;
	batch->free_memory = free_memory;
	batch->count = count;
	for (size_t i = 0; i < count; i++)
		read_row(result, (int)i, &batch->rows[i], memory->ids + i * UUID_TEXT);
	return batch;
}

/* Whether a question may have had more to say than its limits let through; tells its last id. */
static bool cut(const PGresult *result, const struct batch *batch, const struct read_plan *plan,
	enum row_source source)
{
	size_t rows = 0;
	int64_t bytes = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i].source == source) {
			rows++;
			bytes += int4_at(result, (int)i, COLUMN_SIZE);
		}
	return rows >= plan->limit || (rows > 0 && bytes >= plan->bytes);
}

static void forget_new_rows(struct batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i].source != ROW_NEW)
			batch->rows[kept++] = batch->rows[i];
	batch->count = kept;
}

static void note_late(struct outbox_pg *pg, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i].source == ROW_GAP)
			pg->base.late += gaps_fill(&pg->gaps, batch->rows[i].id);
}

/* New rows come in id order: what is missing between them are gaps. */
static void note_gaps(struct outbox_pg *pg, const struct batch *batch)
{
	int64_t last = pg->base.cursor;

	for (size_t i = 0; i < batch->count; i++) {
		const struct row *row = &batch->rows[i];
		if (row->source != ROW_NEW)
			continue;
		if (row->id > last + 1)
			gaps_add(&pg->gaps, last + 1, row->id - 1);
		last = row->id;
	}
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	PGresult *result;

	if (pg->gaps.count > 0 && !ask_holders(outbox, err))
		return false;
	failpoint("relay.before_read");
	if (!run_read(outbox, plan, &result, err))
		return false;
	*batch = make_batch(result);
	/* Rows of a gap that did not fit are missing in this snapshot: nothing above may go ahead of them. */
	bool gaps_cut = cut(result, *batch, plan, ROW_GAP);
	(*batch)->caught_up = !gaps_cut && !cut(result, *batch, plan, ROW_NEW);
	(*batch)->sweep_done = !cut(result, *batch, plan, ROW_SWEEP);
	note_late(pg, *batch);
	if (gaps_cut)
		forget_new_rows(*batch);
	else
		gaps_looked(&pg->gaps);
	note_gaps(pg, *batch);
	outbox->gaps = pg->gaps.count;
	outbox->gaps_overflowed = pg->gaps.overflowed;
	if ((*batch)->count > 0)
		pg->pause_ms = PAUSE_MIN_MS;
	return true;
}

static void put_uuid(struct buf *array, struct slice text)
{
	unsigned char bytes[16] = { 0 };
	size_t nibbles = 0;

	for (size_t i = 0; i < text.size && nibbles < 32; i++) {
		char c = text.data[i];
		if (c == '-')
			continue;
		unsigned value = (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		bytes[nibbles / 2] |= (unsigned char)(nibbles % 2 ? value : value << 4);
		nibbles++;
	}
	postgres_array_add(array, bytes, sizeof(bytes));
}

static void put_verdicts(struct outbox_pg *pg, const struct verdict *const *verdicts, size_t count)
{
	postgres_array_begin(&pg->ids, POSTGRES_INT8);
	postgres_array_begin(&pg->event_ids, POSTGRES_UUID);
	postgres_array_begin(&pg->numbers, POSTGRES_INT8);
	postgres_array_begin(&pg->texts, POSTGRES_TEXT);
	for (size_t i = 0; i < count; i++) {
		const struct verdict *v = verdicts[i];
		bool delivered = v->outcome == OUTCOME_DELIVERED;
		postgres_array_add_int8(&pg->ids, v->row->id);
		put_uuid(&pg->event_ids, v->row->event.id);
		postgres_array_add_int8(&pg->numbers,
			delivered			     ? (int64_t)v->seq
				: v->outcome == OUTCOME_DEAD ? -1
							     : v->delay_ms);
		if (!delivered)
			postgres_array_add(&pg->texts, v->error, strlen(v->error));
	}
	postgres_array_end(&pg->ids, count);
	postgres_array_end(&pg->event_ids, count);
	postgres_array_end(&pg->numbers, count);
	postgres_array_end(&pg->texts, count);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct lease *lease = &outbox->lease;
	struct postgres_call call = { .sql = position ? "settle" : "fail", .prepared = true };
	char epoch[24], length[24], seq[24];
	PGresult *result;

	if (!wake(outbox, err))
		return false;
	snprintf(epoch, sizeof(epoch), "%" PRId64, lease->epoch);
	snprintf(length, sizeof(length), "%" PRId64, lease->length_ms);
	postgres_add_text(&call, lease->resource);
	postgres_add_text(&call, lease->holder);
	postgres_add_text(&call, epoch);
	postgres_add_text(&call, length);
	if (position) {
		snprintf(seq, sizeof(seq), "%" PRIu64, position->seq);
		postgres_add_text(&call, position->stream);
		postgres_add_text(&call, position->created);
		postgres_add_text(&call, seq);
	}
	put_verdicts(pg, verdicts, count);
	postgres_add_binary(&call, pg->ids.data, pg->ids.size);
	postgres_add_binary(&call, pg->event_ids.data, pg->event_ids.size);
	postgres_add_binary(&call, pg->numbers.data, pg->numbers.size);
	if (!position)
		postgres_add_binary(&call, pg->texts.data, pg->texts.size);
	int64_t sent = clock_now_ms();
	if (!postgres_call(connection_of(outbox), &call, &result, err))
		return false;
	bool held = PQgetvalue(result, 0, 0)[0] == '1';
	*changed = (size_t)atoll(PQgetvalue(result, 0, 1));
	PQclear(result);
	if (!held)
		return error_set(err, ERROR_CONFLICT, "the lease on %s is lost", lease->resource);
	lease_confirm(lease, sent);
	return true;
}

static bool sleep_on(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct pollfd fds[2] = { { .fd = PQsocket(postgres_connection(connection_of(outbox))),
					 .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN } };
	bool notified;

	poll(fds, 2, ms < 0 ? 0 : (int)ms);
	return !fds[0].revents || postgres_notified(connection_of(outbox), &notified, err);
}

/* Twice as long each time, while there is somebody to wait for but nothing to read. */
static int64_t pause_before_look(struct outbox_pg *pg, int64_t ms)
{
	int64_t pause = pg->pause_ms < ms ? pg->pause_ms : ms;

	pg->pause_ms = pg->pause_ms * 2 < PAUSE_MAX_MS ? pg->pause_ms * 2 : PAUSE_MAX_MS;
	return pause;
}

static bool wait_for_rows(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);

	if (!postgres_is_open(connection_of(outbox)))
		return error_set(err, ERROR_UNAVAILABLE, "%s: not connected", db_label(outbox->db));
	if (pg->gaps.count > 0)
		return sleep_on(outbox, wake_fd, pause_before_look(pg, ms), err);
	if (outbox->config->wakeup == WAKEUP_NOTIFY && !pg->asleep) {
		if (!bell(outbox, "pg_try_advisory_lock", &pg->asleep, err))
			return false;
		if (pg->asleep) /* what was committed before is seen by one more look */
			return true;
		return sleep_on(outbox, wake_fd, pause_before_look(pg, ms), err);
	}
	return sleep_on(outbox, wake_fd, ms, err);
}

const struct outbox_driver outbox_postgres = {
	.create = create,
	.destroy = destroy,
	.opened = opened,
	.leased = leased,
	.closing = closing,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_rows,
};
