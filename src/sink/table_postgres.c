/*
 * An archive in PostgreSQL: one prepared statement a load, which takes the events as binary arrays.
 * Its parts see one snapshot; nothing is stored unless the lease and the position were as expected.
 */
#include "sink/table_postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define STORE	      "sink_store"
#define EPOCH_2000_US INT64_C(946684800000000) /* timestamptz counts from there */

/* The arrays of the statement, in its order; those of sink_dead follow. */
enum array { SEQ, SUBJECT, KEY, MSG_ID, HEADERS, PAYLOAD, PUBLISHED_AT, ARRAYS };

static const uint32_t element_types[ARRAYS] = { [SEQ] = POSTGRES_INT8,
	[SUBJECT] = POSTGRES_TEXT,
	[KEY] = POSTGRES_TEXT,
	[MSG_ID] = POSTGRES_TEXT,
	[HEADERS] = POSTGRES_TEXT,
	[PAYLOAD] = POSTGRES_BYTEA,
	[PUBLISHED_AT] = POSTGRES_TIMESTAMPTZ };

static const uint32_t dead_types[DEAD_ARRAYS] = { [DEAD_SEQ] = POSTGRES_INT8,
	[DEAD_SUBJECT] = POSTGRES_TEXT,
	[DEAD_KEY] = POSTGRES_TEXT,
	[DEAD_HEADERS] = POSTGRES_TEXT,
	[DEAD_PAYLOAD] = POSTGRES_BYTEA,
	[DEAD_ERROR] = POSTGRES_TEXT,
	[DEAD_MSG_ID] = POSTGRES_TEXT,
	[DEAD_PUBLISHED_AT] = POSTGRES_TIMESTAMPTZ };

struct table_pg {
	struct table base;
	struct buf arrays[ARRAYS], dead[DEAD_ARRAYS]; /* kept for their memory */
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
	free(pg);
}

/* Acknowledged to a workqueue is gone from it: then a commit has to be on disk. */
bool table_set_up_session(struct table *table, struct error *err)
{
	return postgres_limit_statements(db_postgres(table->db), err) &&
		db_run(table->db, SQL_SINK_COMMIT, NULL, NULL, 0, NULL, NULL, err);
}

static bool opened(struct table *table, struct error *err)
{
	char *sql = db_statement_text(DB_POSTGRES, SQL_SINK_STORE, table->config->table);
	bool ok = postgres_prepare(db_postgres(table->db), STORE, sql, err) &&
		table_set_up_session(table, err);

	free(sql);
	return ok;
}

void table_add_slice(struct buf *array, struct slice text)
{
	if (text.data)
		postgres_array_add(array, text.data, text.size);
	else
		postgres_array_add_null(array);
}

static int64_t pg_time(const struct table_event *event)
{
	return event->time_ns / 1000 - EPOCH_2000_US;
}

static void add_event(struct buf *arrays, const struct table_event *event)
{
	postgres_array_add_int8(&arrays[SEQ], event->seq);
	table_add_slice(&arrays[SUBJECT], event->event.subject);
	table_add_slice(&arrays[KEY], event->event.key);
	table_add_slice(&arrays[MSG_ID], event->event.id);
	table_add_slice(&arrays[HEADERS], event->event.headers);
	postgres_array_add(&arrays[PAYLOAD], event->event.payload.data, event->event.payload.size);
	postgres_array_add_int8(&arrays[PUBLISHED_AT], pg_time(event));
}

static void add_dead(struct buf *arrays, const struct table_event *event)
{
	postgres_array_add_int8(&arrays[DEAD_SEQ], event->seq);
	table_add_slice(&arrays[DEAD_SUBJECT], event->event.subject);
	table_add_slice(&arrays[DEAD_KEY], event->event.key);
	table_add_slice(&arrays[DEAD_HEADERS], event->event.headers);
	postgres_array_add(
		&arrays[DEAD_PAYLOAD], event->event.payload.data, event->event.payload.size);
	table_add_slice(&arrays[DEAD_ERROR], slice_of(event->fault));
	table_add_slice(&arrays[DEAD_MSG_ID], event->event.id);
	postgres_array_add_int8(&arrays[DEAD_PUBLISHED_AT], pg_time(event));
}

