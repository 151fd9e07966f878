/* An event as a row of its table, in SQLite. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "sink/paths.h"
#include "sink/statement.h"
#include "sink/table_sqlite.h"

static bool archive(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement =
		table_file_of(table)->routes[event->route].statements[ROUTE_STORE];
	char time[32];
	int rows;

	clock_format(event->time_ns / 1000000, time);
	sqlite_bind_slice(statement, 1, slice_of(table->config->stream));
	sqlite3_bind_int64(statement, 2, store->position->epoch);
	sqlite3_bind_int64(statement, 3, event->seq);
	sqlite_bind_slice(statement, 4, event->event.subject);
	sqlite_bind_slice(statement, 5, event->event.key);
	sqlite_bind_slice(statement, 6, event->event.id);
	sqlite_bind_slice(statement, 7, event->event.headers);
	table_bind_bytes(statement, 8, event->event.payload);
	sqlite_bind_slice(statement, 9, slice_of(time));
	if (!table_file_run(table, statement, &rows, err))
		return false;
	table->already += rows == 0;
	return true;
}

static void bind_number(sqlite3_stmt *statement, int place, struct slice text)
{
	char *copy = memory_copy(text.data, text.size);
	int64_t whole;
	bool exact;

	if (value_decimal(text, 0, &whole, &exact) && exact)
		sqlite3_bind_int64(statement, place, whole);
	else
		sqlite3_bind_double(statement, place, strtod(copy, NULL));
	free(copy);
}

static void bind_cell(sqlite3_stmt *statement, int place, const struct cell *cell,
	enum column_kind kind, int64_t epoch)
{
	if (cell->type == CELL_NULL || cell->type == CELL_MISSING)
		sqlite3_bind_null(statement, place);
	else if (cell->type == CELL_EPOCH)
		sqlite3_bind_int64(statement, place, epoch);
	else if (cell->type == CELL_BYTES)
		table_bind_bytes(statement, place, cell->text);
	else if (cell->type == CELL_NUMBER || kind == COLUMN_INTEGER || kind == COLUMN_BOOLEAN)
		bind_number(statement, place, cell->text);
	else
		sqlite_bind_slice(statement, place, cell->text);
}

/* Places that a statement does not have are left out by SQLite. */
static void bind_cells(struct table *table, sqlite3_stmt *statement,
	const struct table_store *store, const struct table_event *event)
{
	const struct plan *plan = table->routes.plans[event->route];

	for (size_t i = 0; i < plan->column_count; i++) {
		const struct cell *cell = &event->cells[i];
		bind_cell(
			statement, (int)i + 1, cell, plan->columns[i].kind, store->position->epoch);
		sqlite3_bind_int(
			statement, (int)(plan->column_count + i + 1), cell->type == CELL_MISSING);
	}
}

static bool write_row(struct table *table, const struct table_store *store,
	const struct table_event *event, enum route_statement which, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->routes[event->route].statements[which];
	int rows;

	bind_cells(table, statement, store, event);
	return table_file_run(table, statement, &rows, err);
}

/* The key's columns as one text. */
static struct slice key_of(struct table *table, const struct table_event *event)
{
	const struct plan *plan = table->routes.plans[event->route];
	struct buf *key = &table_file_of(table)->key;
	const char *between = plan->prefix;
	struct arena arena;

	buf_clear(key);
	arena_init(&arena);
	for (size_t i = 0; i < plan->column_count; i++) {
		if (!plan->columns[i].is_key)
			continue;
		buf_add_text(key, between);
		between = ",";
		buf_add_slice(key, paths_quote(event->cells[i].text, &arena));
	}
	arena_finish(&arena);
	return (struct slice){ key->data, key->size };
}

static bool is_older(struct table *table, const struct table_store *store, struct slice key,
	const struct table_event *event, bool *older, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_OLDER];

	table_bind_names(table, statement);
	sqlite_bind_slice(statement, 3, key);
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, event->version);
	int code = sqlite3_step(statement);
	*older = code == SQLITE_ROW;
	bool ok = *older || code == SQLITE_DONE || sqlite_failed(db_sqlite(table->db), err);
	sqlite3_reset(statement);
	return ok;
}

static bool remember(struct table *table, const struct table_store *store, struct slice key,
	const struct table_event *event, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_REMEMBER];
	int rows;

	table_bind_names(table, statement);
	sqlite_bind_slice(statement, 3, key);
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, event->version);
	sqlite3_bind_int(statement, 6, event->action == TABLE_DELETE);
	return table_file_run(table, statement, &rows, err);
}

static bool upsert(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	const struct plan *plan = table->routes.plans[event->route];
	bool deletes = event->action == TABLE_DELETE, older = false;
	bool unknown = store->again && !statement_knows(plan); /* a key that is there is refused */
	enum route_statement which = deletes ? ROUTE_DELETE : unknown ? ROUTE_AGAIN : ROUTE_STORE;
	bool compares = store->again || statement_compares(plan, table->in_order);
	bool remembers = deletes || unknown || statement_beside(plan, table->in_order);
	struct slice key = { NULL, 0 };

	if (compares || remembers)
		key = key_of(table, event);
	if (compares && !is_older(table, store, key, event, &older, err))
		return false;
	if (older)
		return true;
	return write_row(table, store, event, which, err) &&
		(!remembers || remember(table, store, key, event, err));
}

/* Whether an event of a stream without order is here for the first time. */
static bool is_new(struct table *table, const struct table_store *store,
	const struct table_event *event, bool *new, struct error *err)
{
	sqlite3_stmt *statement = table_file_of(table)->statements[FILE_ONCE];
	char key[64];
	int rows;

	*new = true;
	if (table->in_order && !store->again)
		return true;
	snprintf(key, sizeof(key), "%" PRId64 "@%" PRId64, event->seq, event->version);
	table_bind_names(table, statement);
	sqlite_bind_slice(statement, 3, slice_of(key));
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, event->seq);
	if (!table_file_run(table, statement, &rows, err))
		return false;
	*new = rows > 0;
	return true;
}

static bool insert(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	bool new;

	return is_new(table, store, event, &new, err) &&
		(!new || write_row(table, store, event, ROUTE_STORE, err));
}

bool table_file_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	static bool (*const store_as[])(struct table *, const struct table_store *,
		const struct table_event *, struct error *) = {
		[SINK_ARCHIVE] = archive, [SINK_INSERT] = insert, [SINK_UPSERT] = upsert
	};

	return store_as[table->routes.plans[event->route]->mode](table, store, event, err);
}
