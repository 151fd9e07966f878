/* Two queues: the events that were read, and what was known at each reading. */
#include "history/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void place_clear(struct place *place)
{
	for (size_t i = place->first_span; i < place->end_span; i++)
		free(place->spans[i].known);
	place->first = place->end = place->first_span = place->end_span = 0;
}

void place_finish(struct place *place)
{
	place_clear(place);
	free(place->entries);
	free(place->spans);
	*place = (struct place){ 0 };
}

/* Room for one more at the end of a queue: what was taken from its front is used again. */
static void *make_room(void *items, size_t size, size_t *first, size_t *end, size_t *room)
{
	if (*end < *room)
		return items;
	if (*first > *room / 2) {
		memmove(items, (char *)items + *first * size, (*end - *first) * size);
		*end -= *first;
		*first = 0;
		return items;
	}
	*room = *room ? *room * 2 : 1024;
	return memory_grow(items, *room * size);
}

void place_add(struct place *place, int64_t number)
{
	place->entries = make_room(
		place->entries, sizeof(*place->entries), &place->first, &place->end, &place->room);
	place->entries[place->end++] = (struct place_entry){ .number = number };
}

void place_read(struct place *place, const uint64_t *known, size_t count)
{
	uint64_t *copy = memory_new((count + 1) * sizeof(*copy));

	if (count)
		memcpy(copy, known, count * sizeof(*copy));
	place->spans = make_room(place->spans, sizeof(*place->spans), &place->first_span,
		&place->end_span, &place->span_room);
	place->spans[place->end_span++] =
		(struct place_span){ place->entries[place->end - 1].number, copy, count };
}

static struct place_entry *find(const struct place *place, int64_t number)
{
	size_t low = place->first, high = place->end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (place->entries[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < place->end && place->entries[low].number == number ? &place->entries[low]
									: NULL;
}

bool place_has(const struct place *place, int64_t number)
{
	const struct place_entry *entry = find(place, number);

	return entry && !entry->done;
}

void place_done(struct place *place, int64_t number, bool refused)
{
	struct place_entry *entry = find(place, number);

	if (!entry)
		return;
	entry->done = true;
	entry->refused = refused;
}

bool place_next(struct place *place, struct place_entry *entry)
{
	if (place_open(place) == 0 || !place->entries[place->first].done)
		return false;
	*entry = place->entries[place->first++];
	while (place->first_span < place->end_span &&
		place->spans[place->first_span].last <= entry->number)
		free(place->spans[place->first_span++].known);
	return true;
}

const struct place_span *place_span(const struct place *place)
{
	return place->first_span < place->end_span ? &place->spans[place->first_span] : NULL;
}
