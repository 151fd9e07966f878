/* Rows and the batches they live in. */
#include "relay/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct batch *batch_create(size_t room)
{
	struct batch *batch = memory_new(sizeof(*batch));

	batch->rows = memory_new(room * sizeof(*batch->rows));
	batch->room = room;
	batch->sweep_end = INT64_MIN;
	arena_init(&batch->arena);
	return batch;
}

void batch_destroy(struct batch *batch)
{
	if (batch->result)
		batch->free_result(batch->result);
	arena_finish(&batch->arena);
	free(batch->rows);
	free(batch);
}

struct row *batch_add(struct batch *batch)
{
	if (batch->count == batch->room) {
		batch->room = batch->room * 2 + 1;
		batch->rows = memory_grow(batch->rows, batch->room * sizeof(*batch->rows));
	}
	struct row *row = &batch->rows[batch->count++];
	*row = (struct row){ 0 };
	return row;
}

static char *keep(char *to, struct slice *part)
{
	if (part->size)
		memcpy(to, part->data, part->size);
	if (part->data)
		part->data = to;
	return to + part->size;
}

void row_keep(struct row *row, struct batch *batch)
{
	char *to = arena_new(&batch->arena, row_size(row));

	to = keep(to, &row->event.id);
	to = keep(to, &row->event.subject);
	to = keep(to, &row->event.key);
	to = keep(to, &row->event.headers);
	keep(to, &row->event.payload);
}

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->id == y->id)
		return (int)x->source - (int)y->source;
	return x->id > y->id ? 1 : -1;
}

static bool sorted(const struct batch *batch)
{
	for (size_t i = 1; i < batch->count; i++)
		if (batch->rows[i - 1].id >= batch->rows[i].id)
			return false;
	return true;
}

void batch_finish(struct batch *batch)
{
	if (!sorted(batch)) {
		size_t kept = 0;
		qsort(batch->rows, batch->count, sizeof(*batch->rows), by_id);
		for (size_t i = 0; i < batch->count; i++)
			if (i == 0 || batch->rows[i].id != batch->rows[kept - 1].id)
				batch->rows[kept++] = batch->rows[i];
		batch->count = kept;
	}
	batch->live = batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		batch->rows[i].batch = batch;
		batch->bytes += row_size(&batch->rows[i]);
	}
}

void batch_hold(struct batch *batch)
{
	batch->live++;
}

void batch_let_go(struct batch *batch)
{
	if (--batch->live == 0)
		batch_destroy(batch);
}

void row_release(struct row *row)
{
	batch_let_go(row->batch);
}
