#ifndef RELAY_GAPS_H
#define RELAY_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Ids that were not there when higher ones were: rolled back, or not committed yet. Pure: no I/O.
 *
 * A gap is closed when every transaction that held a lock on the table, asked after the gap was seen, is
 * gone, and one more look finds nothing. The number of ranges has a cap; past it the oldest are given to
 * the sweep (overflowed).
 */
#define GAPS_CAP 2048

struct gap_group;

struct gap {
	int64_t low, high; /* both included */
	struct gap_group *group;
};

struct gaps {
	struct gap *ranges; /* by low */
	size_t count, room;
	struct gap_group *groups, *fresh;
	bool overflowed;
};

void gaps_clear(struct gaps *gaps); /* and frees */

/* The ids from low to high were not there. Ranges come in ascending order, above all earlier ones. */
void gaps_add(struct gaps *gaps, int64_t low, int64_t high);

/* A row of that id is there: true where it closes (a part of) a gap. */
bool gaps_fill(struct gaps *gaps, int64_t id);

/* The hashes of the transactions that hold a lock now: asked after the last gaps_add, before the next look. */
void gaps_holders(struct gaps *gaps, const uint64_t *holders, size_t count);

/* A look at every gap, made after the last gaps_holders, is over. */
void gaps_looked(struct gaps *gaps);

#endif
