/* Reading history in SQLite. */
#include "history/source_driver.h"

#include <stdlib.h>

#include "db/sqlite.h"

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

static void read_row(sqlite3_stmt *statement, struct row *row)
{
	row->id = sqlite3_column_int64(statement, SOURCE_NUMBER);
	row->source = ROW_NEW;
	row->event = (struct event){ .id = sqlite_slice(statement, SOURCE_EVENT_ID),
		.subject = sqlite_slice(statement, SOURCE_SUBJECT),
		.key = sqlite_slice(statement, SOURCE_KEY),
		.headers = sqlite_slice(statement, SOURCE_HEADERS),
		.payload = sqlite_slice(statement, SOURCE_PAYLOAD) };
}

static bool read_rows(struct sqlite *sqlite, sqlite3_stmt *statement, int64_t bytes,
	struct batch *batch, struct error *err)
{
	int64_t size = 0;
	int code = SQLITE_ROW;

	while (size < bytes && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row row = { 0 };
		read_row(statement, &row);
		size += (int64_t)row.event.payload.size;
		batch_add(batch, &row);
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
	*batch = batch_create(limit);
	ok = read_rows(sqlite, prepared, bytes, *batch, err);
	sqlite3_finalize(prepared);
	if (!ok) {
		batch_destroy(*batch);
		*batch = NULL;
	}
	return ok;
}
