#ifndef SUPPORT_TESTDB_H
#define SUPPORT_TESTDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One connection to a database that a test writes to and looks into: what an application would do. It is
 * SQLite or PostgreSQL by its URL, in the form that Dray takes. After PostgreSQL was restarted the next
 * call connects anew. One thread a connection; several connections in several threads.
 */
struct testdb;

struct testdb *testdb_open(const char *url); /* an SQLite file is made where it is missing */
void testdb_close(struct testdb *db);

bool testdb_is_postgres(const struct testdb *db);
const char *testdb_url(const struct testdb *db);

/* The table of Dray's that PostgreSQL calls dray.NAME and SQLite dray_NAME. */
const char *testdb_table(const struct testdb *db, const char *name);

/* What differs between the two. */
const char *testdb_pick(const struct testdb *db, const char *sqlite, const char *postgres);

/* Statements, formatted as by printf. An error fails the test, but for try: false and the database's words. */
void testdb_exec(struct testdb *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t testdb_int(struct testdb *db, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* -1 for NULL and for no row */
char *testdb_text(struct testdb *db, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* "" for NULL and for no row */
bool testdb_try(struct testdb *db, char **words, const char *sql);
bool testdb_try_int(struct testdb *db, int64_t *value, const char *sql);

/* Calls fn with every row: cells as text, NULL for SQL NULL, good until it returns. */
typedef void testdb_row_fn(void *context, const char *const *cells);
void testdb_each(struct testdb *db, testdb_row_fn *fn, void *context, const char *sql);

/*
 * Inserts a row into an outbox as an application does, payload byte for byte; key and headers may be NULL.
 * Gives its event_id. Inside whatever transaction is open.
 */
char *testdb_emit_bytes(struct testdb *db, const char *subject, const char *key,
	const char *headers, const void *payload, size_t size);
char *testdb_emit(struct testdb *db, const char *subject, const char *key, const char *headers,
	const char *payload);

/* How many rows of the outbox are in a state. */
int64_t testdb_in_state(struct testdb *db, const char *state);

#endif
