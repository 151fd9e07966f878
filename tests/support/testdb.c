/* A test's own connection to either database. */
#include "support/testdb.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>

#include "support/common.h"

#define COLUMNS 32

struct testdb {
	char *url;
	sqlite3 *sqlite;
	PGconn *postgres;
};

struct testdb *testdb_open(const char *url)
{
	struct testdb *db = calloc(1, sizeof(*db));

	db->url = strdup(url);
	if (strncmp(url, "sqlite:", 7) == 0) {
		if (sqlite3_open(url + 7, &db->sqlite) != SQLITE_OK)
			give_up("%s: %s", url, sqlite3_errmsg(db->sqlite));
		sqlite3_busy_timeout(db->sqlite, (int)patience(30000));
		return db;
	}
	db->postgres = PQconnectdb(url);
	if (PQstatus(db->postgres) != CONNECTION_OK)
		give_up("%s: %s", url, PQerrorMessage(db->postgres));
	testdb_exec(db, "SET client_min_messages = warning");
	return db;
}

void testdb_close(struct testdb *db)
{
	if (!db)
		return;
	sqlite3_close(db->sqlite);
	PQfinish(db->postgres);
	free(db->url);
	free(db);
}

bool testdb_is_postgres(const struct testdb *db)
{
	return db->postgres != NULL;
}

const char *testdb_url(const struct testdb *db)
{
	return db->url;
}

const char *testdb_table(const struct testdb *db, const char *name)
{
	return text("%s%s", db->postgres ? "dray." : "dray_", name);
}

const char *testdb_pick(const struct testdb *db, const char *sqlite, const char *postgres)
{
	return db->postgres ? postgres : sqlite;
}

static bool sqlite_rows(
	struct testdb *db, sqlite3_stmt *statement, testdb_row_fn *fn, void *context)
{
	const char *cells[COLUMNS];
	int status;

	while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(statement) && i < COLUMNS; i++)
			cells[i] = (const char *)sqlite3_column_text(statement, i);
		if (fn)
			fn(context, cells);
	}
	(void)db;
	return status == SQLITE_DONE;
}

/* A script may have several statements. */
static bool sqlite_run(struct testdb *db, const char *sql, testdb_row_fn *fn, void *context)
{
	bool good = true;

	while (good && *sql) {
		sqlite3_stmt *statement = NULL;
		if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, &sql) != SQLITE_OK)
			return false;
		if (!statement)
			continue;
		good = sqlite_rows(db, statement, fn, context);
		good = sqlite3_finalize(statement) == SQLITE_OK && good;
	}
	return good;
}

static void postgres_rows(PGresult *result, testdb_row_fn *fn, void *context)
{
	const char *cells[COLUMNS];

	for (int row = 0; fn && row < PQntuples(result); row++) {
		for (int i = 0; i < PQnfields(result) && i < COLUMNS; i++)
			cells[i] = PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i);
		fn(context, cells);
	}
}

static bool postgres_run(struct testdb *db, const char *sql, testdb_row_fn *fn, void *context)
{
	if (PQstatus(db->postgres) == CONNECTION_BAD)
		PQreset(db->postgres);
	PGresult *result = PQexec(db->postgres, sql);
	ExecStatusType status = PQresultStatus(result);

	postgres_rows(result, fn, context);
	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
		status == PGRES_EMPTY_QUERY;
}

static bool run(struct testdb *db, const char *sql, testdb_row_fn *fn, void *context)
{
	return (db->postgres ? postgres_run : sqlite_run)(db, sql, fn, context);
}

static const char *words_of(const struct testdb *db)
{
	return db->postgres ? PQerrorMessage(db->postgres) : sqlite3_errmsg(db->sqlite);
}

static void run_or_fail(struct testdb *db, const char *sql, testdb_row_fn *fn, void *context)
{
	if (!run(db, sql, fn, context))
		give_up("%s: %s\nin: %.2000s", db->url, words_of(db), sql);
}

