/* SQLite and PostgreSQL, and either of them. */
#include "bench.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

sqlite3 *sqlite_connect(const char *database)
{
	sqlite3 *db;

	if (sqlite3_open(sqlite_path_of(database), &db) != SQLITE_OK)
		die("%s: %s", database, sqlite3_errmsg(db));
	sqlite3_busy_timeout(db, 10000);
	sqlite_do(db, "PRAGMA journal_mode = WAL");
	sqlite_do(db, "PRAGMA synchronous = NORMAL");
	return db;
}

void sqlite_do(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
}

sqlite3_stmt *sqlite_ready(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
		SQLITE_OK)
		die("%s: %s", sql, sqlite3_errmsg(db));
	return statement;
}

PGconn *pg_connect(const char *database)
{
	PGconn *db = PQconnectdb(database);

	if (PQstatus(db) != CONNECTION_OK)
		die("%s", PQerrorMessage(db));
	return db;
}

PGresult *pg_checked(PGconn *db, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die("%s", PQerrorMessage(db));
	return result;
}

void pg_do(PGconn *db, const char *sql)
{
	PQclear(pg_checked(db, PQexec(db, sql)));
}

int64_t pg_int8(const PGresult *result, int row, int column)
{
	uint64_t value;

	memcpy(&value, PQgetvalue(result, row, column), sizeof(value));
	return (int64_t)be64toh(value);
}

struct any_db any_connect(const char *database)
{
	struct any_db db = { 0 };

	if (is_sqlite(database))
		db.sqlite = sqlite_connect(database);
	else
		db.pg = pg_connect(database);
	return db;
}

void any_close(struct any_db *db)
{
	if (db->sqlite)
		sqlite3_close(db->sqlite);
	if (db->pg)
		PQfinish(db->pg);
}

static int64_t sqlite_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = sqlite_ready(db, sql);
	int code = sqlite3_step(statement);
	int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		die("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(statement);
	return value;
}

int64_t any_int(struct any_db *db, const struct question *question)
{
	if (db->sqlite)
		return sqlite_int(db->sqlite, question->sqlite);
	PGresult *result = pg_checked(db->pg, PQexec(db->pg, question->pg));
	int64_t value = PQntuples(result) ? atoll(PQgetvalue(result, 0, 0)) : 0;
	PQclear(result);
	return value;
}

void any_do(struct any_db *db, const char *sqlite_sql, const char *pg_sql)
{
	if (db->sqlite)
		sqlite_do(db->sqlite, sqlite_sql);
	else
		pg_do(db->pg, pg_sql);
}
