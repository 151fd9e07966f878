/*
 * An archive in SQLite: prepared inserts in one transaction, which begins as a writer, so that nothing
 * changes between its checks and its commit.
 */
#include "sink/table_sqlite.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

struct archive {
	struct table_file file;
	sqlite3_stmt *store;
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
	struct archive *archive = memory_new(sizeof(*archive));

	return &archive->file.base;
}

static void destroy(struct table *table)
{
	free(file_of(table));
}

static bool prepare(
	struct table *table, enum statement text, sqlite3_stmt **statement, struct error *err)
{
	char *sql = db_statement_text(DB_SQLITE, text, table->config->table);
	bool ok = sqlite_prepare(connection_of(table), sql, statement, err);

	free(sql);
	return ok;
}

bool table_file_open(struct table *table, struct error *err)
{
	struct table_file *file = file_of(table);

	return sqlite_run(connection_of(table), "PRAGMA synchronous = FULL", err) &&
		prepare(table, SQL_LEASE_RENEW, &file->lease, err) &&
		prepare(table, SQL_SINK_MOVE, &file->move, err) &&
		prepare(table, SQL_SINK_DEAD, &file->dead, err) &&
		prepare(table, SQL_SINK_DEAD_GONE, &file->gone, err);
}

static bool opened(struct table *table, struct error *err)
{
	struct archive *archive = (struct archive *)table;

	return table_file_open(table, err) && prepare(table, SQL_SINK_STORE, &archive->store, err);
}

void table_bind_text(sqlite3_stmt *statement, int place, struct slice text)
{
	sqlite3_bind_text(statement, place, text.data, (int)text.size, SQLITE_STATIC);
}

void table_bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes)
{
	sqlite3_bind_blob(
		statement, place, bytes.data ? bytes.data : "", (int)bytes.size, SQLITE_STATIC);
}

bool table_file_run(struct table *table, sqlite3_stmt *statement, int *rows, struct error *err)
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
	sqlite3_stmt *statement = file_of(table)->lease;
	const struct lease *lease = &table->lease;
	int rows;

	table_bind_text(statement, 1, slice_of(lease->resource));
	table_bind_text(statement, 2, slice_of(lease->holder));
	sqlite3_bind_int64(statement, 3, lease->length_ms);
	sqlite3_bind_int64(statement, 4, lease->epoch);
	sqlite3_bind_int64(statement, 5, lease->renewals);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_lost_lease(table, err));
}

static bool move(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->move;
	int rows;

	table_bind_text(statement, 1, slice_of(table->config->name));
	table_bind_text(statement, 2, slice_of(table->config->stream));
	table_bind_text(statement, 3, slice_of(store->position->created));
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, store->position->seq);
	sqlite3_bind_int64(statement, 6, store->seq);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_moved(table, err));
}

static bool store_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = ((struct archive *)table)->store;
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	table_bind_text(statement, 1, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 2, store->position->epoch);
	sqlite3_bind_int64(statement, 3, event->seq);
	table_bind_text(statement, 4, event->event.subject);
	table_bind_text(statement, 5, event->event.key);
	table_bind_text(statement, 6, event->event.id);
	table_bind_text(statement, 7, event->event.headers);
	table_bind_bytes(statement, 8, event->event.payload);
	table_bind_text(statement, 9, slice_of(time));
	if (!table_file_run(table, statement, &rows, err))
		return false;
	table->already += rows == 0;
	return true;
}

static bool set_aside(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->dead;
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	table_bind_text(statement, 1, slice_of(table->config->name));
	table_bind_text(statement, 2, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, event->seq);
	table_bind_text(statement, 5, event->event.subject);
	table_bind_text(statement, 6, event->event.key);
	table_bind_text(statement, 7, event->event.headers);
	table_bind_bytes(statement, 8, event->event.payload);
	table_bind_text(statement, 9, slice_of(event->fault));
	table_bind_text(statement, 10, event->event.id);
	table_bind_text(statement, 11, slice_of(time));
	return table_file_run(table, statement, &rows, err);
}

static bool take_back(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = file_of(table)->gone;
	int rows;

	table_bind_text(statement, 1, slice_of(table->config->name));
	table_bind_text(statement, 2, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, store->events->seq);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_not_aside(table, store, err));
}

static bool write_all(struct table *table, const struct table_store *store, table_event_fn *each,
	table_end_fn *end, struct error *err)
{
	if (store->again ? !take_back(table, store, err)
			 : !hold_lease(table, err) || !move(table, store, err))
		return false;
	for (size_t i = 0; i < store->count; i++) {
		const struct table_event *event = &store->events[i];
		if (!(event->fault ? set_aside : each)(table, store, event, err))
			return false;
	}
	return !end || end(table, store, err);
}

bool table_file_store(struct table *table, const struct table_store *store, table_event_fn *each,
	table_end_fn *end, struct error *err)
{
	struct sqlite *connection = connection_of(table);

	if (sqlite_run(connection, "BEGIN IMMEDIATE", err) && sqlite_same_file(connection, err) &&
		write_all(table, store, each, end, err) && sqlite_run(connection, "COMMIT", err))
		return true;
	sqlite_rollback(connection);
	return false;
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	return table_file_store(table, store, store_event, NULL, err);
}

const struct table_driver table_sqlite = { create, destroy, opened, store_batch };
