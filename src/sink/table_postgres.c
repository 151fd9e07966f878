/*
 * The tables of a sink in PostgreSQL: one prepared statement a load, which takes the events as binary arrays, a
 * set of them a table. Its parts see one snapshot; nothing is stored unless the lease and the position were as
 * expected.
 */
#include "sink/table_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sink/statement.h"

#define NUMBERS	    5
#define NUMBER_SIZE 24

/* The statements: where events come in order; in any order; for one that was set aside. */
enum variant { IN_ORDER, IN_ANY_ORDER, AGAIN, VARIANTS };

static const char *const variant_names[VARIANTS] = { "sink_in_order", "sink_in_any_order",
	"sink_again" };

enum result_column { HELD, MOVED, ARCHIVED, GONE };

struct table_pg {
	struct table base;
	struct table_arrays dead, *routes;
	size_t route_count;
	bool prepared[VARIANTS];
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

	table_finish_arrays(&pg->dead);
	for (size_t i = 0; i < pg->route_count; i++)
		table_finish_arrays(&pg->routes[i]);
	free(pg->routes);
	free(pg);
}

/* What an event that was set aside is compared with has to be known. */
static enum statement part_of(const struct plan *plan, enum variant variant)
{
	if (plan->mode == SINK_ARCHIVE)
		return SQL_SINK_ARCHIVE;
	if (variant == AGAIN && !statement_knows(plan))
		return SQL_SINK_AGAIN;
	if (plan->mode == SINK_UPSERT)
		return SQL_SINK_UPSERT;
	return variant == IN_ORDER ? SQL_SINK_INSERT : SQL_SINK_INSERT_ONCE;
}

/* The parts of all tables in the frame. */
static char *compose(const struct table *table, enum variant variant)
{
	struct statement_place place = { 0, STATEMENT_ARRAYS };
	struct buf stored = { 0 }, archived = { 0 };

	buf_add_char(&archived, '0');
	for (size_t i = 0; i < table->routes.count; i++) {
		const struct plan *plan = table->routes.plans[i];
		char *part = statement_text(
			DB_POSTGRES, part_of(plan, variant), plan, variant == IN_ORDER, &place);
		buf_format(&stored, "%s%s", i ? ", " : "", part);
		if (plan->mode == SINK_ARCHIVE)
			buf_format(&archived, " + (SELECT count(*) FROM stored_%zu)", i);
		free(part);
	}
	const struct db_word words[] = { { "stored", stored.data }, { "archived", archived.data } };
	char *sql = db_statement_words(DB_POSTGRES, SQL_SINK_FRAME, words, 2);
	buf_finish(&stored);
	buf_finish(&archived);
	return sql;
}

static bool prepare(struct table *table, enum variant variant, struct error *err)
{
	if (pg_of(table)->prepared[variant])
		return true;
	char *sql = compose(table, variant);
	bool ok = postgres_prepare(db_postgres(table->db), variant_names[variant], sql, err);

	pg_of(table)->prepared[variant] = ok;
	free(sql);
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
static bool check_constants(struct table *table, const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->column_count; i++) {
		const struct plan_column *column = &plan->columns[i];
		const char *text = column->constant ? column->constant : column->fallback;
		if (!text || column->kind == COLUMN_BYTES || probe(table, column, text, err))
			continue;
		if (err && err->kind == ERROR_REJECTED)
			err->kind = ERROR_SCHEMA;
		return false;
	}
	return true;
}

static bool check_all_constants(struct table *table, struct error *err)
{
	for (size_t i = 0; i < table->routes.count; i++)
		if (!check_constants(table, table->routes.plans[i], err))
			return false;
	return true;
}

static void shape_all(struct table *table)
{
	struct table_pg *pg = pg_of(table);

	if (!pg->routes) {
		pg->route_count = table->routes.count;
		pg->routes = memory_new(pg->route_count * sizeof(*pg->routes));
		table_shape_dead(&pg->dead);
	}
	for (size_t i = 0; i < pg->route_count; i++)
		table_shape(&pg->routes[i], table->routes.plans[i]);
}

/* Acknowledged to a workqueue is gone from it: then a commit has to be on disk. */
static bool set_up_session(struct table *table, struct error *err)
{
	return postgres_limit_statements(db_postgres(table->db), err) &&
		db_run(table->db, SQL_SINK_COMMIT, NULL, NULL, 0, NULL, NULL, err);
}

static bool opened(struct table *table, struct error *err)
{
	memset(pg_of(table)->prepared, 0, sizeof(pg_of(table)->prepared));
	shape_all(table);
	return prepare(table, IN_ORDER, err) && check_all_constants(table, err) &&
		set_up_session(table, err);
}

