/* Reading history in SQLite. */
#include "history/source_driver.h"

#include <stdlib.h>

#include "db/sqlite.h"

enum column {
	COLUMN_NUMBER,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD
};

static struct slice text_of(sqlite3_value *value)
{
	const void *text = sqlite3_value_text(value);

	return (struct slice){ text, (size_t)sqlite3_value_bytes(value) };
}

static void matches(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct slice pattern = text_of(values[0]), subject = text_of(values[1]);

	(void)count;
	sqlite3_result_int(context,
		pattern.data && subject.data && event_subject_matches(pattern.data, subject));
}

bool source_sqlite_prepare(struct db *db, struct error *err)
{
	struct sqlite *sqlite = db_sqlite(db);

	return sqlite3_create_function(sqlite_connection(sqlite), "dray_matches", 2,
		       SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, matches, NULL,
		       NULL) == SQLITE_OK ||
		sqlite_failed(sqlite, err);
}

static struct slice slice_at(sqlite3_stmt *statement, enum column column, struct arena *arena)
{
	const void *data;
	int type = sqlite3_column_type(statement, column);

	if (type == SQLITE_NULL)
		return (struct slice){ 0 };
	data = type == SQLITE_BLOB ? sqlite3_column_blob(statement, column)
				   : (const void *)sqlite3_column_text(statement, column);
	size_t size = (size_t)sqlite3_column_bytes(statement, column);
	return (struct slice){ arena_copy(arena, data, size), size };
}

static void read_row(sqlite3_stmt *statement, struct row *row, struct arena *arena)
{
	row->id = sqlite3_column_int64(statement, COLUMN_NUMBER);
	row->source = ROW_NEW;
	row->event = (struct event){ .id = slice_at(statement, COLUMN_EVENT_ID, arena),
		.subject = slice_at(statement, COLUMN_SUBJECT, arena),
		.key = slice_at(statement, COLUMN_KEY, arena),
		.headers = slice_at(statement, COLUMN_HEADERS, arena),
		.payload = slice_at(statement, COLUMN_PAYLOAD, arena) };
}

static bool read_rows(struct sqlite *sqlite, sqlite3_stmt *statement, int64_t bytes,
	struct batch *batch, struct error *err)
{
	int64_t size = 0;
	int code = SQLITE_ROW;

	while (size < bytes && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row *row = &batch->rows[batch->count++];
		read_row(statement, row, source_arena(batch));
		size += (int64_t)row->event.payload.size;
	}
	return code == SQLITE_ROW || code == SQLITE_DONE || sqlite_failed(sqlite, err);
}

bool source_sqlite_read(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, size_t limit, int64_t bytes,
	struct batch **batch, struct error *err)
{
	struct sqlite *sqlite = db_sqlite(db);
	char *sql = db_statement_text(DB_SQLITE, statement, table);
	sqlite3_stmt *prepared;

	bool ok = sqlite_same_file(sqlite, err) && sqlite_prepare(sqlite, sql, &prepared, err);
	free(sql);
	if (!ok)
		return false;
	for (size_t i = 0; i < count; i++)
		sqlite3_bind_text(prepared, (int)i + 1, parameters[i], -1, SQLITE_STATIC);
	*batch = source_batch(limit);
	ok = read_rows(sqlite, prepared, bytes, *batch, err);
	sqlite3_finalize(prepared);
	if (!ok) {
		batch_destroy(*batch);
		*batch = NULL;
	}
	return ok;
}
