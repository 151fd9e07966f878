/* One connection to an SQLite file; every error is turned into an error kind in one place. */
#include "db/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

struct sqlite {
	char *path;
	sqlite3 *connection;
	dev_t device; /* of the open file */
	ino_t inode;
	bool impatient;
	int64_t waits_since_ms; /* monotonic: the first of the naps for one lock */
};

#define SHORT_NAPS 500

struct sqlite *sqlite_create(const char *path)
{
	struct sqlite *sqlite = memory_new(sizeof(*sqlite));

	sqlite->path = memory_text(path);
	return sqlite;
}

void sqlite_destroy(struct sqlite *sqlite)
{
	if (!sqlite)
		return;
	sqlite_close(sqlite);
	free(sqlite->path);
	free(sqlite);
}

const char *sqlite_path(const struct sqlite *sqlite)
{
	return sqlite->path;
}

bool sqlite_is_open(const struct sqlite *sqlite)
{
	return sqlite->connection != NULL;
}

sqlite3 *sqlite_connection(struct sqlite *sqlite)
{
	return sqlite->connection;
}

void sqlite_close(struct sqlite *sqlite)
{
	sqlite3_stmt *statement;

	if (!sqlite->connection)
		return;
	while ((statement = sqlite3_next_stmt(sqlite->connection, NULL)))
		sqlite3_finalize(statement);
	sqlite3_close(sqlite->connection);
	sqlite->connection = NULL;
}

/*
 * SQLite's own naps grow to 100 ms: beside an application that commits all the time whoever sleeps so long
 * finds the lock taken again and again.
 */
static int nap(void *context, int naps)
{
	struct sqlite *sqlite = context;

	if (naps == 0)
		sqlite->waits_since_ms = clock_now_ms();
	if (sqlite->impatient || clock_now_ms() - sqlite->waits_since_ms >= SQLITE_BUSY_MS)
		return 0;
	usleep(naps < SHORT_NAPS ? 500 : 5000);
	return 1;
}

void sqlite_wait_for_writers(struct sqlite *sqlite, bool wait)
{
	sqlite->impatient = !wait;
}

static enum error_kind kind_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return ERROR_REJECTED;
	case SQLITE_ERROR:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_AUTH:
		return ERROR_SCHEMA;
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
	case SQLITE_INTERNAL:
		return ERROR_INTERNAL;
	default: /* busy, locked, full, no permission, read-only, input or output: it may pass */
		return ERROR_UNAVAILABLE;
	}
}

bool sqlite_failed(struct sqlite *sqlite, struct error *err)
{
	int code = sqlite3_extended_errcode(sqlite->connection);

	return error_set(err, kind_of(code), "sqlite:%s: %s (SQLite error %d)", sqlite->path,
		sqlite3_errmsg(sqlite->connection), code);
}

static bool look_at_file(struct sqlite *sqlite, dev_t *device, ino_t *inode)
{
	struct stat file;

	if (stat(sqlite->path, &file) != 0)
		return false;
	*device = file.st_dev;
	*inode = file.st_ino;
	return true;
}

bool sqlite_same_file(struct sqlite *sqlite, struct error *err)
{
	dev_t device;
	ino_t inode;

	if (!look_at_file(sqlite, &device, &inode))
		return error_set(err, ERROR_UNAVAILABLE, "sqlite:%s: the file is gone: %s",
			sqlite->path, strerror(errno));
	return (device == sqlite->device && inode == sqlite->inode) ||
		error_set(err, ERROR_UNAVAILABLE, "sqlite:%s: the file was replaced by another",
			sqlite->path);
}

/* SQLite itself says only that it cannot. */
static bool not_opened(struct sqlite *sqlite, struct error *err)
{
	int reason = sqlite3_system_errno(sqlite->connection);
	struct stat file;

	if (stat(sqlite->path, &file) == 0 && S_ISDIR(file.st_mode))
		return error_set(err, ERROR_UNAVAILABLE,
			"sqlite:%s: is a folder; name a file in it", sqlite->path);
	if (!reason)
		return sqlite_failed(sqlite, err);
	return error_set(err, ERROR_UNAVAILABLE,
		"sqlite:%s: %s; its folder must be there, and both must be writable", sqlite->path,
		strerror(reason));
}

bool sqlite_open(struct sqlite *sqlite, bool create, struct error *err)
{
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX;

	sqlite_close(sqlite);
	bool there = look_at_file(sqlite, &sqlite->device, &sqlite->inode);
	if (!create && !there)
		return error_set(err, ERROR_UNAVAILABLE,
			"sqlite:%s: %s; dray migrate makes a file that is missing", sqlite->path,
			strerror(errno));
	if (sqlite3_open_v2(sqlite->path, &sqlite->connection, flags, NULL) != SQLITE_OK) {
		not_opened(sqlite, err);
		sqlite_close(sqlite);
		return false;
	}
	sqlite3_extended_result_codes(sqlite->connection, 1);
	sqlite->impatient = false;
	sqlite3_busy_handler(sqlite->connection, nap, sqlite);
	if (!there)
		look_at_file(sqlite, &sqlite->device, &sqlite->inode);
	if (sqlite_same_file(sqlite, err)) /* not replaced while it was opened */
		return true;
	sqlite_close(sqlite);
	return false;
}

bool sqlite_run(struct sqlite *sqlite, const char *sql, struct error *err)
{
	if (!sqlite->connection)
		return error_set(err, ERROR_UNAVAILABLE, "sqlite:%s: not open", sqlite->path);
	return sqlite3_exec(sqlite->connection, sql, NULL, NULL, NULL) == SQLITE_OK ||
		sqlite_failed(sqlite, err);
}

bool sqlite_prepare(
	struct sqlite *sqlite, const char *sql, sqlite3_stmt **statement, struct error *err)
{
	if (!sqlite->connection)
		return error_set(err, ERROR_UNAVAILABLE, "sqlite:%s: not open", sqlite->path);
	return sqlite3_prepare_v3(sqlite->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, statement,
		       NULL) == SQLITE_OK ||
		sqlite_failed(sqlite, err);
}

struct slice sqlite_slice(sqlite3_stmt *statement, int column)
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
	return (struct slice){ data ? data : "", size };
}

void sqlite_bind_slice(sqlite3_stmt *statement, int place, struct slice text)
{
	sqlite3_bind_text(statement, place, text.data, (int)text.size, SQLITE_STATIC);
}

void sqlite_rollback(struct sqlite *sqlite)
{
	if (sqlite->connection && !sqlite3_get_autocommit(sqlite->connection))
		sqlite3_exec(sqlite->connection, "ROLLBACK", NULL, NULL, NULL);
}
