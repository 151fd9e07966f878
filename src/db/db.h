#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/stop.h"
#include "statements.h"

/*
 * One connection to one database, for the work that is the same on both: leases, positions, status,
 * migrations. Values travel as text. The hot ways (reading and settling an outbox, storing a batch) have
 * drivers of their own, which take the connection from here (db_sqlite, db_postgres).
 *
 * One thread at a time. No call blocks past its deadline: a database that does not answer in time is
 * ERROR_UNAVAILABLE and its connection is closed.
 */
enum db_kind { DB_SQLITE, DB_POSTGRES };

struct db;
struct sqlite;
struct postgres;

/* Whether url names a database: sqlite:PATH, postgresql://... or postgres://... (ERROR_USAGE). */
bool db_check_url(const char *url, enum db_kind *kind, struct error *err);

/* No I/O. `name` shows up as application_name. stop (may be NULL) ends waits early: ERROR_STOPPED. */
struct db *db_create(const char *url, const char *name, struct stop *stop, struct error *err);
void db_destroy(struct db *db); /* accepts NULL */

/*
 * Connects (closing what was open). create: an SQLite file that is missing is made; otherwise it is
 * ERROR_UNAVAILABLE. On PostgreSQL a pooler between or a database in recovery is refused (ERROR_SCHEMA).
 */
bool db_open(struct db *db, bool create, struct error *err);
void db_close(struct db *db);
bool db_is_open(const struct db *db);

/*
 * SQLite: whether the next calls wait for another writer of the file, as they do at first; and whether the
 * call that just failed did so since there was one.
 */
void db_wait_for_writers(struct db *db, bool wait);
bool db_is_busy(const struct db *db);

enum db_kind db_kind(const struct db *db);
const char *db_label(const struct db *db); /* for people, without secrets */
struct sqlite *db_sqlite(struct db *db); /* NULL for the other kind */
struct postgres *db_postgres(struct db *db);

/* Lets statements take so long, instead of the usual deadline; on SQLite there is none. */
void db_be_patient(struct db *db, int64_t ms);

/* Rows of text; NULL is SQL NULL. Belong to the arena given to db_run. */
struct db_rows {
	size_t rows, columns;
	const char **cells;
	int64_t changed; /* rows inserted, updated or deleted */
};

static inline const char *db_cell(const struct db_rows *rows, size_t row, size_t column)
{
	return rows->cells[row * rows->columns + column];
}

/*
 * Runs one embedded statement with positional parameters ($1... in PostgreSQL, ?1... in SQLite; NULL is
 * SQL NULL). `{table}` in the text becomes the quoted table name. arena and rows may be NULL together.
 */
bool db_run(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, struct arena *arena, struct db_rows *rows,
	struct error *err);

/* The same for a statement that was made by hand. */
bool db_run_text(struct db *db, const char *sql, const char *const *parameters, size_t count,
	struct arena *arena, struct db_rows *rows, struct error *err);

/*
 * A transaction of several db_run. In SQLite it is a writer from the beginning. db_rollback does nothing
 * where none is open or the connection is gone.
 */
bool db_begin(struct db *db, struct error *err);
bool db_commit(struct db *db, struct error *err);
void db_rollback(struct db *db);

/* Runs a script of several statements as one transaction (migrations). */
bool db_script(struct db *db, const char *sql, struct error *err);

/*
 * Quotes "schema.table" or "table" for SQL ("""schema"".""table"""). ERROR_USAGE unless it is one or two
 * names of letters, digits, _ and $. The result belongs to the caller.
 */
char *db_quote_table(const char *table, struct error *err);

/* Replaces every {table} in text by the quoted name. The result belongs to the caller. */
char *db_expand(const char *text, const char *quoted_table);

/* The columns of a table, each its name and type; no rows where there is no such table. */
bool db_columns(struct db *db, const char *table, struct arena *arena, struct db_rows *columns,
	struct error *err);

/* The text of an embedded statement for a kind, expanded; NULL table where it has no {table}. */
char *db_statement_text(enum db_kind kind, enum statement statement, const char *table);

/* The same with words of the caller's: each {name} becomes its text, in one pass. */
struct db_word {
	const char *name, *text;
};

char *db_statement_words(
	enum db_kind kind, enum statement statement, const struct db_word *words, size_t count);

#endif
