/*
 * An outbox table that Dray did not make, in either database: statements made from the config, values as text, and
 * polling. Rows have numbers in the order of reading (seen.h), which stand for their ids. A read looks behind the
 * cursor for rows that were not seen, and then past it, in one snapshot: whoever committed first is numbered first.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "db/postgres.h"
#include "relay/borrowed_sql.h"
#include "relay/outbox_driver.h"
#include "relay/seen.h"

#define NUMBER	 24
#define SEEN_MAX 1000000 /* rows that were read and are not settled: ids are kept of them */

struct borrowed {
	struct outbox base;
	struct borrowed_sql sql;
	struct seen seen;
	char *place, *id; /* the cursor: order and id of the last row; NULL: before the first */
};

static struct borrowed *borrowed_of(struct outbox *outbox)
{
	return (struct borrowed *)outbox;
}

static struct outbox *create(void)
{
	struct borrowed *b = memory_new(sizeof(*b));

	return &b->base;
}

static void forget_cursor(struct borrowed *b)
{
	free(b->place);
	free(b->id);
	b->place = b->id = NULL;
}

static void destroy(struct outbox *outbox)
{
	struct borrowed *b = borrowed_of(outbox);

	forget_cursor(b);
	seen_finish(&b->seen);
	borrowed_sql_finish(&b->sql);
	free(b);
}

static void rewound(struct outbox *outbox)
{
	forget_cursor(borrowed_of(outbox));
	seen_clear(&borrowed_of(outbox)->seen);
}

static void closing(struct outbox *outbox)
{
	(void)outbox;
}

/* What is written may be lost by a crash: then the rows are looked up in the stream. */
static bool opened(struct outbox *outbox, struct error *err)
{
	struct borrowed *b = borrowed_of(outbox);
	bool sqlite = db_kind(outbox->db) == DB_SQLITE;

	borrowed_sql_finish(&b->sql);
	return migrate_check(outbox->db, MIGRATE_CORE, NULL, err) &&
		borrowed_sql_make(&b->sql, outbox->db, outbox->config, err) &&
		db_run_text(outbox->db,
			sqlite ? "PRAGMA synchronous = NORMAL" : "SET synchronous_commit = off",
			NULL, 0, NULL, NULL, err) &&
		(sqlite || postgres_limit_statements(db_postgres(outbox->db), err));
}

static bool oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	const char *parameters[] = { outbox->lease.resource };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run_text(
		outbox->db, borrowed_of(outbox)->sql.oldest, parameters, 1, &arena, &rows, err);
	if (ok) {
		const char *count = db_cell(&rows, 0, 0), *created = db_cell(&rows, 0, 1);
		*created_ms = atoll(count) == 0 ? INT64_MAX : created ? atoll(created) : 86400000;
	}
	arena_finish(&arena);
	return ok;
}

/* One reading: what is asked for, and what has come. */
struct reading {
	struct borrowed *b;
	const struct read_plan *plan;
	struct batch *batch;
	struct arena *arena; /* of the batch */
	char limit[NUMBER], bytes[NUMBER];
};