size_t table_dead_arrays(struct buf arrays[DEAD_ARRAYS], const struct table_store *store)
{
	size_t dead = 0;

	for (size_t i = 0; i < DEAD_ARRAYS; i++)
		postgres_array_begin(&arrays[i], dead_types[i]);
	for (size_t i = 0; i < store->count; i++)
		if (store->events[i].fault) {
			add_dead(arrays, &store->events[i]);
			dead++;
		}
	for (size_t i = 0; i < DEAD_ARRAYS; i++)
		postgres_array_end(&arrays[i], dead);
	return dead;
}

/* Gives how many are to be stored; the others are to be set aside. */
static size_t fill_arrays(struct table_pg *pg, const struct table_store *store)
{
	size_t fresh = store->count - table_dead_arrays(pg->dead, store);

	for (size_t i = 0; i < ARRAYS; i++)
		postgres_array_begin(&pg->arrays[i], element_types[i]);
	for (size_t i = 0; i < store->count; i++)
		if (!store->events[i].fault)
			add_event(pg->arrays, &store->events[i]);
	for (size_t i = 0; i < ARRAYS; i++)
		postgres_array_end(&pg->arrays[i], fresh);
	return fresh;
}

bool table_check_frame(const struct table *table, const struct table_store *store,
	const PGresult *result, struct error *err)
{
	if (store->again)
		return PQgetvalue(result, 0, 3)[0] == '1' || table_not_aside(table, store, err);
	if (PQgetvalue(result, 0, 0)[0] != '1')
		return table_lost_lease(table, err);
	return PQgetvalue(result, 0, 1)[0] == '1' || table_moved(table, err);
}

void table_add_frame(struct postgres_call *call, const struct table *table,
	const struct table_store *store, char numbers[TABLE_NUMBERS][TABLE_NUMBER_SIZE])
{
	const struct lease *lease = &table->lease;
	const int64_t values[TABLE_NUMBERS] = { lease->length_ms, lease->epoch,
		store->position->epoch, store->position->seq, store->seq };

	for (size_t i = 0; i < TABLE_NUMBERS; i++)
		snprintf(numbers[i], TABLE_NUMBER_SIZE, "%" PRId64, values[i]);
	const char *const texts[] = { lease->resource, lease->holder, numbers[0], numbers[1],
		table->config->name, table->config->stream, store->position->created, numbers[2],
		numbers[3], numbers[4] };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		postgres_add_text(call, texts[i]);
}

static bool store_batch(struct table *table, const struct table_store *store, struct error *err)
{
	struct table_pg *pg = pg_of(table);
	char numbers[TABLE_NUMBERS][TABLE_NUMBER_SIZE];
	struct postgres_call call = { .sql = STORE, .prepared = true };
	PGresult *result;

	size_t fresh = fill_arrays(pg, store);
	table_add_frame(&call, table, store, numbers);
	for (size_t i = 0; i < ARRAYS; i++)
		postgres_add_binary(&call, pg->arrays[i].data, pg->arrays[i].size);
	for (size_t i = 0; i < DEAD_ARRAYS; i++)
		postgres_add_binary(&call, pg->dead[i].data, pg->dead[i].size);
	postgres_add_text(&call, store->again ? "t" : "f");
	if (!postgres_call(db_postgres(table->db), &call, &result, err))
		return false;
	bool ok = table_check_frame(table, store, result, err);
	if (ok)
		table->already += fresh - (size_t)atoll(PQgetvalue(result, 0, 2));
	PQclear(result);
	return ok;
}

const struct table_driver table_postgres = { create, destroy, opened, store_batch };
