#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"
#include "base/slice.h"

/* One connection to an SQLite file. One thread. A writer in the way is waited for up to SQLITE_BUSY_MS. */
struct sqlite;

#define SQLITE_BUSY_MS 5000

struct sqlite *sqlite_create(const char *path);
void sqlite_destroy(struct sqlite *sqlite);
const char *sqlite_path(const struct sqlite *sqlite);

bool sqlite_open(struct sqlite *sqlite, bool create, struct error *err);
void sqlite_close(struct sqlite *sqlite); /* finalizes every statement of it */

/*
 * Whether the path still leads to the file that is open. One that was replaced can be read and written as if
 * nothing were, and what is written is gone. ERROR_UNAVAILABLE: open again.
 */
bool sqlite_same_file(struct sqlite *sqlite, struct error *err);
bool sqlite_is_open(const struct sqlite *sqlite);
void sqlite_wait_for_writers(struct sqlite *sqlite, bool wait); /* until it is opened again */
sqlite3 *sqlite_connection(struct sqlite *sqlite);

/* Fills err from the connection's last error; false. To be called right after the call that failed. */
bool sqlite_failed(struct sqlite *sqlite, struct error *err);

bool sqlite_run(
	struct sqlite *sqlite, const char *sql, struct error *err); /* a script without results */
bool sqlite_prepare(
	struct sqlite *sqlite, const char *sql, sqlite3_stmt **statement, struct error *err);

/* A column of the row that a step gave, good until the next step; no data: SQL NULL. */
struct slice sqlite_slice(sqlite3_stmt *statement, int column);
void sqlite_bind_slice(sqlite3_stmt *statement, int place, struct slice text); /* not copied */
void sqlite_rollback(struct sqlite *sqlite); /* where a transaction is open */

#endif
