/* The delivered rows of an outbox in SQLite: one statement that is stepped through. */
#include <stdlib.h>

#include "base/memory.h"
#include "db/sqlite.h"
#include "history/marked_driver.h"

struct marked_sqlite {
	sqlite3_stmt *statement;
};

struct marked_sqlite *marked_sqlite_open(
	struct db *db, const char *table, const char *const parameters[3], struct error *err)
{
	char *sql = db_statement_text(DB_SQLITE, SQL_AUDIT_ROWS, table);
	struct marked_sqlite marked;

	bool ok = sqlite_same_file(db_sqlite(db), err) &&
		sqlite_prepare(db_sqlite(db), sql, &marked.statement, err);
	free(sql);
	if (!ok)
		return NULL;
	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(marked.statement, i + 1, parameters[i], -1, SQLITE_TRANSIENT);
	return memcpy(memory_new(sizeof(marked)), &marked, sizeof(marked));
}

void marked_sqlite_close(struct marked_sqlite *marked)
{
	sqlite3_finalize(marked->statement);
	free(marked);
}

bool marked_sqlite_next(
	struct db *db, struct marked_sqlite *marked, struct marked_row *row, struct error *err)
{
	sqlite3_stmt *statement = marked->statement;
	int code = sqlite3_step(statement);

	err->kind = ERROR_NONE;
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? false : sqlite_failed(db_sqlite(db), err);
	row->seq = (uint64_t)sqlite3_column_int64(statement, MARKED_SEQ);
	row->id = sqlite3_column_int64(statement, MARKED_ID);
	row->event_id.data = (const char *)sqlite3_column_text(statement, MARKED_EVENT_ID);
	row->event_id.size = (size_t)sqlite3_column_bytes(statement, MARKED_EVENT_ID);
	row->delivered_ms = sqlite3_column_int64(statement, MARKED_DELIVERED_MS);
	return true;
}
