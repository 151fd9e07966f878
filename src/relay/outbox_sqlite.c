/*
 * An outbox in an SQLite file. There is one writer at a time, so ids appear in order and there are no
 * gaps. All questions of a read are asked in one read transaction.
 */
#include "relay/outbox_driver.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "db/sqlite.h"

#define SETTLE_LOOK_MS 20 /* inotify speaks before the commit can be seen */

enum prepared {
	READ_NEW,
	READ_SWEEP,
	READ_RETRY,
	READ_SCHEDULED,
	SETTLE,
	FAIL,
	LEASE,
	POSITION,
	DATA_VERSION,
	PREPARED,
};

struct outbox_file {
	struct outbox base;
	sqlite3_stmt *prepared[PREPARED];
	int inotify;
	dev_t device; /* of the file that is open */
	ino_t inode;
	int64_t version; /* data_version at the last read */
};

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

static struct outbox_file *file_of(struct outbox *outbox)
{
	return (struct outbox_file *)outbox;
}

static struct sqlite *connection_of(struct outbox *outbox)
{
	return db_sqlite(outbox->db);
}

static struct outbox *create(void)
{
	struct outbox_file *file = memory_new(sizeof(*file));

	file->inotify = -1;
	return &file->base;
}

static void closing(struct outbox *outbox)
{
	struct outbox_file *file = file_of(outbox);

	if (file->inotify >= 0)
		close(file->inotify);
	file->inotify = -1;
}

static void destroy(struct outbox *outbox)
{
	closing(outbox);
	free(file_of(outbox));
}

static void rewound(struct outbox *outbox)
{
	(void)outbox;
}

static bool prepare(struct outbox *outbox, struct error *err)
{
	struct outbox_file *file = file_of(outbox);
	bool erase = outbox->config->on_delivered == ON_DELIVERED_DELETE;
	const enum statement statements[] = {
		[READ_NEW] = SQL_OUTBOX_NEW,
		[READ_SWEEP] = SQL_OUTBOX_SWEEP,
		[READ_RETRY] = SQL_OUTBOX_RETRY,
		[READ_SCHEDULED] = SQL_OUTBOX_SCHEDULED,
		[SETTLE] = erase ? SQL_OUTBOX_DELETE : SQL_OUTBOX_SETTLE,
		[FAIL] = SQL_OUTBOX_FAIL,
		[LEASE] = SQL_LEASE_RENEW,
		[POSITION] = SQL_RELAY_POSITION,
	};

	for (size_t i = 0; i < DATA_VERSION; i++) {
		char *sql = db_statement_text(DB_SQLITE, statements[i], outbox->config->table);
		bool ok = sqlite_prepare(connection_of(outbox), sql, &file->prepared[i], err);
		free(sql);
		if (!ok)
			return false;
	}
	return sqlite_prepare(
		connection_of(outbox), "PRAGMA data_version", &file->prepared[DATA_VERSION], err);
}

/* The folder is watched, since -wal comes and goes. Without inotify polling still finds every row. */
static void watch(struct outbox *outbox)
{
	struct outbox_file *file = file_of(outbox);
	char *wal = memory_format("%s-wal", sqlite_path(connection_of(outbox)));

	closing(outbox);
	file->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (file->inotify >= 0 && inotify_add_watch(file->inotify, wal, IN_MODIFY) < 0)
		inotify_add_watch(file->inotify, sqlite_path(connection_of(outbox)), IN_MODIFY);
	free(wal);
}

static bool look_at_file(struct outbox *outbox, dev_t *device, ino_t *inode, struct error *err)
{
	struct stat now;

	if (stat(sqlite_path(connection_of(outbox)), &now) != 0)
		return error_set(
			err, ERROR_UNAVAILABLE, "%s: the file is gone", db_label(outbox->db));
	*device = now.st_dev;
	*inode = now.st_ino;
	return true;
}

/* What is written here may be lost by a power cut: then the rows are looked up in the stream. */
static bool opened(struct outbox *outbox, struct error *err)
{
	struct outbox_file *file = file_of(outbox);

	if (!migrate_check(outbox->db, MIGRATE_OUTBOX, outbox->config->table, err) ||
		!sqlite_run(connection_of(outbox), "PRAGMA synchronous = NORMAL", err) ||
		!look_at_file(outbox, &file->device, &file->inode, err) || !prepare(outbox, err))
		return false;
	watch(outbox);
	return true;
}

static struct slice slice_at(sqlite3_stmt *statement, enum column column, struct arena *arena)
{
	int type = sqlite3_column_type(statement, column);
	const void *data;

