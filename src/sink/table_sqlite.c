/*
 * A target table in SQLite: prepared inserts in one transaction, which begins as a writer, so that nothing
 * changes between its checks and its commit.
 */
#include "sink/table_driver.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "db/sqlite.h"

enum { LEASE, MOVE, STORE, DEAD, DEAD_GONE, STATEMENTS_HERE };

struct table_file {
	struct table base;
	sqlite3_stmt *statements[STATEMENTS_HERE]; /* belong to the connection */
};

static struct table_file *file_of(struct table *table)
{
	return (struct table_file *)table;
}

static struct sqlite *connection_of(struct table *table)
{
	return db_sqlite(table->db);
}

static struct table *create(void)
{
	struct table_file *file = memory_new(sizeof(*file));

	return &file->base;
}

static void destroy(struct table *table)
{
	free(file_of(table));
}

static bool opened(struct table *table, struct error *err)
{
	static const enum statement texts[] = { [LEASE] = SQL_LEASE_RENEW,
		[MOVE] = SQL_SINK_MOVE,
		[STORE] = SQL_SINK_STORE,
		[DEAD] = SQL_SINK_DEAD,
		[DEAD_GONE] = SQL_SINK_DEAD_GONE };
	bool ok = sqlite_run(connection_of(table), "PRAGMA synchronous = FULL", err);

	for (size_t i = 0; ok && i < STATEMENTS_HERE; i++) {
		char *sql = db_statement_text(DB_SQLITE, texts[i], table->config->table);
		ok = sqlite_prepare(connection_of(table), sql, &file_of(table)->statements[i], err);
		free(sql);
	}
	return ok;
}

static void bind_text(sqlite3_stmt *statement, int place, struct slice text)
{
	sqlite3_bind_text(statement, place, text.data, (int)text.size, SQLITE_STATIC);
}

static void bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes)
{
	sqlite3_bind_blob(
		statement, place, bytes.data ? bytes.data : "", (int)bytes.size, SQLITE_STATIC);
}

/* Runs a bound statement to its end; *rows counts what it gave, or what it changed. */
static bool run(struct table *table, sqlite3_stmt *statement, int *rows, struct error *err)
{
	int code = sqlite3_step(statement);

	if (code != SQLITE_ROW && code != SQLITE_DONE) {
		sqlite_failed(connection_of(table), err);
		sqlite3_reset(statement);
		return false;
	}
	*rows = code == SQLITE_ROW ? 1 : sqlite3_changes(sqlite_connection(connection_of(table)));
	sqlite3_reset(statement);
	return true;
}

static bool hold_lease(struct table *table, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->statements[LEASE];
	const struct lease *lease = &table->lease;
	int rows;

	bind_text(statement, 1, slice_of(lease->resource));
	bind_text(statement, 2, slice_of(lease->holder));
	sqlite3_bind_int64(statement, 3, lease->length_ms);
	sqlite3_bind_int64(statement, 4, lease->epoch);
	sqlite3_bind_int64(statement, 5, lease->renewals);
	return run(table, statement, &rows, err) && (rows == 1 || table_lost_lease(table, err));
}

static bool move(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->statements[MOVE];
	int rows;

	bind_text(statement, 1, slice_of(table->config->name));
	bind_text(statement, 2, slice_of(table->config->stream));
	bind_text(statement, 3, slice_of(store->position->created));
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, store->position->seq);
	sqlite3_bind_int64(statement, 6, store->seq);
	return run(table, statement, &rows, err) && (rows == 1 || table_moved(table, err));
}

static bool store_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->statements[STORE];
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	bind_text(statement, 1, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 2, store->position->epoch);
	sqlite3_bind_int64(statement, 3, event->seq);
	bind_text(statement, 4, event->event.subject);
	bind_text(statement, 5, event->event.key);
	bind_text(statement, 6, event->event.id);
	bind_text(statement, 7, event->event.headers);
	bind_bytes(statement, 8, event->event.payload);
	bind_text(statement, 9, slice_of(time));
	if (!run(table, statement, &rows, err))
		return false;
	table->already += rows == 0;
	return true;
}

static bool set_aside(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->statements[DEAD];
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	bind_text(statement, 1, slice_of(table->config->name));
	bind_text(statement, 2, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, event->seq);
	bind_text(statement, 5, event->event.subject);
	bind_text(statement, 6, event->event.key);
	bind_text(statement, 7, event->event.headers);
	bind_bytes(statement, 8, event->event.payload);
	bind_text(statement, 9, slice_of(event->fault));
	bind_text(statement, 10, event->event.id);
	bind_text(statement, 11, slice_of(time));
	return run(table, statement, &rows, err);
}

static bool take_back(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->statements[DEAD_GONE];
	int rows;

	bind_text(statement, 1, slice_of(table->config->name));
	bind_text(statement, 2, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, store->events->seq);
	return run(table, statement, &rows, err) &&
		(rows == 1 || table_not_aside(table, store, err));
}

static bool write_all(struct table *table, const struct table_store *store, struct error *err)
{
	if (store->again ? !take_back(table, store, err)
			 : !hold_lease(table, err) || !move(table, store, err))
		return false;
	for (size_t i = 0; i < store->count; i++) {
		const struct table_event *event = &store->events[i];
		if (!(event->fault ? set_aside : store_event)(table, store, event, err))
			return false;
	}
	return true;
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	struct sqlite *connection = connection_of(table);

	if (sqlite_run(connection, "BEGIN IMMEDIATE", err) && sqlite_same_file(connection, err) &&
		write_all(table, store, err) && sqlite_run(connection, "COMMIT", err))
		return true;
	sqlite_rollback(connection);
	return false;
}

const struct table_driver table_sqlite = { create, destroy, opened, store_batch };
