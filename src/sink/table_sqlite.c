/*
 * The tables of a sink in SQLite: one event after another, by prepared statements, in one transaction a load. It
 * begins as a writer, so that nothing changes between its checks and its commit. A change of any table of the file
 * ends the session: SQLite would go on with what the columns were.
 */
#include "sink/table_sqlite.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sink/statement.h"

struct table_file *table_file_of(struct table *table)
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
	struct table_file *file = table_file_of(table);

	buf_finish(&file->key);
	free(file->routes);
	free(file);
}

static bool prepare_frame(struct table *table, struct error *err)
{
	static const enum statement texts[FILE_STATEMENTS] = { [FILE_LEASE] = SQL_LEASE_RENEW,
		[FILE_MOVE] = SQL_SINK_MOVE,
		[FILE_DEAD] = SQL_SINK_DEAD,
		[FILE_GONE] = SQL_SINK_DEAD_GONE,
		[FILE_MARK] = SQL_SINK_MARK,
		[FILE_FORGET] = SQL_SINK_FORGET,
		[FILE_ONCE] = SQL_SINK_INSERT_ONCE,
		[FILE_OLDER] = SQL_SINK_OLDER,
		[FILE_REMEMBER] = SQL_SINK_REMEMBER,
		[FILE_VERSION] = SQL_TABLE_VERSION };
	struct table_file *file = table_file_of(table);

	for (size_t i = 0; i < FILE_STATEMENTS; i++) {
		char *sql = db_statement_text(DB_SQLITE, texts[i], NULL);
		bool ok = sqlite_prepare(connection_of(table), sql, &file->statements[i], err);
		free(sql);
		if (!ok)
			return false;
	}
	return true;
}

static bool prepare(struct table *table, const struct plan *plan, enum statement text,
	sqlite3_stmt **statement, struct error *err)
{
	char *sql = statement_text(DB_SQLITE, text, plan, table->in_order, NULL);
	bool ok = sqlite_prepare(connection_of(table), sql, statement, err);

	free(sql);
	return ok;
}

static bool prepare_route(struct table *table, size_t at, struct error *err)
{
	const struct plan *plan = table->routes.plans[at];
	sqlite3_stmt **statements = table_file_of(table)->routes[at].statements;

	if (plan->mode != SINK_UPSERT)
		return prepare(table, plan,
			plan->mode == SINK_ARCHIVE ? SQL_SINK_ARCHIVE : SQL_SINK_INSERT,
			&statements[ROUTE_STORE], err);
	return prepare(table, plan, SQL_SINK_UPSERT, &statements[ROUTE_STORE], err) &&
		prepare(table, plan, SQL_SINK_INSERT, &statements[ROUTE_AGAIN], err) &&
		prepare(table, plan, SQL_SINK_DELETE, &statements[ROUTE_DELETE], err);
}

/* What the config gives itself would fail for every event. */
static bool check_constants(struct table *table, const struct plan *plan, struct error *err)
{
	const char *fault = NULL;
	struct arena arena;
	struct cell cell;
	bool ok = true;

	arena_init(&arena);
	for (size_t i = 0; ok && i < plan->column_count; i++) {
		const struct plan_column *column = &plan->columns[i];
		const char *text = column->constant ? column->constant : column->fallback;
		const struct value value = { VALUE_LITERAL, slice_of(text) };
		ok = !text || value_fit(&value, column->kind, true, &arena, &cell, &fault) ||
			error_set(err, ERROR_SCHEMA, "%s: column %s: %s", db_label(table->db),
				column->name, fault);
	}
	arena_finish(&arena);
	return ok;
}

static bool open_routes(struct table *table, struct error *err)
{
	struct table_file *file = table_file_of(table);

	if (!file->routes)
		file->routes = memory_new(table->routes.count * sizeof(*file->routes));
	for (size_t i = 0; i < table->routes.count; i++)
		if (!check_constants(table, table->routes.plans[i], err) ||
			!prepare_route(table, i, err))
			return false;
	return true;
}

static bool read_version(struct table *table, int *version, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_VERSION];
	bool ok = sqlite3_step(statement) == SQLITE_ROW;

	*version = ok ? sqlite3_column_int(statement, 0) : 0;
	if (!ok)
		sqlite_failed(db_sqlite(table->db), err);
	sqlite3_reset(statement);
	return ok;
}

/*
 * The version is read behind the plans: who changes a table in between is noticed by the statements, which are
 * made by the plans.
 */
static bool opened(struct table *table, struct error *err)
{
	return sqlite_run(connection_of(table), "PRAGMA synchronous = FULL", err) &&
		prepare_frame(table, err) &&
		read_version(table, &table_file_of(table)->version, err) &&
		table_check_plans(table, err) && open_routes(table, err);
}

