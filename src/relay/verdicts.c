/* Verdicts that wait to be settled, and which of them go together. */
#include "relay/verdicts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void verdicts_add(struct verdicts *verdicts, const struct verdict *more, size_t count)
{
	if (verdicts->count + count > verdicts->room) {
		verdicts->room = (verdicts->count + count) * 2;
		verdicts->items =
			memory_grow(verdicts->items, verdicts->room * sizeof(*verdicts->items));
	}
	if (count)
		memcpy(verdicts->items + verdicts->count, more, count * sizeof(*more));
	verdicts->count += count;
}

void verdicts_finish(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++)
		free(verdicts->items[i].error);
	free(verdicts->items);
	*verdicts = (struct verdicts){ 0 };
}

static int by_row(const void *a, const void *b)
{
	const struct verdict *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static bool is_urgent(const struct verdict *verdict, const struct position *positions)
{
	return verdict->outcome != OUTCOME_DELIVERED ||
		verdict->seq == positions[verdict->stream].marked_seq;
}

static void move_back(struct position *positions, const struct verdict *left)
{
	struct position *position = &positions[left->stream];

	if (position->seq >= left->seq)
		position->seq = left->seq - 1;
}

void verdicts_take(
	struct verdicts *verdicts, size_t count, struct position *positions, struct verdicts *taken)
{
	size_t kept = 0;

	if (verdicts->count == 0)
		return;
	qsort(verdicts->items, verdicts->count, sizeof(*verdicts->items), by_row);
	if (count >= verdicts->count) {
		*taken = *verdicts;
		*verdicts = (struct verdicts){ 0 };
		return;
	}
	verdicts_add(taken, verdicts->items, count);
	for (size_t i = count; i < verdicts->count; i++) {
		const struct verdict verdict = verdicts->items[i];
		if (is_urgent(&verdict, positions)) {
			verdicts_add(taken, &verdict, 1);
		} else {
			move_back(positions, &verdict);
			verdicts->items[kept++] = verdict;
		}
	}
	verdicts->count = kept;
}