__attribute__((format(printf, 1, 0))) static char *formatted(const char *format, va_list arguments)
{
	char *sql;

	if (vasprintf(&sql, format, arguments) < 0)
		abort();
	return sql;
}

void testdb_exec(struct testdb *db, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *sql = formatted(format, arguments);
	va_end(arguments);
	run_or_fail(db, sql, NULL, NULL);
	free(sql);
}

static void first_cell(void *context, const char *const *cells)
{
	char **found = context;

	if (!*found && cells[0])
		*found = text("%s", cells[0]);
}

int64_t testdb_int(struct testdb *db, const char *format, ...)
{
	char *found = NULL;
	va_list arguments;

	va_start(arguments, format);
	char *sql = formatted(format, arguments);
	va_end(arguments);
	run_or_fail(db, sql, first_cell, &found);
	free(sql);
	return found ? strtoll(found, NULL, 10) : -1;
}

char *testdb_text(struct testdb *db, const char *format, ...)
{
	char *found = NULL;
	va_list arguments;

	va_start(arguments, format);
	char *sql = formatted(format, arguments);
	va_end(arguments);
	run_or_fail(db, sql, first_cell, &found);
	free(sql);
	return found ? found : text("%s", "");
}

bool testdb_try(struct testdb *db, char **words, const char *sql)
{
	bool good = run(db, sql, NULL, NULL);

	if (words)
		*words = good ? NULL : text("%s", words_of(db));
	return good;
}

bool testdb_try_int(struct testdb *db, int64_t *value, const char *sql)
{
	char *found = NULL;

	if (!run(db, sql, first_cell, &found) || !found)
		return false;
	*value = strtoll(found, NULL, 10);
	return true;
}

void testdb_each(struct testdb *db, testdb_row_fn *fn, void *context, const char *sql)
{
	run_or_fail(db, sql, fn, context);
}

static char *emit_sqlite(
	struct testdb *db, const char *const *values, const void *payload, int size)
{
	static const char sql[] = "INSERT INTO dray_outbox (subject, key, headers, payload) "
				  "VALUES (?1, ?2, ?3, ?4) RETURNING event_id";
	sqlite3_stmt *statement;
	char *id = NULL;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
		give_up("%s: %s", db->url, sqlite3_errmsg(db->sqlite));
	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(statement, i + 1, values[i], -1, SQLITE_STATIC);
	sqlite3_bind_blob(statement, 4, payload, size, SQLITE_STATIC);
	if (!sqlite_rows(db, statement, first_cell, &id))
		give_up("%s: %s", db->url, sqlite3_errmsg(db->sqlite));
	sqlite3_finalize(statement);
	return id;
}

static char *emit_postgres(
	struct testdb *db, const char *const *values, const void *payload, int size)
{
	static const char sql[] = "INSERT INTO dray.outbox (subject, key, headers, payload) "
				  "VALUES ($1, $2, $3::jsonb, $4::bytea) RETURNING event_id";
	const char *all[] = { values[0], values[1], values[2], payload };
	const int sizes[] = { 0, 0, 0, size }, formats[] = { 0, 0, 0, 1 };
	PGresult *result = PQexecParams(db->postgres, sql, 4, NULL, all, sizes, formats, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		give_up("%s: %s", db->url, PQerrorMessage(db->postgres));
	char *id = text("%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return id;
}

char *testdb_emit_bytes(struct testdb *db, const char *subject, const char *key,
	const char *headers, const void *payload, size_t size)
{
	const char *values[] = { subject, key, headers };

	return (db->postgres ? emit_postgres : emit_sqlite)(
		db, values, size ? payload : "", (int)size);
}

char *testdb_emit(struct testdb *db, const char *subject, const char *key, const char *headers,
	const char *payload)
{
	return testdb_emit_bytes(db, subject, key, headers, payload, strlen(payload));
}

int64_t testdb_in_state(struct testdb *db, const char *state)
{
	return testdb_int(db, "SELECT count(*) FROM %s WHERE state = '%s'",
		testdb_table(db, "outbox"), state);
}
