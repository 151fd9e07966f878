/*
 * A table that is not Dray's in SQLite: one event after another in the transaction of the load. A change of any
 * table of the file ends the session: SQLite would go on with what the columns were.
 */
#include "sink/table_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include "sink/paths.h"
#include "sink/statement.h"

enum { STORE, AGAIN, DELETE, OLDER, REMEMBER, ONCE, MARK, FORGET, VERSION, STATEMENTS_HERE };

struct mapped {
	struct table_file file;
	sqlite3_stmt *statements[STATEMENTS_HERE];
	int version; /* of the file's tables when the plan was made */
	struct buf key; /* kept for its memory */
};

static struct mapped *mapped_of(struct table *table)
{
	return (struct mapped *)table;
}

static struct table *create(void)
{
	struct mapped *mapped = memory_new(sizeof(*mapped));

	return &mapped->file.base;
}

static void destroy(struct table *table)
{
	buf_finish(&mapped_of(table)->key);
	free(mapped_of(table));
}

static bool prepare(struct table *table, size_t place, enum statement text, struct error *err)
{
	char *sql =
		statement_text(DB_SQLITE, text, table->config->table, table->plan, table->in_order);
	bool ok = sqlite_prepare(
		db_sqlite(table->db), sql, &mapped_of(table)->statements[place], err);

	free(sql);
	return ok;
}

static bool read_version(struct table *table, int *version, struct error *err)
{
	sqlite3_stmt *statement = mapped_of(table)->statements[VERSION];
	bool ok = sqlite3_step(statement) == SQLITE_ROW;

	*version = ok ? sqlite3_column_int(statement, 0) : 0;
	if (!ok)
		sqlite_failed(db_sqlite(table->db), err);
	sqlite3_reset(statement);
	return ok;
}

static bool prepare_upsert(struct table *table, struct error *err)
{
	return prepare(table, STORE, SQL_SINK_UPSERT, err) &&
		prepare(table, AGAIN, SQL_SINK_INSERT, err) &&
		prepare(table, DELETE, SQL_SINK_DELETE, err) &&
		prepare(table, OLDER, SQL_SINK_OLDER, err) &&
		prepare(table, REMEMBER, SQL_SINK_REMEMBER, err);
}

/* What the config gives itself would fail for every event. */
static bool check_constants(struct table *table, struct error *err)
{
	const char *fault = NULL;
	struct arena arena;
	struct cell cell;
	bool ok = true;

	arena_init(&arena);
	for (size_t i = 0; ok && i < table->plan->column_count; i++) {
		const struct plan_column *column = &table->plan->columns[i];
		const char *text = column->constant ? column->constant : column->fallback;
		const struct value value = { VALUE_LITERAL, slice_of(text) };
		ok = !text || value_fit(&value, column->kind, true, &arena, &cell, &fault) ||
			error_set(err, ERROR_SCHEMA, "%s: column %s: %s", db_label(table->db),
				column->name, fault);
	}
	arena_finish(&arena);
	return ok;
}

/*
 * The version is read behind the plan: who changes a table in between is noticed by the statements, which are
 * made by the plan.
 */
static bool opened(struct table *table, struct error *err)
{
	return table_file_open(table, err) && check_constants(table, err) &&
		prepare(table, VERSION, SQL_TABLE_VERSION, err) &&
		read_version(table, &mapped_of(table)->version, err) &&
		table_check_plan(table, err) && prepare(table, MARK, SQL_SINK_MARK, err) &&
		prepare(table, FORGET, SQL_SINK_FORGET, err) &&
		prepare(table, ONCE, SQL_SINK_INSERT_ONCE, err) &&
		(table->plan->mode == SINK_UPSERT ? prepare_upsert(table, err)
						  : prepare(table, STORE, SQL_SINK_INSERT, err));
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
		table_bind_text(statement, place, cell->text);
}

/* Places that a statement does not have are left out by SQLite. */
static void bind_cells(struct table *table, sqlite3_stmt *statement,
	const struct table_store *store, const struct table_event *event)
{
	const struct plan *plan = table->plan;

	for (size_t i = 0; i < plan->column_count; i++) {
		const struct cell *cell = &event->cells[i];
		bind_cell(
			statement, (int)i + 1, cell, plan->columns[i].kind, store->position->epoch);
		sqlite3_bind_int(
			statement, (int)(plan->column_count + i + 1), cell->type == CELL_MISSING);
	}
}

static void bind_names(struct table *table, sqlite3_stmt *statement)
{
	table_bind_text(statement, 1, slice_of(table->config->name));
	table_bind_text(statement, 2, slice_of(table->config->stream));
}