/* Gives how many events go into archives. */
static size_t fill_arrays(struct table *table, const struct table_store *store)
{
	struct table_pg *pg = pg_of(table);
	size_t archived = 0;

	table_begin_arrays(&pg->dead);
	for (size_t i = 0; i < pg->route_count; i++)
		table_begin_arrays(&pg->routes[i]);
	for (size_t i = 0; i < store->count; i++) {
		const struct table_event *event = &store->events[i];
		if (event->fault) {
			table_add_dead(&pg->dead, event);
		} else if (event->action != TABLE_SKIP) {
			const struct plan *plan = table->routes.plans[event->route];
			table_add_event(&pg->routes[event->route], plan, event);
			archived += plan->mode == SINK_ARCHIVE;
		}
	}
	return archived;
}

/* The texts of a call's parameters, which must stay until it is over. */
struct texts {
	char numbers[NUMBERS][NUMBER_SIZE];
	char seq[NUMBER_SIZE], time[VALUE_TIME_SIZE]; /* of the newest event */
	char *subject, *id;
};

static void finish_texts(struct texts *texts)
{
	free(texts->subject);
	free(texts->id);
}

static void add_frame(struct postgres_call *call, const struct table *table,
	const struct table_store *store, struct texts *texts)
{
	const struct lease *lease = &table->lease;
	const int64_t values[NUMBERS] = { lease->length_ms, lease->epoch, store->position->epoch,
		store->position->seq, store->seq };

	for (size_t i = 0; i < NUMBERS; i++)
		snprintf(texts->numbers[i], NUMBER_SIZE, "%" PRId64, values[i]);
	const char *const parameters[] = { lease->resource, lease->holder, texts->numbers[0],
		texts->numbers[1], table->config->name, table->config->stream,
		store->position->created, texts->numbers[2], texts->numbers[3], texts->numbers[4] };
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		postgres_add_text(call, parameters[i]);
}

static void add_mark(struct postgres_call *call, const struct table *table,
	const struct table_store *store, struct texts *texts)
{
	const struct table_event *newest = table->keeps_marks ? table_newest_of(store) : NULL;

	if (newest) {
		snprintf(texts->seq, NUMBER_SIZE, "%" PRId64, newest->seq);
		value_format_time(newest->time_ns / 1000, texts->time);
		texts->subject =
			memory_copy(newest->event.subject.data, newest->event.subject.size);
		if (newest->event.id.data)
			texts->id = memory_copy(newest->event.id.data, newest->event.id.size);
	}
	postgres_add_text(call, newest ? texts->seq : NULL);
	postgres_add_text(call, texts->subject);
	postgres_add_text(call, texts->id);
	postgres_add_text(call, newest ? texts->time : NULL);
}

/* The parameters behind those of the frame: statement.c numbers them the same. */
static void add_arrays(struct postgres_call *call, struct table_pg *pg, bool again)
{
	table_end_arrays(&pg->dead, call);
	postgres_add_text(call, again ? "t" : "f");
	for (size_t i = 0; i < pg->route_count; i++)
		table_end_arrays(&pg->routes[i], call);
}

/* The server does not say which column a value was for: the one whose value fails alone. */
static void name_column(struct table *table, const struct plan *plan,
	const struct table_event *event, struct error *err)
{
	for (size_t i = 0; i < plan->column_count; i++) {
		const struct plan_column *column = &plan->columns[i];
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
	const struct table_event *event = store->events;
	struct error changed;

	if (!err || err->kind != ERROR_REJECTED || store->count != 1)
		return false;
	if (!table_check_plans(table, &changed)) {
		*err = changed;
		return false;
	}
	if (event->cells)
		name_column(table, table->routes.plans[event->route], event, err);
	return table_name_route(table, event, err);
}

/* Whether lease and position were as expected, or the event was set aside; otherwise nothing was stored. */
static bool check_frame(const struct table *table, const struct table_store *store,
	const PGresult *result, struct error *err)
{
	if (store->again)
		return PQgetvalue(result, 0, GONE)[0] == '1' || table_not_aside(table, store, err);
	if (PQgetvalue(result, 0, HELD)[0] != '1')
		return table_lost_lease(table, err);
	return PQgetvalue(result, 0, MOVED)[0] == '1' || table_moved(table, err);
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	enum variant variant = store->again ? AGAIN : table->in_order ? IN_ORDER : IN_ANY_ORDER;
	struct postgres_call call = { .sql = variant_names[variant], .prepared = true };
	struct texts texts = { .subject = NULL };
	PGresult *result;

	if (!prepare(table, variant, err))
		return false;
	size_t archived = fill_arrays(table, store);
	add_frame(&call, table, store, &texts);
	add_mark(&call, table, store, &texts);
	add_arrays(&call, pg_of(table), store->again);
	bool ok = postgres_call(db_postgres(table->db), &call, &result, err);
	finish_texts(&texts);
	if (!ok)
		return refused(table, store, err);
	ok = check_frame(table, store, result, err);
	if (ok)
		table->already += archived - (size_t)atoll(PQgetvalue(result, 0, ARCHIVED));
	PQclear(result);
	return ok;
}

const struct table_driver table_postgres = { create, destroy, opened, store_batch };
