#ifndef SINK_TABLE_SQLITE_H
#define SINK_TABLE_SQLITE_H

#include "base/buf.h"
#include "db/sqlite.h"
#include "sink/table_driver.h"

/* The statements of a sink, and those of each of its tables. They belong to the connection. */
enum file_statement {
	FILE_LEASE,
	FILE_MOVE,
	FILE_DEAD,
	FILE_GONE,
	FILE_MARK,
	FILE_FORGET,
	FILE_ONCE,
	FILE_OLDER,
	FILE_REMEMBER,
	FILE_VERSION,
	FILE_STATEMENTS
};

enum route_statement { ROUTE_STORE, ROUTE_AGAIN, ROUTE_DELETE, ROUTE_STATEMENTS };

struct file_route {
	sqlite3_stmt *statements[ROUTE_STATEMENTS];
};

struct table_file {
	struct table base;
	sqlite3_stmt *statements[FILE_STATEMENTS];
	struct file_route *routes;
	int version; /* of the file's tables when the plans were made */
	struct buf key; /* kept for its memory */
};

struct table_file *table_file_of(struct table *table);

/* Stores an event, which is neither at fault nor to be skipped, into its table. */
bool table_file_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err);

/* Runs a bound statement to its end; *rows counts what it gave, or what it changed. */
bool table_file_run(struct table *table, sqlite3_stmt *statement, int *rows, struct error *err);

/* As sqlite_bind_slice, but bytes without data become empty ones. */
void table_bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes);

/* The first two parameters of most: the names of sink and stream. */
void table_bind_names(struct table *table, sqlite3_stmt *statement);

#endif
