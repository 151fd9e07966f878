/*
 * Reading a table that Dray did not make. A read looks behind the cursor for rows that were not seen, and then past
 * it, in one snapshot: whoever committed first is numbered first.
 */
#include "relay/outbox_borrowed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hex.h"
#include "base/memory.h"

#define SEEN_MAX 1000000 /* rows that were read and are not settled: ids are kept of them */

/* One reading: what is asked for, and what has come. */
struct reading {
	struct borrowed *b;
	const struct read_plan *plan;
	struct batch *batch;
	struct arena arena; /* what the database gave */
	char limit[NUMBER], bytes[NUMBER];
};

static struct slice text_at(const struct db_rows *rows, size_t i, enum borrowed_column column)
{
	return slice_of(db_cell(rows, i, column));
}

static void read_row(
	struct reading *r, const struct db_rows *rows, size_t i, enum row_source source)
{
	const char *created = db_cell(rows, i, BORROWED_CREATED);
	struct row row = { .source = source };
	int64_t wait = atoll(db_cell(rows, i, BORROWED_WAIT));
	bool fresh;

	row.id = seen_number(&r->b->seen, db_cell(rows, i, BORROWED_ID), &fresh);
	row.attempts = atoll(db_cell(rows, i, BORROWED_ATTEMPTS));
	row.failed = wait > 0 && wait <= outbox_longest_delay_ms(&r->b->base);
	row.wait_ms = row.failed ? wait : 0;
	row.created_ms = created ? atoll(created) : clock_wall_ms();
	row.event.id = text_at(rows, i, BORROWED_EVENT_ID);
	row.event.subject = text_at(rows, i, BORROWED_SUBJECT);
	row.event.key = text_at(rows, i, BORROWED_KEY);
	row.event.headers = text_at(rows, i, BORROWED_HEADERS);
	row.event.payload = hex_decode(db_cell(rows, i, BORROWED_PAYLOAD), &r->arena);
	seen_wait(&r->b->seen, row.id, row.failed ? clock_now_ms() + wait : 0);
	batch_add(r->batch, &row);
}

static bool is_cut(const struct reading *r, size_t from)
{
	int64_t bytes = 0;

	for (size_t i = from; i < r->batch->count; i++)
		bytes += (int64_t)r->batch->rows[i]->event.payload.size;
	return r->batch->count - from >= r->plan->limit || bytes >= r->plan->bytes;
}

/* Reads rows by their ids. */
static bool read_some(
	struct reading *r, struct buf *ids, enum row_source source, bool *cut, struct error *err)
{
	struct outbox *outbox = &r->b->base;
	struct db_rows rows;
	size_t from = r->batch->count;

