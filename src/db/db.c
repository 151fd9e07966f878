/*
 * One connection to either database for the work that is the same on both: values travel as text, and the
 * statements are the embedded files of the same name.
 */
#include "db/db.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "db/embedded.h"
#include "db/postgres.h"
#include "db/postgres_url.h"
#include "db/sqlite.h"

struct db {
	enum db_kind kind;
	char *label;
	struct sqlite *sqlite; /* one of the two */
	struct postgres *postgres;
};

bool db_check_url(const char *url, enum db_kind *kind, struct error *err)
{
	if (strncmp(url, "sqlite:", 7) == 0 && url[7]) {
		*kind = DB_SQLITE;
		return true;
	}
	if (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0) {
		PQconninfoOption *options = postgres_url_parse(url, err);
		*kind = DB_POSTGRES;
		PQconninfoFree(options);
		return options != NULL;
	}
	return error_set(err, ERROR_USAGE,
		"a database is sqlite:PATH or postgresql://HOST/NAME, and this is neither");
}

struct db *db_create(const char *url, const char *name, struct stop *stop, struct error *err)
{
	enum db_kind kind;

	if (!db_check_url(url, &kind, err))
		return NULL;
	struct db *db = memory_new(sizeof(*db));
	db->kind = kind;
	if (kind == DB_SQLITE) {
		db->sqlite = sqlite_create(url + 7);
		db->label = memory_text(url);
		return db;
	}
	db->postgres = postgres_create(url, name, stop, err);
	if (!db->postgres) {
		free(db);
		return NULL;
	}
	db->label = memory_text(postgres_label(db->postgres));
	return db;
}

void db_destroy(struct db *db)
{
	if (!db)
		return;
	sqlite_destroy(db->sqlite);
	postgres_destroy(db->postgres);
	free(db->label);
	free(db);
}

bool db_open(struct db *db, bool create, struct error *err)
{
	if (db->kind == DB_SQLITE)
		return sqlite_open(db->sqlite, create, err);
	return postgres_open(db->postgres, err);
}

void db_close(struct db *db)
{
	if (db->kind == DB_SQLITE)
		sqlite_close(db->sqlite);
	else
		postgres_close(db->postgres);
}

bool db_is_open(const struct db *db)
{
	return db->kind == DB_SQLITE ? sqlite_is_open(db->sqlite) : postgres_is_open(db->postgres);
}

void db_wait_for_writers(struct db *db, bool wait)
{
	if (db->sqlite)
		sqlite_wait_for_writers(db->sqlite, wait);
}

bool db_is_busy(const struct db *db)
{
	int code = db->sqlite && sqlite_is_open(db->sqlite)
		? sqlite3_errcode(sqlite_connection(db->sqlite))
		: SQLITE_OK;

	return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

enum db_kind db_kind(const struct db *db)
{
	return db->kind;
}

const char *db_label(const struct db *db)
{
	return db->label;
}

struct sqlite *db_sqlite(struct db *db)
{
	return db->sqlite;
}

struct postgres *db_postgres(struct db *db)
{
	return db->postgres;
}

void db_be_patient(struct db *db, int64_t ms)
{
	if (db->kind == DB_POSTGRES)
		postgres_be_patient(db->postgres, ms);
}

/* PostgreSQL: the result as rows of text in the arena. */
static void copy_result(const PGresult *result, struct arena *arena, struct db_rows *rows)
{
	rows->rows = (size_t)PQntuples(result);
	rows->columns = (size_t)PQnfields(result);
	rows->cells = arena_new(arena, (rows->rows * rows->columns + 1) * sizeof(char *));
	rows->changed = atoll(PQcmdTuples((PGresult *)(uintptr_t)result));
	for (size_t row = 0; row < rows->rows; row++)
		for (size_t column = 0; column < rows->columns; column++) {
			int r = (int)row, c = (int)column;
			rows->cells[row * rows->columns + column] = PQgetisnull(result, r, c)
				? NULL
				: arena_copy(arena, PQgetvalue(result, r, c),
					  (size_t)PQgetlength(result, r, c));
		}
}

static bool run_postgres(struct db *db, const char *sql, const char *const *parameters,
	size_t count, struct arena *arena, struct db_rows *rows, struct error *err)
{
	struct postgres_call call = { .sql = sql };
	PGresult *result;

	for (size_t i = 0; i < count; i++)
		postgres_add_text(&call, parameters[i]);
	if (!postgres_call(db->postgres, &call, &result, err))
		return false;
	if (rows)
		copy_result(result, arena, rows);
	PQclear(result);
	return true;
}

/* SQLite: steps through a bound statement; the rows grow in the arena. */
static bool step_all(struct sqlite *sqlite, sqlite3_stmt *statement, struct arena *arena,
	struct db_rows *rows, struct error *err)
{
	struct buf cells = { 0 };
	size_t columns = (size_t)sqlite3_column_count(statement), count = 0;
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (size_t column = 0; rows && column < columns; column++) {
			const void *text = sqlite3_column_text(statement, (int)column);
			size_t size = (size_t)sqlite3_column_bytes(statement, (int)column);
			char *copy = text ? arena_copy(arena, text, size) : NULL;
			buf_add(&cells, &copy, sizeof(copy));
		}
		count++;
	}
	if (rows) {
		rows->rows = count;
		rows->columns = columns;
		rows->cells = arena_new(arena, cells.size + 1);
		if (cells.size)
			memcpy(rows->cells, cells.data, cells.size);
		rows->changed = sqlite3_changes64(sqlite_connection(sqlite));
	}
	buf_finish(&cells);
	return code == SQLITE_DONE || sqlite_failed(sqlite, err);
}

