/* Rows and the batches they are read in. */
#include "relay/row.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static char *keep(char *to, struct slice *part)
{
	if (part->size)
		memcpy(to, part->data, part->size);
	if (part->data)
		part->data = to;
	return to + part->size;
}

static struct row *row_copy(const struct row *from)
{
	struct row *row = memory_grow(NULL, sizeof(*row) + row_size(from));
	char *to = (char *)(row + 1);

	*row = *from;
	to = keep(to, &row->event.id);
	to = keep(to, &row->event.subject);
	to = keep(to, &row->event.key);
	to = keep(to, &row->event.headers);
	keep(to, &row->event.payload);
	return row;
}

void row_release(struct row *row)
{
	free(row);
}

void rows_release(struct row *rows)
{
	while (rows) {
		struct row *next = rows->next;
		row_release(rows);
		rows = next;
	}
}

struct batch *batch_create(size_t room)
{
	struct batch *batch = memory_new(sizeof(*batch));

	batch->rows = memory_new(room * sizeof(struct row *));
	batch->room = room;
	batch->sweep_end = INT64_MIN;
	return batch;
}

void batch_destroy(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		row_release(batch->rows[i]);
	free(batch->rows);
	free(batch);
}

void batch_add(struct batch *batch, const struct row *row)
{
	if (batch->count == batch->room) {
		batch->room = batch->room * 2 + 1;
		batch->rows = memory_grow(batch->rows, batch->room * sizeof(struct row *));
	}
	batch->rows[batch->count++] = row_copy(row);
}

void batch_put(struct batch *batch, size_t at, const struct row *row)
{
	struct row *before = batch->rows[at];

	batch->rows[at] = row_copy(row);
	row_release(before);
}

void batch_filter(struct batch *batch, bool (*wanted)(const struct row *row, const void *context),
	const void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (wanted(batch->rows[i], context))
			batch->rows[kept++] = batch->rows[i];
		else
			row_release(batch->rows[i]);
	batch->count = kept;
}

static int by_id(const void *a, const void *b)
{
	const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;

	if (x->id == y->id)
		return (int)x->source - (int)y->source;
	return x->id > y->id ? 1 : -1;
}

static bool sorted(const struct batch *batch)
{
	for (size_t i = 1; i < batch->count; i++)
		if (batch->rows[i - 1]->id >= batch->rows[i]->id)
			return false;
	return true;
}

static void sort(struct batch *batch)
{
	size_t kept = 0;

	qsort(batch->rows, batch->count, sizeof(struct row *), by_id);
	for (size_t i = 0; i < batch->count; i++)
		if (i == 0 || batch->rows[i]->id != batch->rows[kept - 1]->id)
			batch->rows[kept++] = batch->rows[i];
		else
			row_release(batch->rows[i]);
	batch->count = kept;
}

void batch_finish(struct batch *batch)
{
	if (!sorted(batch))
		sort(batch);
	for (size_t i = 0; i < batch->count; i++)
		batch->bytes += row_size(batch->rows[i]);
}

struct row *batch_take(struct batch *batch, size_t at)
{
	struct row *row = batch->rows[at];

	batch->rows[at] = NULL;
	return row;
}
