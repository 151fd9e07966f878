/* Reading an outbox in SQLite: the questions of a plan, each a prepared statement, into a batch. */
#include "relay/outbox_sqlite.h"

#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"

enum column {
	COLUMN_ID,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_ATTEMPTS,
	COLUMN_CREATED_AT,
	COLUMN_AVAILABLE_AT,
	COLUMN_RETRY_AT,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD,
};

/* "2026-01-31T12:00:00.000Z" as milliseconds since 1970; what is no such time counts as long past. */
static int64_t parse_time(const char *text)
{
	struct tm parts = { 0 };
	unsigned ms = 0;

	if (!text ||
		sscanf(text, "%d-%d-%dT%d:%d:%d.%3uZ", &parts.tm_year, &parts.tm_mon,
			&parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &ms) != 7)
		return 0;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	return (int64_t)timegm(&parts) * 1000 + ms;
}

/* Now, and the time behind which a next try was written before the clock was set back. */
struct times {
	char now[32], far[32];
};

static struct times read_clock(const struct outbox *outbox)
{
	struct times times;
	int64_t now = clock_wall_ms();

	clock_format(now, times.now);
	clock_format(now + outbox_longest_delay_ms(outbox), times.far);
	return times;
}

/*
 * Times are texts that sort as time does, so the usual case, due, needs no parsing. A row that the application
 * did not schedule is due even where a clock that was set back says later.
 */
static int64_t wait_of(sqlite3_stmt *statement, const struct times *times, bool *failed)
{
	const char *created = (const char *)sqlite3_column_text(statement, COLUMN_CREATED_AT);
	const char *available = (const char *)sqlite3_column_text(statement, COLUMN_AVAILABLE_AT);
	const char *retry = (const char *)sqlite3_column_text(statement, COLUMN_RETRY_AT);
	const char *due = strcmp(available, created) > 0 ? available : times->now;

	*failed = retry && strcmp(retry, times->now) > 0 && strcmp(retry, times->far) <= 0;
	if (*failed && strcmp(retry, due) > 0)
		due = retry;
	if (strcmp(due, times->now) <= 0)
		return 0;
	int64_t wait = parse_time(due) - parse_time(times->now);
	return wait > 0 ? wait : 1;
}

static void read_row(sqlite3_stmt *statement, struct row *row, const struct times *times)
{
	row->id = sqlite3_column_int64(statement, COLUMN_ID);
	row->attempts = sqlite3_column_int64(statement, COLUMN_ATTEMPTS);
	row->put_back = row->attempts == 0 &&
		sqlite3_column_type(statement, COLUMN_RETRY_AT) != SQLITE_NULL;
	row->wait_ms = wait_of(statement, times, &row->failed);
	row->event.id = sqlite_slice(statement, COLUMN_EVENT_ID);
	row->event.subject = sqlite_slice(statement, COLUMN_SUBJECT);
	row->event.key = sqlite_slice(statement, COLUMN_KEY);
	if (row->wait_ms == 0) {
		row->event.headers = sqlite_slice(statement, COLUMN_HEADERS);
		row->event.payload = sqlite_slice(statement, COLUMN_PAYLOAD);
	}
}

/* Asks one bound question; cut tells that its limits were reached. */
static bool ask(struct outbox *outbox, enum prepared which, enum row_source source,
	const struct read_plan *plan, struct batch *batch, bool *was_cut, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[which];
	int64_t bytes = 0;
	size_t rows = 0;
	const struct times times = read_clock(outbox);
	int code = SQLITE_ROW;

	while (bytes < plan->bytes && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row row = { .source = source };
		read_row(statement, &row, &times);
		bytes += (int64_t)row.event.payload.size;
		if (++rows == 1 || rows == plan->limit) /* the newest is reported */
			row.created_ms = parse_time(
				(const char *)sqlite3_column_text(statement, COLUMN_CREATED_AT));
		batch_add(batch, &row);
	}
	*was_cut = rows >= plan->limit || code == SQLITE_ROW;
	bool ok = code == SQLITE_ROW || code == SQLITE_DONE ||
		sqlite_failed(connection_of(outbox), err);
	sqlite3_reset(statement);
	return ok;
}

static bool ask_due(
	struct outbox *outbox, const struct read_plan *plan, struct batch *batch, struct error *err)
{
	struct outbox_file *file = file_of(outbox);
	const struct times times = read_clock(outbox);
	char until[32];
	bool cut;

	clock_format(clock_wall_ms() + plan->ahead_ms, until);
	sqlite3_bind_text(file->prepared[READ_RETRY], 3, times.far, -1, SQLITE_TRANSIENT);
	for (enum prepared which = READ_RETRY; which <= READ_SCHEDULED; which++) {
		sqlite3_bind_text(file->prepared[which], 1, until, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int64(file->prepared[which], 2, (int64_t)plan->limit);
		if (!ask(outbox, which, which == READ_RETRY ? ROW_RETRY : ROW_SCHEDULED, plan,
			    batch, &cut, err))
			return false;
		/* they come in the order of their times: where the last one has to wait, so have all beyond */
		batch->more_due =
			batch->more_due || (cut && batch->rows[batch->count - 1]->wait_ms == 0);
	}
	return true;
}

bool outbox_file_ask(
	struct outbox *outbox, const struct read_plan *plan, struct batch *batch, struct error *err)
{
	struct outbox_file *file = file_of(outbox);
	bool cut = false;

	sqlite3_bind_int64(file->prepared[READ_NEW], 1, outbox->cursor);
	sqlite3_bind_int64(file->prepared[READ_NEW], 2, (int64_t)plan->limit);
	if (!ask(outbox, READ_NEW, ROW_NEW, plan, batch, &cut, err))
		return false;
	batch->caught_up = !cut;
	if (plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP) {
		sqlite3_bind_int64(file->prepared[READ_SWEEP], 1, outbox->sweep_at);
		sqlite3_bind_int64(file->prepared[READ_SWEEP], 2, (int64_t)plan->limit);
		sqlite3_bind_int64(file->prepared[READ_SWEEP], 3, outbox->cursor);
		if (!ask(outbox, READ_SWEEP, ROW_SWEEP, plan, batch, &cut, err))
			return false;
		batch->sweep_done = !cut;
	}
	return !plan->due || ask_due(outbox, plan, batch, err);
}