static int digit_of(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static struct slice decode_hex(const char *hex, struct arena *arena)
{
	size_t size = hex ? strlen(hex) / 2 : 0;
	char *bytes = arena_new(arena, size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(digit_of(hex[2 * i]) << 4 | digit_of(hex[2 * i + 1]));
	bytes[size] = '\0';
	return (struct slice){ bytes, size };
}

static struct slice text_at(const struct db_rows *rows, size_t i, enum borrowed_column column)
{
	return slice_of(db_cell(rows, i, column));
}

static void read_row(
	struct reading *r, const struct db_rows *rows, size_t i, enum row_source source)
{
	const char *created = db_cell(rows, i, BORROWED_CREATED);
	struct row *row = &r->batch->rows[r->batch->count++];
	int64_t wait = atoll(db_cell(rows, i, BORROWED_WAIT));
	bool fresh;

	row->source = source;
	row->id = seen_number(&r->b->seen, db_cell(rows, i, BORROWED_ID), &fresh);
	row->attempts = atoll(db_cell(rows, i, BORROWED_ATTEMPTS));
	row->failed = wait > 0 && wait <= outbox_longest_delay_ms(&r->b->base);
	row->wait_ms = row->failed ? wait : 0;
	row->created_ms = created ? atoll(created) : clock_wall_ms();
	row->event.id = text_at(rows, i, BORROWED_EVENT_ID);
	row->event.subject = text_at(rows, i, BORROWED_SUBJECT);
	row->event.key = text_at(rows, i, BORROWED_KEY);
	row->event.headers = text_at(rows, i, BORROWED_HEADERS);
	row->event.payload = decode_hex(db_cell(rows, i, BORROWED_PAYLOAD), r->arena);
	seen_wait(&r->b->seen, row->id, row->failed ? clock_now_ms() + wait : 0);
}

static bool is_cut(const struct reading *r, size_t from)
{
	int64_t bytes = 0;

	for (size_t i = from; i < r->batch->count; i++)
		bytes += (int64_t)r->batch->rows[i].event.payload.size;
	return r->batch->count - from >= r->plan->limit || bytes >= r->plan->bytes;
}

static void add_id(struct buf *list, const char *id)
{
	buf_add_text(list, list->size ? ",\"" : "[\"");
	for (; *id; id++) {
		if (*id == '"' || *id == '\\')
			buf_add_char(list, '\\');
		if ((unsigned char)*id < ' ')
			buf_format(list, "\\u%04x", (unsigned)*id);
		else
			buf_add_char(list, *id);
	}
	buf_add_char(list, '"');
}

/* Reads rows by their ids. */
static bool read_some(
	struct reading *r, struct buf *ids, enum row_source source, bool *cut, struct error *err)
{
	struct outbox *outbox = &r->b->base;
	struct db_rows rows;
	size_t from = r->batch->count;

	buf_add_char(ids, ']');
	const char *parameters[] = { outbox->lease.resource, r->limit, r->bytes, ids->data };
	if (!db_run_text(outbox->db, r->b->sql.some, parameters, 4, r->arena, &rows, err))
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
	if (!db_run_text(b->base.db, b->sql.behind, parameters, 5, r->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++)
		if (!seen_has(&b->seen, db_cell(&rows, i, 0)) && ++late <= r->plan->limit)
			add_id(&ids, db_cell(&rows, i, 0));
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
	forget_cursor(b);
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
		    r->arena, &rows, err))
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
		for (at = from; at < r->batch->count && r->batch->rows[at].id != numbers[i]; at++)
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
		add_id(&ids, seen_row(&r->b->seen, numbers[i])->id);
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

static void free_memory(void *memory)
{
	arena_finish(memory);
	free(memory);
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	bool sqlite = db_kind(outbox->db) == DB_SQLITE;
	struct reading r = { .b = borrowed_of(outbox),
		.plan = plan,
		.batch = batch_create(plan->limit * 4 + 1),
		.arena = memory_new(sizeof(struct arena)) };

	arena_init(r.arena);
	r.batch->memory = r.arena;
	r.batch->free_memory = free_memory;
	snprintf(r.limit, NUMBER, "%zu", plan->limit);
	snprintf(r.bytes, NUMBER, "%" PRId64, plan->bytes);
	failpoint("relay.before_read");
	bool ok = db_run_text(outbox->db,
			  sqlite ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
			  NULL, 0, NULL, NULL, err) &&
		ask(&r, err) && db_commit(outbox->db, err);
	if (ok) {
		*batch = r.batch;
		return true;
	}
	db_rollback(outbox->db);
	batch_destroy(r.batch);
	return false;
}

static bool mark(
	struct outbox *outbox, const char *sql, const char *ids, size_t *changed, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run_text(outbox->db, sql, &ids, 1, &arena, &rows, err);
	*changed = ok ? (size_t)rows.changed : 0;
	arena_finish(&arena);
	return ok;
}

static bool move_position(struct outbox *outbox, const struct position *position, struct error *err)
{
	char seq[NUMBER], marked[NUMBER];
	const char *parameters[] = { outbox->lease.resource, position->stream, position->created,
		seq, marked, position->marked_id };

	snprintf(seq, NUMBER, "%" PRIu64, position->seq);
	snprintf(marked, NUMBER, "%" PRIu64, position->marked_seq);
	return db_run(outbox->db, SQL_RELAY_POSITION, NULL, parameters, 6, NULL, NULL, err);
}

static bool deliver(struct outbox *outbox, const char *ids, const struct position *position,
	size_t *changed, struct error *err)
{
	const char *parameters[] = { outbox->lease.resource, ids };

	return mark(outbox, borrowed_of(outbox)->sql.deliver, ids, changed, err) &&
		db_run(outbox->db, SQL_BORROWED_FORGET, NULL, parameters, 2, NULL, NULL, err) &&
		move_position(outbox, position, err);
}

static bool note(
	struct outbox *outbox, const struct verdict *verdict, const char *id, struct error *err)
{
	bool dead = verdict->outcome == OUTCOME_DEAD;
	char attempts[NUMBER], delay[NUMBER];
	const char *parameters[] = { outbox->lease.resource, id, attempts, dead ? NULL : delay,
		verdict->error, dead ? "t" : "f" };

	snprintf(attempts, NUMBER, "%" PRId64, verdict->row->attempts + 1);
	snprintf(delay, NUMBER, "%" PRId64, verdict->delay_ms);
	return db_run(outbox->db, SQL_BORROWED_FAIL, NULL, parameters, 6, NULL, NULL, err);
}

static bool fail_all(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	struct error *err)
{
	struct borrowed *b = borrowed_of(outbox);
	struct buf dead = { 0 };
	size_t changed;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++) {
		const struct seen_row *row = seen_row(&b->seen, verdicts[i]->row->id);
		ok = !row || note(outbox, verdicts[i], row->id, err);
		if (row && verdicts[i]->outcome == OUTCOME_DEAD)
			add_id(&dead, row->id);
	}
	if (ok && dead.size > 0 && b->sql.give_up) {
		buf_add_char(&dead, ']');
		ok = mark(outbox, b->sql.give_up, dead.data, &changed, err);
	}
	buf_finish(&dead);
	return ok;
}

static bool deliver_all(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct borrowed *b = borrowed_of(outbox);
	struct buf ids = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct seen_row *row = seen_row(&b->seen, verdicts[i]->row->id);
		if (row)
			add_id(&ids, row->id);
	}
	buf_add_text(&ids, ids.size ? "]" : "[]");
	bool ok = deliver(outbox, ids.data, position, changed, err);
	buf_finish(&ids);
	return ok;
}

