/* Settling in SQLite: one transaction with the lease, the rows and the position. */
#include "relay/outbox_sqlite.h"

#include "base/clock.h"
#include "base/failpoint.h"

static bool run_once(struct outbox *outbox, sqlite3_stmt *statement, struct error *err)
{
	int code = sqlite3_step(statement);

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		sqlite_failed(connection_of(outbox), err);
	sqlite3_reset(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW;
}

static bool check_lease(struct outbox *outbox, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[LEASE];
	struct lease *lease = &outbox->lease;

	sqlite3_bind_text(statement, 1, lease->resource, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, lease->holder, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, lease->length_ms);
	sqlite3_bind_int64(statement, 4, lease->epoch);
	sqlite3_bind_int64(statement, 5, lease->renewals);
	if (!run_once(outbox, statement, err))
		return false;
	return sqlite3_changes(sqlite_connection(connection_of(outbox))) == 1 ||
		lease_lost(outbox->db, lease, err);
}

static bool move_position(struct outbox *outbox, const struct position *position, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[POSITION];

	sqlite3_bind_text(statement, 1, outbox->lease.resource, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, position->stream, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, position->created, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, (int64_t)position->seq);
	sqlite3_bind_int64(statement, 5, (int64_t)position->marked_seq);
	sqlite3_bind_text(statement, 6, position->marked_id, -1, SQLITE_STATIC);
	return run_once(outbox, statement, err);
}

static void bind_verdict(sqlite3_stmt *statement, const struct verdict *verdict, bool delivered)
{
	char retry[32];

	sqlite3_bind_int64(statement, 1, verdict->row->id);
	sqlite_bind_slice(statement, 2, verdict->row->event.id);
	if (delivered) {
		sqlite3_bind_int64(
			statement, 5, (int64_t)verdict->seq); /* not where rows are deleted */
		return;
	}
	clock_format(clock_wall_ms() + verdict->delay_ms, retry);
	sqlite3_bind_text(statement, 3, verdict->outcome == OUTCOME_DEAD ? NULL : retry, -1,
		SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 4, verdict->error, -1, SQLITE_STATIC);
}

static bool settle_all(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[position ? SETTLE : FAIL];
	sqlite3 *connection = sqlite_connection(connection_of(outbox));
	char now[32];

	if (!check_lease(outbox, err))
		return false;
	clock_format(clock_wall_ms(), now);
	if (position && sqlite3_bind_parameter_count(statement) > 2) { /* the same for all */
		sqlite3_bind_text(statement, 3, position->stream, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 4, now, -1, SQLITE_TRANSIENT);
	}
	*changed = 0;
	for (size_t i = 0; i < count; i++) {
		bind_verdict(statement, verdicts[i], position != NULL);
		if (!run_once(outbox, statement, err))
			return false;
		*changed += (size_t)sqlite3_changes(connection); /* not those of triggers */
	}
	return !position || move_position(outbox, position, err);
}

/* What a power cut takes back is looked up in the stream; but of a row that is given up the stream knows nothing. */
static bool begin(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	struct error *err)
{
	bool dead = false;

	for (size_t i = 0; i < count; i++)
		dead = dead || verdicts[i]->outcome == OUTCOME_DEAD;
	return sqlite_run(connection_of(outbox),
		dead ? "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"
		     : "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
		err);
}

bool outbox_file_settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	int64_t sent = clock_now_ms();

	if (!begin(outbox, verdicts, count, err))
		return false;
	bool ok = settle_all(outbox, verdicts, count, position, changed, err);
	failpoint("relay.before_commit");
	ok = ok && sqlite_run(connection_of(outbox), "COMMIT", err);
	if (!ok) {
		sqlite_rollback(connection_of(outbox));
		return false;
	}
	lease_confirm(&outbox->lease, sent);
	return true;
}
