/*
 * A table that is not Dray's in PostgreSQL: as for an archive one prepared statement a load. Each column takes
 * an array of texts, which the server casts to the column's own type.
 */
#include "sink/table_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sink/statement.h"

#define BOOL_OID 16

/* The statements: where events come in order; in any order; for one that was set aside. */
enum variant { IN_ORDER, IN_ANY_ORDER, AGAIN, VARIANTS };

static const char *const variant_names[VARIANTS] = { "sink_in_order", "sink_in_any_order",
	"sink_again" };

/* The arrays of every event, before those of the columns. */
enum array { SEQ, VERSION, DELETED, ARRAYS };

struct table_pg {
	struct table base;
	struct buf arrays[ARRAYS], dead[DEAD_ARRAYS]; /* kept for their memory */
	bool prepared[VARIANTS];
	struct buf cells[CONFIG_COLUMNS_MAX], missing[CONFIG_COLUMNS_MAX];
};

static struct table_pg *pg_of(struct table *table)
{
	return (struct table_pg *)table;
}

static struct table *create(void)
{
	struct table_pg *pg = memory_new(sizeof(*pg));

	return &pg->base;
}

static void destroy(struct table *table)
{
	struct table_pg *pg = pg_of(table);

	for (size_t i = 0; i < ARRAYS; i++)
		buf_finish(&pg->arrays[i]);
	for (size_t i = 0; i < DEAD_ARRAYS; i++)
		buf_finish(&pg->dead[i]);
	for (size_t i = 0; i < CONFIG_COLUMNS_MAX; i++) {
		buf_finish(&pg->cells[i]);
		buf_finish(&pg->missing[i]);
	}
	free(pg);
}

/* What an event that was set aside is compared with has to be known. */
static enum variant variant_of(const struct table *table, bool again)
{
	if (again && !statement_knows(table->plan))
		return AGAIN;
	return again || !table->in_order ? IN_ANY_ORDER : IN_ORDER;
}

static enum statement part_of(const struct table *table, enum variant variant)
{
	if (variant == AGAIN)
		return SQL_SINK_AGAIN;
	if (table->plan->mode == SINK_UPSERT)
		return SQL_SINK_UPSERT;
	return variant == IN_ORDER ? SQL_SINK_INSERT : SQL_SINK_INSERT_ONCE;
}

static bool prepare(struct table *table, enum variant variant, struct error *err)
{
	if (pg_of(table)->prepared[variant])
		return true;
	char *stored = statement_text(DB_POSTGRES, part_of(table, variant), table->config->table,
		table->plan, variant == IN_ORDER);
	const struct db_word word = { "stored", stored };
	char *sql = db_statement_words(DB_POSTGRES, SQL_SINK_FRAME, &word, 1);
	bool ok = postgres_prepare(db_postgres(table->db), variant_names[variant], sql, err);

	pg_of(table)->prepared[variant] = ok;
	free(sql);
	free(stored);
	return ok;
}

/* Whether a text is a value of the column's type, by the server's words. */
static bool probe(
	struct table *table, const struct plan_column *column, const char *text, struct error *err)
{
	const struct db_word word = { "type", column->cast };
	char *sql = db_statement_words(DB_POSTGRES, SQL_SINK_PROBE, &word, 1);
	struct postgres_call call = { .sql = sql };

	postgres_add_text(&call, text);
	bool ok = postgres_call(db_postgres(table->db), &call, NULL, err);
	free(sql);
	return ok || error_prefix(err, "column %s", column->name);
}

/* What the config gives itself would fail for every event. */
static bool check_constants(struct table *table, struct error *err)
{
	for (size_t i = 0; i < table->plan->column_count; i++) {
		const struct plan_column *column = &table->plan->columns[i];
		const char *text = column->constant ? column->constant : column->fallback;
		if (!text || column->kind == COLUMN_BYTES || probe(table, column, text, err))
			continue;
		if (err && err->kind == ERROR_REJECTED)
			err->kind = ERROR_SCHEMA;
		return false;
	}
	return true;
}

static bool opened(struct table *table, struct error *err)
{
	memset(pg_of(table)->prepared, 0, sizeof(pg_of(table)->prepared));
	return prepare(table, IN_ORDER, err) && check_constants(table, err) &&
		table_set_up_session(table, err);
}

static void add_bool(struct buf *array, bool value)
{
	const char byte = value ? 1 : 0;

	postgres_array_add(array, &byte, 1);
}

static void begin_arrays(struct table_pg *pg)
{
	const struct plan *plan = pg->base.plan;

	postgres_array_begin(&pg->arrays[SEQ], POSTGRES_INT8);
	postgres_array_begin(&pg->arrays[VERSION], POSTGRES_INT8);
	postgres_array_begin(&pg->arrays[DELETED], BOOL_OID);
	for (size_t i = 0; i < plan->column_count; i++) {
		postgres_array_begin(&pg->cells[i],
			plan->columns[i].kind == COLUMN_BYTES ? POSTGRES_BYTEA : POSTGRES_TEXT);
		postgres_array_begin(&pg->missing[i], BOOL_OID);
	}
}

