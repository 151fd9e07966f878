#ifndef SINK_TABLE_SQLITE_H
#define SINK_TABLE_SQLITE_H

#include "db/sqlite.h"
#include "sink/table_driver.h"

/* What both drivers of SQLite share: the one for an archive and the one for tables of others. */

struct table_file {
	struct table base;
	sqlite3_stmt *lease, *move, *dead, *gone; /* belong to the connection, as every statement */
};

/* Durability, and the statements. */
bool table_file_open(struct table *table, struct error *err);

/*
 * One transaction: the lease and the position (or sink_dead, where an event is taken back), then for each event the driver's own work, or sink_dead where it is
 * at fault, then what the driver has to add at the end (may be NULL).
 */
typedef bool table_event_fn(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err);
typedef bool table_end_fn(struct table *table, const struct table_store *store, struct error *err);

bool table_file_store(struct table *table, const struct table_store *store, table_event_fn *each,
	table_end_fn *end, struct error *err);

/* Runs a bound statement to its end; *rows counts what it gave, or what it changed. */
bool table_file_run(struct table *table, sqlite3_stmt *statement, int *rows, struct error *err);

/* data NULL: SQL NULL, but bytes become empty ones. The memory must stay until the statement has run. */
void table_bind_text(sqlite3_stmt *statement, int place, struct slice text);
void table_bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes);

#endif