	const char *parameters[] = { outbox->lease.resource, r->limit, r->bytes,
		borrowed_list_end(ids) };
	if (!db_run_text(outbox->db, r->b->sql.some, parameters, 4, &r->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++)
		read_row(r, &rows, i, source);
	*cut = is_cut(r, from);
	return true;
}

/* Rows behind the cursor that were not seen: their transactions committed late. All of them come before new ones. */
static bool read_late(struct reading *r, bool *more, struct error *err)
{
	struct borrowed *b = r->b;
	const char *parameters[] = { b->base.lease.resource, r->limit, r->bytes, b->place, b->id };
	struct db_rows rows;
	struct buf ids = { 0 };
	size_t late = 0;
	bool ok = true;

	*more = false;
	if (!b->id)
		return true;
	if (!db_run_text(b->base.db, b->sql.behind, parameters, 5, &r->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++)
		if (!seen_has(&b->seen, db_cell(&rows, i, 0)) && ++late <= r->plan->limit)
			borrowed_list_add(&ids, db_cell(&rows, i, 0));
	if (late > 0)
		ok = read_some(r, &ids, ROW_NEW, more, err);
	*more = *more || late > r->plan->limit;
	b->base.late += late;
	buf_finish(&ids);
	return ok;
}

static void move_cursor(struct borrowed *b, const struct db_rows *rows)
{
	if (rows->rows == 0)
		return;
	outbox_borrowed_forget_cursor(b);
	const char *place = db_cell(rows, rows->rows - 1, BORROWED_ORDER);
	b->place = place ? memory_text(place) : NULL;
	b->id = memory_text(db_cell(rows, rows->rows - 1, BORROWED_ID));
}

static bool read_new(struct reading *r, bool *more, struct error *err)
{
	struct borrowed *b = r->b;
	const char *parameters[] = { b->base.lease.resource, r->limit, r->bytes, b->place, b->id };
	struct db_rows rows;
	size_t from = r->batch->count;

	if (b->seen.numbers.count >= SEEN_MAX)
		return true;
	if (!db_run_text(b->base.db, b->id ? b->sql.next : b->sql.first, parameters, b->id ? 5 : 3,
		    &r->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++)
		read_row(r, &rows, i, ROW_NEW);
	move_cursor(b, &rows);
	*more = is_cut(r, from);
	return true;
}

/* Asked for and not there any more: somebody else took it away. */
static void forget_missing(
	struct reading *r, const int64_t *numbers, size_t count, size_t from, bool cut)
{
	size_t at = from;

	for (size_t i = 0; i < count; i++) {
		for (at = from; at < r->batch->count && r->batch->rows[at]->id != numbers[i]; at++)
			continue;
		if (at == r->batch->count && !cut)
			seen_forget(&r->b->seen, numbers[i]);
	}
}

static bool read_numbers(struct reading *r, const int64_t *numbers, size_t count,
	enum row_source source, struct error *err)
{
	struct buf ids = { 0 };
	size_t from = r->batch->count;
	bool cut, ok = true;

	for (size_t i = 0; i < count; i++)
		borrowed_list_add(&ids, seen_row(&r->b->seen, numbers[i])->id);
	if (count > 0)
		ok = read_some(r, &ids, source, &cut, err);
	if (ok && count > 0)
		forget_missing(r, numbers, count, from, cut && r->batch->count - from < count);
	buf_finish(&ids);
	return ok;
}

/* The next rows of the sweep, which goes over what was seen. */
static bool read_swept(struct reading *r, int64_t *numbers, struct error *err)
{
	struct outbox *outbox = &r->b->base;
	int64_t at = outbox->sweep_at;
	size_t count = 0;

	while (count < r->plan->limit && (at = seen_above(&r->b->seen, at)) <= outbox->cursor)
		numbers[count++] = at;
	r->batch->sweep_done = count < r->plan->limit;
	return read_numbers(r, numbers, count, ROW_SWEEP, err);
}

static bool read_due(struct reading *r, int64_t *numbers, struct error *err)
{
	const struct seen *seen = &r->b->seen;
	int64_t until = clock_now_ms() + r->plan->ahead_ms, at = INT64_MIN;
	size_t count = 0;

	if (seen->waiting == 0)
		return true;
	while (count < r->plan->limit && (at = seen_above(seen, at)) != INT64_MAX)
		if (seen_row(seen, at)->due_ms != 0 && seen_row(seen, at)->due_ms <= until)
			numbers[count++] = at;
	r->batch->more_due = count == r->plan->limit;
	return read_numbers(r, numbers, count, ROW_RETRY, err);
}

static bool ask(struct reading *r, struct error *err)
{
	const struct outbox *outbox = &r->b->base;
	int64_t *numbers = memory_new((r->plan->limit + 1) * sizeof(*numbers));
	bool more;

	bool ok = read_late(r, &more, err) && (more || read_new(r, &more, err));
	r->batch->caught_up = !more;
	if (ok && r->plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP)
		ok = read_swept(r, numbers, err);
	if (ok && r->plan->due)
		ok = read_due(r, numbers, err);
	free(numbers);
	return ok;
}

bool outbox_borrowed_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	bool sqlite = db_kind(outbox->db) == DB_SQLITE;
	struct reading r = {
		.b = borrowed_of(outbox), .plan = plan, .batch = batch_create(plan->limit)
	};

	arena_init(&r.arena);
	snprintf(r.limit, NUMBER, "%zu", plan->limit);
	snprintf(r.bytes, NUMBER, "%" PRId64, plan->bytes);
	failpoint("relay.before_read");
	bool ok = db_run_text(outbox->db,
			  sqlite ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
			  NULL, 0, NULL, NULL, err) &&
		ask(&r, err) && db_commit(outbox->db, err);
	arena_finish(&r.arena);
	if (ok) {
		*batch = r.batch;
		return true;
	}
	db_rollback(outbox->db);
	batch_destroy(r.batch);
	return false;
}
