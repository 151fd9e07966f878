/* An arena: a list of chunks, the newest in front, bytes handed out from its end. */
#include "base/arena.h"

#include <stdlib.h>
#include <stdalign.h>
#include <string.h>

#include "base/memory.h"

#define CHUNK_SIZE ((size_t)64 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena)
{
	*arena = (struct arena){ 0 };
}

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
}

void arena_finish(struct arena *arena)
{
	free_chunks(arena->chunks);
	*arena = (struct arena){ 0 };
}

void arena_reset(struct arena *arena)
{
	if (arena->chunks) {
		free_chunks(arena->chunks->next);
		arena->chunks->next = NULL;
		arena->chunks->used = 0;
	}
	arena->used = 0;
}

void *arena_new(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;

	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		chunk = memory_grow(NULL, sizeof(*chunk) + room);
		*chunk = (struct arena_chunk){ .next = arena->chunks, .size = room };
		arena->chunks = chunk;
	}
	void *memory = chunk->data + chunk->used;
	chunk->used += size;
	arena->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
	char *copy = arena_new(arena, size + 1);

	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}