void table_bind_bytes(sqlite3_stmt *statement, int place, struct slice bytes)
{
	sqlite3_bind_blob(
		statement, place, bytes.data ? bytes.data : "", (int)bytes.size, SQLITE_STATIC);
}

void table_bind_names(struct table *table, sqlite3_stmt *statement)
{
	sqlite_bind_slice(statement, 1, slice_of(table->config->name));
	sqlite_bind_slice(statement, 2, slice_of(table->config->stream));
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
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_LEASE];
	const struct lease *lease = &table->lease;
	int rows;

	sqlite_bind_slice(statement, 1, slice_of(lease->resource));
	sqlite_bind_slice(statement, 2, slice_of(lease->holder));
	sqlite3_bind_int64(statement, 3, lease->length_ms);
	sqlite3_bind_int64(statement, 4, lease->epoch);
	sqlite3_bind_int64(statement, 5, lease->renewals);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_lost_lease(table, err));
}

static bool move(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_MOVE];
	int rows;

	table_bind_names(table, statement);
	sqlite_bind_slice(statement, 3, slice_of(store->position->created));
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, store->position->seq);
	sqlite3_bind_int64(statement, 6, store->seq);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_moved(table, err));
}

static bool set_aside(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_DEAD];
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	table_bind_names(table, statement);
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, event->seq);
	sqlite_bind_slice(statement, 5, event->event.subject);
	sqlite_bind_slice(statement, 6, event->event.key);
	sqlite_bind_slice(statement, 7, event->event.headers);
	table_bind_bytes(statement, 8, event->event.payload);
	sqlite_bind_slice(statement, 9, slice_of(event->fault));
	sqlite_bind_slice(statement, 10, event->event.id);
	sqlite_bind_slice(statement, 11, slice_of(time));
	return table_file_run(table, statement, &rows, err);
}

static bool take_back(struct table *table, const struct table_store *store, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_GONE];
	int rows;

	table_bind_names(table, statement);
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, store->events->seq);
	return table_file_run(table, statement, &rows, err) &&
		(rows == 1 || table_not_aside(table, store, err));
}

static bool add_mark(struct table *table, const struct table_store *store,
	const struct table_event *newest, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_MARK];
	char time[32];
	int rows;

	clock_format(newest->time_ns / 1000000, time);
	table_bind_names(table, statement);
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, newest->seq);
	sqlite_bind_slice(statement, 5, newest->event.subject);
	sqlite_bind_slice(statement, 6, newest->event.id);
	sqlite_bind_slice(statement, 7, slice_of(time));
	return table_file_run(table, statement, &rows, err);
}

static bool check_version(struct table *table, struct error *err)
{
	int version;

	if (!table_maps(table))
		return true; /* an archive's columns are Dray's */
	return read_version(table, &version, err) &&
		(version == table_file_of(table)->version ||
			error_set(err, ERROR_CONFLICT, "%s: a table of the file was changed",
				db_label(table->db)));
}

static bool write_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	if (event->fault)
		return set_aside(table, store, event, err);
	return event->action == TABLE_SKIP || table_file_event(table, store, event, err) ||
		table_name_route(table, event, err);
}

/* Once a store at most. */
static bool write_mark(struct table *table, const struct table_store *store, struct error *err)
{
	const struct table_event *newest =
		table->keeps_marks && !store->again ? table_newest_of(store) : NULL;
	sqlite3_stmt *forget = table_file_of(table)->statements[FILE_FORGET];
	int rows;

	if (!newest)
		return true;
	table_bind_names(table, forget);
	return add_mark(table, store, newest, err) && table_file_run(table, forget, &rows, err);
}

static bool write_all(struct table *table, const struct table_store *store, struct error *err)
{
	if (store->again ? !take_back(table, store, err)
			 : !hold_lease(table, err) || !move(table, store, err))
		return false;
	for (size_t i = 0; i < store->count; i++)
		if (!write_event(table, store, &store->events[i], err))
			return false;
	return check_version(table, err) && write_mark(table, store, err);
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	struct sqlite *connection = connection_of(table);

	if (check_version(table, err) && /* before any event is blamed */
		sqlite_run(connection, "BEGIN IMMEDIATE", err) &&
		sqlite_same_file(connection, err) && write_all(table, store, err) &&
		sqlite_run(connection, "COMMIT", err))
		return true;
	sqlite_rollback(connection);
	return false;
}

const struct table_driver table_sqlite = { create, destroy, opened, store_batch };
