#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

/*
 * Memory that is freed all at once. A batch lives in an arena. Allocations are aligned for any type and
 * stay where they are. One thread at a time.
 */
struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used; /* bytes handed out since the last reset */
};

void arena_init(struct arena *arena);
void arena_finish(struct arena *arena);
void arena_reset(struct arena *arena); /* keeps the newest chunk, frees the others */
void *arena_new(struct arena *arena, size_t size); /* not zeroed; never NULL */
char *arena_copy(struct arena *arena, const void *data, size_t size); /* with a NUL behind */

#endif
