/* Settling in a table that Dray did not make: one transaction with the lease, the rows and the position. */
#include "relay/outbox_borrowed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"

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
			borrowed_list_add(&dead, row->id);
	}
	if (ok && dead.size > 0 && b->sql.give_up)
		ok = mark(outbox, b->sql.give_up, borrowed_list_end(&dead), &changed, err);
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
			borrowed_list_add(&ids, row->id);
	}
	bool ok = deliver(outbox, borrowed_list_end(&ids), position, changed, err);
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

bool outbox_borrowed_durable(struct outbox *outbox, bool durable, struct error *err)
{
	const char *sql = db_kind(outbox->db) == DB_POSTGRES
		? durable ? "SET synchronous_commit = on" : "SET synchronous_commit = off"
		: durable ? "PRAGMA synchronous = FULL"
			  : "PRAGMA synchronous = NORMAL";

	borrowed_of(outbox)->durable = durable;
	return db_run_text(outbox->db, sql, NULL, 0, NULL, NULL, err);
}

/* A statement of its own, so not for every settlement. */
static bool begin(struct outbox *outbox, bool durable, struct error *err)
{
	return (borrowed_of(outbox)->durable == durable ||
		       outbox_borrowed_durable(outbox, durable, err)) &&
		db_begin(outbox->db, err);
}

bool outbox_borrowed_settle(struct outbox *outbox, const struct verdict *const *verdicts,
	size_t count, const struct position *position, size_t *changed, struct error *err)
{
	const struct lease before = outbox->lease;

	*changed = count;
	bool ok = begin(outbox, !position, err) && lease_renew(outbox->db, &outbox->lease, err) &&
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