	if (type == SQLITE_NULL)
		return (struct slice){ 0 };
	if (type == SQLITE_BLOB)
		data = sqlite3_column_blob(statement, column);
	else /* as UTF-8, whatever the file's encoding */
		data = sqlite3_column_text(statement, column);
	size_t size = (size_t)sqlite3_column_bytes(statement, column);
	return (struct slice){ arena_copy(arena, data, size), size };
}

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

/* Times are texts that sort as time does, so the usual case, due, needs no parsing. */
static int64_t wait_of(sqlite3_stmt *statement, const char *now, bool *failed)
{
	const char *available = (const char *)sqlite3_column_text(statement, COLUMN_AVAILABLE_AT);
	const char *retry = (const char *)sqlite3_column_text(statement, COLUMN_RETRY_AT);
	const char *due = available;

	*failed = retry && strcmp(retry, now) > 0;
	if (*failed && strcmp(retry, available) > 0)
		due = retry;
	if (strcmp(due, now) <= 0)
		return 0;
	int64_t wait = parse_time(due) - parse_time(now);
	return wait > 0 ? wait : 1;
}

static void read_row(sqlite3_stmt *statement, struct row *row, struct arena *arena, const char *now)
{
	row->id = sqlite3_column_int64(statement, COLUMN_ID);
	row->attempts = sqlite3_column_int64(statement, COLUMN_ATTEMPTS);
	row->wait_ms = wait_of(statement, now, &row->failed);
	row->event.id = slice_at(statement, COLUMN_EVENT_ID, arena);
	row->event.subject = slice_at(statement, COLUMN_SUBJECT, arena);
	row->event.key = slice_at(statement, COLUMN_KEY, arena);
	if (row->wait_ms > 0)
		return;
	row->event.headers = slice_at(statement, COLUMN_HEADERS, arena);
	row->event.payload = slice_at(statement, COLUMN_PAYLOAD, arena);
}

