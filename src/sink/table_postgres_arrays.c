/* Events as binary arrays. A mapped column takes texts, which the server casts to the column's own type. */
#include <stdlib.h>

#include "base/memory.h"
#include "sink/table_postgres.h"

#define BOOL_OID      16
#define EPOCH_2000_US INT64_C(946684800000000) /* timestamptz counts from there */

static void shape(struct table_arrays *arrays, size_t room)
{
	table_finish_arrays(arrays);
	arrays->items = memory_new(room * sizeof(*arrays->items));
	arrays->types = memory_new(room * sizeof(*arrays->types));
}

static void add_type(struct table_arrays *arrays, uint32_t type)
{
	arrays->types[arrays->count++] = type;
}

static void add_types(struct table_arrays *arrays, const uint32_t *types, size_t count)
{
	shape(arrays, count);
	for (size_t i = 0; i < count; i++)
		add_type(arrays, types[i]);
}

void table_shape_dead(struct table_arrays *arrays)
{
	static const uint32_t types[] = { POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_TEXT,
		POSTGRES_TEXT, POSTGRES_BYTEA, POSTGRES_TEXT, POSTGRES_TEXT, POSTGRES_TIMESTAMPTZ };

	add_types(arrays, types, sizeof(types) / sizeof(types[0]));
}

static void shape_archive(struct table_arrays *arrays)
{
	static const uint32_t types[] = { POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_TEXT,
		POSTGRES_TEXT, POSTGRES_TEXT, POSTGRES_BYTEA, POSTGRES_TIMESTAMPTZ };

	add_types(arrays, types, sizeof(types) / sizeof(types[0]));
}

void table_shape(struct table_arrays *arrays, const struct plan *plan)
{
	if (plan->mode == SINK_ARCHIVE) {
		shape_archive(arrays);
		return;
	}
	shape(arrays, 3 + 2 * plan->column_count);
	add_type(arrays, POSTGRES_INT8);
	add_type(arrays, POSTGRES_INT8);
	add_type(arrays, BOOL_OID);
	for (size_t i = 0; i < plan->column_count; i++) {
		const struct plan_column *column = &plan->columns[i];
		if (column->source.type == SOURCE_EPOCH)
			continue;
		add_type(arrays, column->kind == COLUMN_BYTES ? POSTGRES_BYTEA : POSTGRES_TEXT);
		if (column->own_default)
			add_type(arrays, BOOL_OID);
	}
}

void table_finish_arrays(struct table_arrays *arrays)
{
	for (size_t i = 0; i < arrays->count; i++)
		buf_finish(&arrays->items[i]);
	free(arrays->items);
	free(arrays->types);
	*arrays = (struct table_arrays){ 0 };
}

void table_begin_arrays(struct table_arrays *arrays)
{
	arrays->events = 0;
	for (size_t i = 0; i < arrays->count; i++)
		postgres_array_begin(&arrays->items[i], arrays->types[i]);
}

void table_end_arrays(struct table_arrays *arrays, struct postgres_call *call)
{
	for (size_t i = 0; i < arrays->count; i++) {
		postgres_array_end(&arrays->items[i], arrays->events);
		postgres_add_binary(call, arrays->items[i].data, arrays->items[i].size);
	}
}

static void add_slice(struct buf *array, struct slice text)
{
	if (text.data)
		postgres_array_add(array, text.data, text.size);
	else
		postgres_array_add_null(array);
}

static void add_bool(struct buf *array, bool value)
{
	const char byte = value ? 1 : 0;

	postgres_array_add(array, &byte, 1);
}

static int64_t pg_time(const struct table_event *event)
{
	return event->time_ns / 1000 - EPOCH_2000_US;
}

void table_add_dead(struct table_arrays *arrays, const struct table_event *event)
{
	struct buf *item = arrays->items;

	postgres_array_add_int8(item++, event->seq);
	add_slice(item++, event->event.subject);
	add_slice(item++, event->event.key);
	add_slice(item++, event->event.headers);
	postgres_array_add(item++, event->event.payload.data, event->event.payload.size);
	add_slice(item++, slice_of(event->fault));
	add_slice(item++, event->event.id);
	postgres_array_add_int8(item, pg_time(event));
	arrays->events++;
}

static void add_archived(struct buf *item, const struct table_event *event)
{
	postgres_array_add_int8(item++, event->seq);
	add_slice(item++, event->event.subject);
	add_slice(item++, event->event.key);
	add_slice(item++, event->event.id);
	add_slice(item++, event->event.headers);
	postgres_array_add(item++, event->event.payload.data, event->event.payload.size);
	postgres_array_add_int8(item, pg_time(event));
}

static void add_mapped(struct buf *item, const struct plan *plan, const struct table_event *event)
{
	postgres_array_add_int8(item++, event->seq);
	postgres_array_add_int8(item++, event->version);
	add_bool(item++, event->action == TABLE_DELETE);
	for (size_t i = 0; i < plan->column_count; i++) {
		if (plan->columns[i].source.type == SOURCE_EPOCH)
			continue;
		add_slice(item++, event->cells[i].text);
		if (plan->columns[i].own_default)
			add_bool(item++, event->cells[i].type == CELL_MISSING);
	}
}

void table_add_event(
	struct table_arrays *arrays, const struct plan *plan, const struct table_event *event)
{
	if (plan->mode == SINK_ARCHIVE)
		add_archived(arrays->items, event);
	else
		add_mapped(arrays->items, plan, event);
	arrays->events++;
}