/* After the commit: what is settled is forgotten; a row that is put back is a late one then. */
static void forget(struct borrowed *b, const struct verdict *const *verdicts, size_t count)
{
	int64_t now = clock_now_ms();

	for (size_t i = 0; i < count; i++)
		if (verdicts[i]->outcome == OUTCOME_RETRY)
			seen_wait(&b->seen, verdicts[i]->row->id, now + verdicts[i]->delay_ms);
		else
			seen_forget(&b->seen, verdicts[i]->row->id);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	const struct lease before = outbox->lease;

	*changed = count;
	bool ok = db_begin(outbox->db, err) && lease_renew(outbox->db, &outbox->lease, err) &&
		(position ? deliver_all(outbox, verdicts, count, position, changed, err)
			  : fail_all(outbox, verdicts, count, err));
	failpoint("relay.before_commit");
	ok = ok && db_commit(outbox->db, err);
	if (ok) {
		forget(borrowed_of(outbox), verdicts, count);
		return true;
	}
	db_rollback(outbox->db);
	if (outbox->lease.epoch != 0)
		outbox->lease = before;
	return false;
}

static bool wait_for_rows(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	(void)outbox;
	(void)err;
	poll(&fd, 1, ms < 0 ? 0 : (int)ms);
	return true;
}

const struct outbox_driver outbox_borrowed = {
	.create = create,
	.destroy = destroy,
	.oldest = oldest,
	.opened = opened,
	.closing = closing,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_rows,
};
