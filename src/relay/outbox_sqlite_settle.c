/* Settling in SQLite: one transaction with the lease, the rows and the position. */
#include "relay/outbox_sqlite.h"

#include "base/clock.h"
#include "base/failpoint.h"

/*
 * A statement marks the rows of a range, which is half the work of a statement a row. Since a function of ours may
 * fail, SQLite keeps a copy of each page until the statement ends: so ranges are short. The rows between that are
 * not settled are passed over.
 */
#define RANGE_ROWS  64
#define RANGE_BYTES 65536
#define RANGE_GAP   8

static bool run_once(struct outbox *outbox, sqlite3_stmt *statement, struct error *err)
{
	int code = sqlite3_step(statement);

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		sqlite_failed(connection_of(outbox), err);
	sqlite3_reset(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW;
}

/* Rows that the last statement changed; not those of triggers. */
static size_t changes(struct outbox *outbox)
{
	return (size_t)sqlite3_changes(sqlite_connection(connection_of(outbox)));
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
	return changes(outbox) == 1 || lease_lost(outbox->db, lease, err);
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

static struct slice text_of(sqlite3_value *value)
{
	const void *data = sqlite3_value_type(value) == SQLITE_BLOB ? sqlite3_value_blob(value)
								    : sqlite3_value_text(value);

	return (struct slice){ data, (size_t)sqlite3_value_bytes(value) };
}

/* Rows come by their ids, so each is looked for from the last one on. */
static const struct verdict *look_for(struct range *range, int64_t id)
{
	if (range->at > 0 && range->verdicts[range->at - 1]->id >= id)
		range->at = 0;
	while (range->at < range->count && range->verdicts[range->at]->id < id)
		range->at++;
	if (range->at == range->count || range->verdicts[range->at]->id != id)
		return NULL;
	return range->verdicts[range->at];
}

static void answer_stored(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct verdict *verdict =
		look_for(sqlite3_user_data(context), sqlite3_value_int64(values[0]));

	(void)count;
	if (verdict && slice_equal(verdict->row->event.id, text_of(values[1])))
		sqlite3_result_int64(context, (int64_t)verdict->seq);
}

bool outbox_file_prepare_settling(struct outbox *outbox, struct error *err)
{
	return sqlite3_create_function(sqlite_connection(connection_of(outbox)), "dray_stored", 2,
		       SQLITE_UTF8 | SQLITE_DIRECTONLY, &file_of(outbox)->range, answer_stored,
		       NULL, NULL) == SQLITE_OK ||
		sqlite_failed(connection_of(outbox), err);
}

static size_t size_of(const struct row *row)
{
	return row->event.payload.size + row->event.headers.size;
}

static struct range first_range(const struct verdict *const *verdicts, size_t count)
{
	size_t end = 1, bytes = size_of(verdicts[0]->row);

	while (end < count && end < RANGE_ROWS &&
		verdicts[end]->id - verdicts[end - 1]->id <= RANGE_GAP) {
		bytes += size_of(verdicts[end]->row);
		if (bytes > RANGE_BYTES)
			break;
		end++;
	}
	return (struct range){ verdicts, end, 0 };
}

static bool settle_range(struct outbox *outbox, struct range range, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[SETTLE];

	file_of(outbox)->range = range;
	sqlite3_bind_int64(statement, 1, range.verdicts[0]->id);
	sqlite3_bind_int64(statement, 2, range.verdicts[range.count - 1]->id);
	return run_once(outbox, statement, err);
}

static bool settle_delivered(struct outbox *outbox, const struct verdict *const *verdicts,
	size_t count, const struct position *position, size_t *changed, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[SETTLE];
	char now[32];

	clock_format(clock_wall_ms(), now);
	if (sqlite3_bind_parameter_count(statement) > 2) { /* rows are marked, not deleted */
		sqlite3_bind_text(statement, 3, position->stream, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 4, now, -1, SQLITE_TRANSIENT);
	}
	for (size_t done = 0; done < count; done += file_of(outbox)->range.count) {
		if (!settle_range(outbox, first_range(verdicts + done, count - done), err))
			return false;
		*changed += changes(outbox);
	}
	return move_position(outbox, position, err);
}

static void bind_failure(sqlite3_stmt *statement, const struct verdict *verdict)
{
	char retry[32];

	clock_format(clock_wall_ms() + verdict->delay_ms, retry);
	sqlite3_bind_int64(statement, 1, verdict->id);
	sqlite_bind_slice(statement, 2, verdict->row->event.id);
	sqlite3_bind_text(statement, 3, verdict->outcome == OUTCOME_DEAD ? NULL : retry, -1,
		SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, 4, verdict->error, -1, SQLITE_STATIC);
}

static bool note_failures(struct outbox *outbox, const struct verdict *const *verdicts,
	size_t count, size_t *changed, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[FAIL];

	for (size_t i = 0; i < count; i++) {
		bind_failure(statement, verdicts[i]);
		if (!run_once(outbox, statement, err))
			return false;
		*changed += changes(outbox);
	}
	return true;
}

static bool settle_all(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	*changed = 0;
	if (!check_lease(outbox, err))
		return false;
	return position ? settle_delivered(outbox, verdicts, count, position, changed, err)
			: note_failures(outbox, verdicts, count, changed, err);
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
