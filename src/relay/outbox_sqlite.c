/*
 * An outbox in an SQLite file. There is one writer at a time, so ids appear in order and there are no
 * gaps. All questions of a read are asked in one read transaction.
 */
#include "relay/outbox_sqlite.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "db/sqlite.h"

/*
 * inotify speaks when the WAL is written; the commit can be seen once it is synced, which a slow disk takes
 * its time for. It also speaks of our own writes: then looks may be rarer.
 */
#define LOOK_FOR_MS  250
#define PAUSE_MS     4
#define PAUSE_OWN_MS 128

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

/*
 * What is written here may be lost by a power cut: then the rows are looked up in the stream. The pages of a row
 * are out of the cache by the time it is settled, whether that is large or small. The pages that a statement
 * changes are copied in memory: there may be no folder to write them into.
 */
static bool opened(struct outbox *outbox, struct error *err)
{
	if (!migrate_check(outbox->db, MIGRATE_OUTBOX, outbox->config->table, err) ||
		!sqlite_run(connection_of(outbox),
			"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512; "
			"PRAGMA temp_store = MEMORY",
			err) ||
		!outbox_file_prepare_settling(outbox, err) || !prepare(outbox, err))
		return false;
	watch(outbox);
	return true;
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

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox_file *file = file_of(outbox);

	failpoint("relay.before_read");
	/* The version first: a commit in between is looked for once more, not missed. */
	if (!sqlite_same_file(connection_of(outbox), err) ||
		!data_version(outbox, &file->version, err) ||
		!sqlite_run(connection_of(outbox), "BEGIN", err))
		return false;
	*batch = batch_create(0);
	bool ok = outbox_file_ask(outbox, plan, *batch, err) &&
		sqlite_run(connection_of(outbox), "COMMIT", err);
	if (!ok) {
		sqlite_rollback(connection_of(outbox));
		batch_destroy(*batch);
	}
	return ok;
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

/* Whether this connection has written since it was last asked. */
static bool wrote(struct outbox *outbox)
{
	int before = file_of(outbox)->changes;

	file_of(outbox)->changes = sqlite3_total_changes(sqlite_connection(connection_of(outbox)));
	return file_of(outbox)->changes != before;
}

/* Something was written to the file, perhaps by us alone: looks for a commit. */
static bool look_again(struct outbox *outbox, struct pollfd fds[2], struct error *err)
{
	int64_t until = clock_now_ms() + LOOK_FOR_MS;
	int pause = 1, longest = wrote(outbox) ? PAUSE_OWN_MS : PAUSE_MS;
	bool news = false;

	drain_inotify(outbox);
	while (clock_now_ms() < until) {
		if (!has_news(outbox, &news, err))
			return false;
		if (news)
			return true;
		poll(fds, 2, pause);
		if (fds[0].revents)
			return true;
		pause = pause * 2 < longest ? pause * 2 : longest;
		if (fds[1].revents) { /* somebody else's */
			drain_inotify(outbox);
			until = clock_now_ms() + LOOK_FOR_MS;
			pause = 1;
			longest = PAUSE_MS;
		}
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
	return look_again(outbox, fds, err);
}

const struct outbox_driver outbox_sqlite = {
	.parts = 3,
	.create = create,
	.destroy = destroy,
	.opened = opened,
	.closing = closing,
	.read = read_rows,
	.settle = outbox_file_settle,
	.wait = wait_for_rows,
};