static bool run_sqlite(struct db *db, const char *sql, const char *const *parameters, size_t count,
	struct arena *arena, struct db_rows *rows, struct error *err)
{
	sqlite3_stmt *statement;

	if (!sqlite_same_file(db->sqlite, err) || !sqlite_prepare(db->sqlite, sql, &statement, err))
		return false;
	for (size_t i = 0; i < count; i++)
		sqlite3_bind_text(statement, (int)i + 1, parameters[i], -1, SQLITE_TRANSIENT);
	bool ok = step_all(db->sqlite, statement, arena, rows, err);
	sqlite3_finalize(statement);
	return ok;
}

bool db_run(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, struct arena *arena, struct db_rows *rows,
	struct error *err)
{
	char *sql = db_statement_text(db->kind, statement, table);
	bool ok = db_run_text(db, sql, parameters, count, arena, rows, err);

	free(sql);
	return ok;
}

bool db_run_text(struct db *db, const char *sql, const char *const *parameters, size_t count,
	struct arena *arena, struct db_rows *rows, struct error *err)
{
	return db->kind == DB_SQLITE ? run_sqlite(db, sql, parameters, count, arena, rows, err)
				     : run_postgres(db, sql, parameters, count, arena, rows, err);
}

static bool run_text(struct db *db, const char *sql, struct error *err)
{
	if (db->kind == DB_SQLITE)
		return sqlite_run(db->sqlite, sql, err);
	return postgres_script(db->postgres, sql, 0, err);
}

bool db_begin(struct db *db, struct error *err)
{
	return run_text(db, db->kind == DB_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

bool db_commit(struct db *db, struct error *err)
{
	return run_text(db, "COMMIT", err);
}

void db_rollback(struct db *db)
{
	if (db->kind == DB_SQLITE)
		sqlite_rollback(db->sqlite);
	else if (postgres_is_open(db->postgres))
		postgres_script(db->postgres, "ROLLBACK", 0, NULL);
}

bool db_script(struct db *db, const char *sql, struct error *err)
{
	if (db->kind == DB_POSTGRES)
		return postgres_script(
			db->postgres, sql, 60000, err); /* a simple query is one transaction */
	char *whole = memory_format("BEGIN IMMEDIATE;\n%s\n;COMMIT;", sql);
	bool ok = sqlite_run(db->sqlite, whole, err);
	if (!ok)
		sqlite_rollback(db->sqlite);
	free(whole);
	return ok;
}

char *db_quote_table(const char *table, struct error *err)
{
	struct buf quoted = { 0 };
	size_t dots = 0;

	for (const char *c = table; *c; c++) {
		bool edge = c == table || c[-1] == '.' || !c[1] || c[1] == '.';
		if (*c == '.' && !edge)
			dots++;
		else if (!isalnum((unsigned char)*c) && *c != '_' && *c != '$')
			dots = 2;
	}
	if (!*table || dots > 1) {
		error_set(err, ERROR_USAGE,
			"'%s' is not a table name: one or two names of letters, digits, _ and $, "
			"with a dot between",
			table);
		return NULL;
	}
	buf_add_char(&quoted, '"');
	for (const char *c = table; *c; c++)
		if (*c == '.')
			buf_add_text(&quoted, "\".\"");
		else
			buf_add_char(&quoted, *c);
	buf_add_char(&quoted, '"');
	return quoted.data;
}

/* The word that stands at {, or NULL. */
static const struct db_word *word_at(const char *at, const struct db_word *words, size_t count)
{
	size_t size = strcspn(at + 1, "}");

	for (size_t i = 0; i < count; i++)
		if (strlen(words[i].name) == size && memcmp(words[i].name, at + 1, size) == 0)
			return &words[i];
	return NULL;
}

static char *expand(const char *text, const struct db_word *words, size_t count)
{
	struct buf out = { 0 };

	buf_add_text(&out, "");
	for (const char *c = text; *c; c++) {
		const struct db_word *word = *c == '{' ? word_at(c, words, count) : NULL;
		if (word) {
			buf_add_text(&out, word->text);
			c += strlen(word->name) + 1;
		} else {
			buf_add_char(&out, *c);
		}
	}
	return out.data;
}

/* {table} is the quoted table, {name} the bare last part of it. */
char *db_expand(const char *text, const char *quoted_table)
{
	size_t size = strlen(quoted_table), start = size - 1;

	while (start > 0 && quoted_table[start - 1] != '"')
		start--;
	char *name = memory_copy(quoted_table + start, size - 1 - start);
	const struct db_word words[] = { { "table", quoted_table }, { "name", name } };
	char *expanded = expand(text, words, 2);
	free(name);
	return expanded;
}

bool db_columns(struct db *db, const char *table, struct arena *arena, struct db_rows *columns,
	struct error *err)
{
	char *quoted = db_quote_table(table, err);
	const char *dot = strchr(table, '.');

	if (!quoted)
		return false;
	const char *name = db_kind(db) == DB_POSTGRES ? quoted : dot ? dot + 1 : table;
	bool ok = db_run(db, SQL_TABLE_COLUMNS, NULL, &name, 1, arena, columns, err);
	free(quoted);
	return ok;
}

char *db_statement_words(
	enum db_kind kind, enum statement statement, const struct db_word *words, size_t count)
{
	return expand(embedded_statements[statement].text[kind], words, count);
}

char *db_statement_text(enum db_kind kind, enum statement statement, const char *table)
{
	const char *text = embedded_statements[statement].text[kind];

	if (!table)
		return memory_text(text);
	char *quoted = db_quote_table(table, NULL);
	char *expanded = db_expand(text, quoted ? quoted : "\"\"");
	free(quoted);
	return expanded;
}
