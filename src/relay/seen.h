#ifndef RELAY_SEEN_H
#define RELAY_SEEN_H

#include "base/map.h"
#include "base/slice.h"

/*
 * The rows of a borrowed table that were read and are not settled. Each has a number, which grows in the order of
 * reading: it stands for the row's id, whatever that is made of. Pure. One thread.
 */
struct seen_row {
	char *id; /* NULL: settled */
	int64_t due_ms; /* monotonic: when to try again; 0: it did not fail */
};

struct seen {
	struct seen_row *rows; /* by number, from base on */
	size_t end, room;
	int64_t base; /* the number of rows[0] */
	struct map numbers; /* hash of an id -> its number */
	size_t waiting; /* rows with due_ms */
};

void seen_finish(struct seen *seen);
void seen_clear(struct seen *seen); /* numbers go on growing */

/* The number of an id; a new one where it was not seen (*fresh). */
int64_t seen_number(struct seen *seen, const char *id, bool *fresh);
bool seen_has(const struct seen *seen, const char *id);

/* NULL: settled, or never given. */
struct seen_row *seen_row(const struct seen *seen, int64_t number);
void seen_wait(struct seen *seen, int64_t number, int64_t due_ms);
void seen_forget(struct seen *seen, int64_t number);

/* The first number above one that is not settled; INT64_MAX: none. */
int64_t seen_above(const struct seen *seen, int64_t number);

#endif