/* Asks one bound question; cut tells that its limits were reached. */
static bool ask(struct outbox *outbox, enum prepared which, enum row_source source,
	const struct read_plan *plan, struct batch *batch, bool *was_cut, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[which];
	int64_t bytes = 0;
	size_t rows = 0;
	char now[32];
	int code = SQLITE_ROW;

	clock_format(clock_wall_ms(), now);
	while (bytes < plan->bytes && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row *row = &batch->rows[batch->count++];
		read_row(statement, row, batch->memory, now);
		row->source = source;
		bytes += (int64_t)row->event.payload.size;
		if (++rows == 1 || rows == plan->limit) /* the newest is reported */
			row->created_ms = parse_time(
				(const char *)sqlite3_column_text(statement, COLUMN_CREATED_AT));
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
	char until[32];
	bool cut;

	clock_format(clock_wall_ms() + outbox->config->poll_interval_ms, until);
	for (enum prepared which = READ_RETRY; which <= READ_SCHEDULED; which++) {
		sqlite3_bind_text(file->prepared[which], 1, until, -1, SQLITE_TRANSIENT);
		sqlite3_bind_int64(file->prepared[which], 2, (int64_t)plan->limit);
		if (!ask(outbox, which, which == READ_RETRY ? ROW_RETRY : ROW_SCHEDULED, plan,
			    batch, &cut, err))
			return false;
	}
	return true;
}

static bool ask_all(
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

static void free_memory(void *memory)
{
	arena_finish(memory);
	free(memory);
}

static bool data_version(struct outbox *outbox, int64_t *version, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[DATA_VERSION];

	bool ok = sqlite3_step(statement) == SQLITE_ROW;
	if (ok)
		*version = sqlite3_column_int64(statement, 0);
	else
		sqlite_failed(connection_of(outbox), err);
	sqlite3_reset(statement);
	return ok;
}

static bool same_file(struct outbox *outbox, struct error *err)
{
	struct outbox_file *file = file_of(outbox);
	dev_t device;
	ino_t inode;

	if (!look_at_file(outbox, &device, &inode, err))
		return false;
	if (device == file->device && inode == file->inode)
		return true;
	return error_set(err, ERROR_UNAVAILABLE, "%s: the file was replaced by another",
		db_label(outbox->db));
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox_file *file = file_of(outbox);
	size_t questions = 1 + (plan->sweep ? 1 : 0) + (plan->due ? 2 : 0);

	failpoint("relay.before_read");
	/* The version first: a commit in between is looked for once more, not missed. */
	if (!same_file(outbox, err) || !data_version(outbox, &file->version, err) ||
		!sqlite_run(connection_of(outbox), "BEGIN", err))
		return false;
	*batch = batch_create(plan->limit * questions + 1);
	(*batch)->memory = memory_new(sizeof(struct arena));
	(*batch)->free_memory = free_memory;
	bool ok = ask_all(outbox, plan, *batch, err) &&
		sqlite_run(connection_of(outbox), "COMMIT", err);
	if (!ok) {
		sqlite_rollback(connection_of(outbox));
		batch_destroy(*batch);
	}
	return ok;
}

static void bind_slice(sqlite3_stmt *statement, int at, struct slice text)
{
	sqlite3_bind_text(statement, at, text.data, (int)text.size, SQLITE_STATIC);
}

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
	const struct lease *lease = &outbox->lease;

	sqlite3_bind_text(statement, 1, lease->resource, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, lease->holder, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 3, lease->length_ms);
	sqlite3_bind_int64(statement, 4, lease->epoch);
	if (!run_once(outbox, statement, err))
		return false;
	return sqlite3_changes(sqlite_connection(connection_of(outbox))) == 1 ||
		error_set(err, ERROR_CONFLICT, "the lease on %s is lost", lease->resource);
}

static bool move_position(struct outbox *outbox, const struct position *position, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[POSITION];

	sqlite3_bind_text(statement, 1, outbox->lease.resource, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, position->stream, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 3, position->created, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 4, (int64_t)position->seq);
	return run_once(outbox, statement, err);
}

static void bind_verdict(sqlite3_stmt *statement, const struct verdict *verdict,
	const struct position *position, const char *now)
{
	char retry[32];

	sqlite3_bind_int64(statement, 1, verdict->row->id);
	bind_slice(statement, 2, verdict->row->event.id);
	if (!position) {
		clock_format(clock_wall_ms() + verdict->delay_ms, retry);
		sqlite3_bind_text(statement, 3, verdict->outcome == OUTCOME_DEAD ? NULL : retry, -1,
			SQLITE_TRANSIENT);
		sqlite3_bind_text(statement, 4, verdict->error, -1, SQLITE_STATIC);
	} else if (sqlite3_bind_parameter_count(statement) > 2) {
		sqlite3_bind_text(statement, 3, position->stream, -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 4, (int64_t)verdict->seq);
		sqlite3_bind_text(statement, 5, now, -1, SQLITE_STATIC);
	}
}

static bool settle_all(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	sqlite3_stmt *statement = file_of(outbox)->prepared[position ? SETTLE : FAIL];
	char now[32];

	if (!check_lease(outbox, err))
		return false;
	clock_format(clock_wall_ms(), now);
	*changed = 0;
	for (size_t i = 0; i < count; i++) {
		bind_verdict(statement, verdicts[i], position, now);
		if (!run_once(outbox, statement, err))
			return false;
		*changed += (size_t)sqlite3_changes(sqlite_connection(connection_of(outbox)));
	}
	return !position || move_position(outbox, position, err);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	int64_t sent = clock_now_ms();

	if (!sqlite_run(connection_of(outbox), "BEGIN IMMEDIATE", err))
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

static bool has_news(struct outbox *outbox, bool *news, struct error *err)
{
	int64_t version;

	if (!data_version(outbox, &version, err))
		return false;
	*news = version != file_of(outbox)->version;
	return true;
}

static void drain_inotify(struct outbox *outbox)
{
	char events[4096];

	if (file_of(outbox)->inotify >= 0)
		while (read(file_of(outbox)->inotify, events, sizeof(events)) > 0)
			continue;
}

/* Something was written to the file, perhaps by us; the commit shows within a few milliseconds, if it is one. */
static bool look_again(struct outbox *outbox, int wake_fd, struct error *err)
{
	int64_t until = clock_now_ms() + SETTLE_LOOK_MS;
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };
	bool news = false;

	drain_inotify(outbox);
	while (!news && clock_now_ms() < until) {
		if (!has_news(outbox, &news, err))
			return false;
		if (!news && poll(&fd, 1, 1) > 0)
			return true;
	}
	return true;
}

static bool wait_for_rows(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct pollfd fds[2] = { { .fd = wake_fd, .events = POLLIN },
		{ .fd = file_of(outbox)->inotify, .events = POLLIN } };
	bool news;

	if (!has_news(outbox, &news, err))
		return false;
	if (news || poll(fds, 2, ms < 0 ? 0 : (int)ms) <= 0 || fds[0].revents)
		return true;
	return look_again(outbox, wake_fd, err);
}

const struct outbox_driver outbox_sqlite = {
	.create = create,
	.destroy = destroy,
	.opened = opened,
	.closing = closing,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_rows,
};