static void add_event(struct table_pg *pg, const struct table_event *event)
{
	const struct plan *plan = pg->base.plan;

	postgres_array_add_int8(&pg->arrays[SEQ], event->seq);
	postgres_array_add_int8(&pg->arrays[VERSION], event->version);
	add_bool(&pg->arrays[DELETED], event->action == TABLE_DELETE);
	for (size_t i = 0; i < plan->column_count; i++) {
		table_add_slice(&pg->cells[i], event->cells[i].text);
		add_bool(&pg->missing[i], event->cells[i].type == CELL_MISSING);
	}
}

static void end_arrays(struct table_pg *pg, size_t count)
{
	for (size_t i = 0; i < ARRAYS; i++)
		postgres_array_end(&pg->arrays[i], count);
	for (size_t i = 0; i < pg->base.plan->column_count; i++) {
		postgres_array_end(&pg->cells[i], count);
		postgres_array_end(&pg->missing[i], count);
	}
}

static void fill_arrays(struct table_pg *pg, const struct table_store *store)
{
	size_t count = 0;

	table_dead_arrays(pg->dead, store);
	begin_arrays(pg);
	for (size_t i = 0; i < store->count; i++) {
		const struct table_event *event = &store->events[i];
		if (event->fault || event->action == TABLE_SKIP)
			continue;
		add_event(pg, event);
		count++;
	}
	end_arrays(pg, count);
}

/* The parameters behind those of the frame: statement.c numbers them the same. */
static void add_arrays(struct postgres_call *call, struct table_pg *pg, bool again)
{
	const struct plan *plan = pg->base.plan;

	for (size_t i = 0; i < DEAD_ARRAYS; i++)
		postgres_add_binary(call, pg->dead[i].data, pg->dead[i].size);
	postgres_add_text(call, again ? "t" : "f");
	for (size_t i = 0; i < ARRAYS; i++)
		postgres_add_binary(call, pg->arrays[i].data, pg->arrays[i].size);
	for (size_t i = 0; i < plan->column_count; i++) {
		if (plan->columns[i].source.type == SOURCE_EPOCH)
			continue;
		postgres_add_binary(call, pg->cells[i].data, pg->cells[i].size);
		if (plan->columns[i].own_default)
			postgres_add_binary(call, pg->missing[i].data, pg->missing[i].size);
	}
}

/* The newest event as texts with a NUL behind, which must stay until the call is over. */
struct mark {
	char seq[TABLE_NUMBER_SIZE], time[VALUE_TIME_SIZE];
	char *subject, *id;
};

static void add_mark(struct postgres_call *call, const struct table_store *store, struct mark *mark)
{
	const struct table_event *newest = table_newest_of(store);

	*mark = (struct mark){ 0 };
	if (newest) {
		snprintf(mark->seq, sizeof(mark->seq), "%" PRId64, newest->seq);
		value_format_time(newest->time_ns / 1000, mark->time);
		mark->subject = memory_copy(newest->event.subject.data, newest->event.subject.size);
		if (newest->event.id.data)
			mark->id = memory_copy(newest->event.id.data, newest->event.id.size);
	}
	postgres_add_text(call, newest ? mark->seq : NULL);
	postgres_add_text(call, mark->subject);
	postgres_add_text(call, mark->id);
	postgres_add_text(call, newest ? mark->time : NULL);
}

/* The server does not say which column a value was for: the one whose value fails alone. */
static void name_column(struct table *table, const struct table_event *event, struct error *err)
{
	for (size_t i = 0; i < table->plan->column_count; i++) {
		const struct plan_column *column = &table->plan->columns[i];
		const struct cell *cell = &event->cells[i];
		struct error why;
		if (cell->type != CELL_TEXT || !cell->text.data)
			continue;
		char *text = memory_copy(cell->text.data, cell->text.size);
		bool ok = probe(table, column, text, &why);
		free(text);
		if (!ok && why.kind == ERROR_REJECTED) {
			*err = why;
			return;
		}
	}
}

/* Before one event is blamed: it may be the table that changed. */
static bool refused(struct table *table, const struct table_store *store, struct error *err)
{
	struct error changed;

	if (!err || err->kind != ERROR_REJECTED || store->count != 1)
		return false;
	if (!table_check_plan(table, &changed))
		*err = changed;
	else if (store->events[0].cells)
		name_column(table, &store->events[0], err);
	return false;
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	struct table_pg *pg = pg_of(table);
	char numbers[TABLE_NUMBERS][TABLE_NUMBER_SIZE];
	enum variant variant = variant_of(table, store->again);
	struct postgres_call call = { .sql = variant_names[variant], .prepared = true };
	struct mark mark;
	PGresult *result;

	if (!prepare(table, variant, err))
		return false;
	fill_arrays(pg, store);
	table_add_frame(&call, table, store, numbers);
	add_mark(&call, store, &mark);
	add_arrays(&call, pg, store->again);
	bool ok = postgres_call(db_postgres(table->db), &call, &result, err);
	free(mark.subject);
	free(mark.id);
	if (!ok)
		return refused(table, store, err);
	ok = table_check_frame(table, store, result, err);
	PQclear(result);
	return ok;
}

const struct table_driver table_postgres_mapped = { create, destroy, opened, store_batch };