/* The key's columns as one text. */
static struct slice key_of(struct table *table, const struct table_event *event)
{
	struct buf *key = &mapped_of(table)->key;
	struct arena arena;

	buf_clear(key);
	arena_init(&arena);
	for (size_t i = 0; i < table->plan->column_count; i++) {
		if (!table->plan->columns[i].is_key)
			continue;
		buf_add_text(key, key->size ? "," : "");
		buf_add_slice(key, paths_quote(event->cells[i].text, &arena));
	}
	arena_finish(&arena);
	return (struct slice){ key->data, key->size };
}

static bool is_older(struct table *table, const struct table_store *store, struct slice key,
	const struct table_event *event, bool *older, struct error *err)
{
	sqlite3_stmt *statement = mapped_of(table)->statements[OLDER];

	bind_names(table, statement);
	table_bind_text(statement, 3, key);
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
	sqlite3_stmt *statement = mapped_of(table)->statements[REMEMBER];
	int rows;

	bind_names(table, statement);
	table_bind_text(statement, 3, key);
	sqlite3_bind_int64(statement, 4, store->position->epoch);
	sqlite3_bind_int64(statement, 5, event->version);
	sqlite3_bind_int(statement, 6, event->action == TABLE_DELETE);
	return table_file_run(table, statement, &rows, err);
}

static bool upsert(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	bool deletes = event->action == TABLE_DELETE, older = false;
	bool unknown =
		store->again && !statement_knows(table->plan); /* a key that is there is refused */
	sqlite3_stmt *statement = mapped_of(table)->statements[deletes ? DELETE
			: unknown				       ? AGAIN
								       : STORE];
	struct slice key = key_of(table, event);
	int rows;

	if ((store->again || statement_compares(table->plan, table->in_order)) &&
		!is_older(table, store, key, event, &older, err))
		return false;
	if (older)
		return true;
	bind_cells(table, statement, store, event);
	if (!table_file_run(table, statement, &rows, err))
		return false;
	return !(deletes || unknown || statement_beside(table->plan, table->in_order)) ||
		remember(table, store, key, event, err);
}

/* Whether an event of a stream without order is here for the first time. */
static bool is_new(struct table *table, const struct table_store *store,
	const struct table_event *event, bool *new, struct error *err)
{
	sqlite3_stmt *statement = mapped_of(table)->statements[ONCE];
	char key[64];
	int rows;

	*new = true;
	if (table->in_order && !store->again)
		return true;
	snprintf(key, sizeof(key), "%" PRId64 "@%" PRId64, event->seq, event->version);
	bind_names(table, statement);
	table_bind_text(statement, 3, slice_of(key));
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
	int rows;

	if (!is_new(table, store, event, &new, err))
		return false;
	if (!new)
		return true;
	bind_cells(table, mapped_of(table)->statements[STORE], store, event);
	return table_file_run(table, mapped_of(table)->statements[STORE], &rows, err);
}

static bool store_event(struct table *table, const struct table_store *store,
	const struct table_event *event, struct error *err)
{
	if (event->action == TABLE_SKIP)
		return true;
	return (table->plan->mode == SINK_UPSERT ? upsert : insert)(table, store, event, err);
}

static bool add_mark(struct table *table, const struct table_store *store,
	const struct table_event *newest, struct error *err)
{
	sqlite3_stmt *statement = mapped_of(table)->statements[MARK];
	char time[32];
	int rows;

	clock_format(newest->time_ns / 1000000, time);
	bind_names(table, statement);
	sqlite3_bind_int64(statement, 3, store->position->epoch);
	sqlite3_bind_int64(statement, 4, newest->seq);
	table_bind_text(statement, 5, newest->event.subject);
	table_bind_text(statement, 6, newest->event.id);
	table_bind_text(statement, 7, slice_of(time));
	return table_file_run(table, statement, &rows, err);
}

static bool check_version(struct table *table, struct error *err)
{
	int version;

	return read_version(table, &version, err) &&
		(version == mapped_of(table)->version ||
			error_set(err, ERROR_CONFLICT, "%s: a table of the file was changed",
				db_label(table->db)));
}

static bool finish(struct table *table, const struct table_store *store, struct error *err)
{
	const struct table_event *newest = store->again ? NULL : table_newest_of(store);
	sqlite3_stmt *forget = mapped_of(table)->statements[FORGET];
	int rows;

	bind_names(table, forget);
	return check_version(table, err) &&
		(!newest ||
			(add_mark(table, store, newest, err) &&
				table_file_run(table, forget, &rows, err)));
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	return check_version(table, err) && /* before any event is blamed */
		table_file_store(table, store, store_event, finish, err);
}

const struct table_driver table_sqlite_mapped = { create, destroy, opened, store_batch };
