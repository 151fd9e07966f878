/* A binary heap of rows by id. */
#include "relay/ready.h"

#include <stdlib.h>

#include "base/memory.h"

void ready_finish(struct ready *ready)
{
	free(ready->rows);
	*ready = (struct ready){ 0 };
}

void ready_add(struct ready *ready, struct row *row)
{
	size_t at = ready->count++;

	if (at == ready->room) {
		ready->room = ready->room ? ready->room * 2 : 256;
		ready->rows = memory_grow(ready->rows, ready->room * sizeof(struct row *));
	}
	for (; at > 0 && ready->rows[(at - 1) / 2]->id > row->id; at = (at - 1) / 2)
		ready->rows[at] = ready->rows[(at - 1) / 2];
	ready->rows[at] = row;
}

/* Of the two below a place, the one with the lower id. */
static size_t lower_of(const struct ready *ready, size_t at)
{
	size_t left = 2 * at + 1;

	if (left + 1 < ready->count && ready->rows[left + 1]->id < ready->rows[left]->id)
		return left + 1;
	return left;
}

struct row *ready_take(struct ready *ready)
{
	if (ready->count == 0)
		return NULL;
	struct row *first = ready->rows[0], *moved = ready->rows[--ready->count];
	size_t at = 0;
	for (size_t below;
		(below = lower_of(ready, at)) < ready->count && ready->rows[below]->id < moved->id;
		at = below)
		ready->rows[at] = ready->rows[below];
	ready->rows[at] = moved;
	return first;
}
