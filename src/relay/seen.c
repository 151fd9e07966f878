/* Numbers for rows, in the order of reading. */
#include "relay/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define SLACK 4096 /* settled rows at the beginning that are worth moving the others */

void seen_clear(struct seen *seen)
{
	for (size_t i = 0; i < seen->end; i++)
		free(seen->rows[i].id);
	map_finish(&seen->numbers);
	seen->base += (int64_t)seen->end;
	seen->end = seen->waiting = 0;
}

void seen_finish(struct seen *seen)
{
	seen_clear(seen);
	free(seen->rows);
	*seen = (struct seen){ 0 };
}

static uint64_t hash_of(const char *id)
{
	return hash_slice(slice_of(id));
}

bool seen_has(const struct seen *seen, const char *id)
{
	uint64_t number;

	return map_get(&seen->numbers, hash_of(id), &number);
}

int64_t seen_number(struct seen *seen, const char *id, bool *fresh)
{
	uint64_t number;

	*fresh = !map_get(&seen->numbers, hash_of(id), &number);
	if (!*fresh)
		return (int64_t)number;
	if (seen->end == seen->room) {
		seen->room = seen->room ? seen->room * 2 : 1024;
		seen->rows = memory_grow(seen->rows, seen->room * sizeof(*seen->rows));
	}
	seen->rows[seen->end] = (struct seen_row){ .id = memory_text(id) };
	number = (uint64_t)(seen->base + (int64_t)seen->end++);
	map_put(&seen->numbers, hash_of(id), number);
	return (int64_t)number;
}

struct seen_row *seen_row(const struct seen *seen, int64_t number)
{
	if (number < seen->base || number >= seen->base + (int64_t)seen->end)
		return NULL;
	struct seen_row *row = &seen->rows[number - seen->base];
	return row->id ? row : NULL;
}

void seen_wait(struct seen *seen, int64_t number, int64_t due_ms)
{
	struct seen_row *row = seen_row(seen, number);

	if (!row)
		return;
	seen->waiting += (due_ms != 0) - (row->due_ms != 0);
	row->due_ms = due_ms;
}

static void shrink(struct seen *seen)
{
	size_t gone = 0;

	while (gone < seen->end && !seen->rows[gone].id)
		gone++;
	if (gone < SLACK || gone * 2 < seen->end)
		return;
	memmove(seen->rows, seen->rows + gone, (seen->end - gone) * sizeof(*seen->rows));
	seen->end -= gone;
	seen->base += (int64_t)gone;
}

void seen_forget(struct seen *seen, int64_t number)
{
	struct seen_row *row = seen_row(seen, number);

	if (!row)
		return;
	seen_wait(seen, number, 0);
	map_remove(&seen->numbers, hash_of(row->id));
	free(row->id);
	row->id = NULL;
	if ((number - seen->base) % SLACK == 0)
		shrink(seen);
}

int64_t seen_above(const struct seen *seen, int64_t number)
{
	int64_t at = number < seen->base ? seen->base : number + 1;

	while (at < seen->base + (int64_t)seen->end && !seen_row(seen, at))
		at++;
	return at < seen->base + (int64_t)seen->end ? at : INT64_MAX;
}
