#ifndef RELAY_READY_H
#define RELAY_READY_H

#include "relay/row.h"

/*
 * The rows that may fly, of which the one with the lowest id comes first: so rows are acknowledged about in the order
 * of their ids, and neighbours, which share pages of the table, are settled together. A binary heap. Pure. One thread.
 */
struct ready {
	struct row **rows; /* none has a lower id than the one above it, at half its place */
	size_t count, room;
};

void ready_finish(struct ready *ready); /* empty then; the rows are not released */
void ready_add(struct ready *ready, struct row *row);
struct row *ready_take(struct ready *ready); /* NULL: none is there */

#endif
