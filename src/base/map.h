#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hash map from 64-bit keys to 64-bit values (or pointers). Zeroed is empty. One thread at a time. */
struct map {
	struct map_entry *entries;
	size_t count, room; /* room: a power of two, or 0 */
};

void map_finish(struct map *map);
void map_put(struct map *map, uint64_t key, uint64_t value); /* replaces */
bool map_get(const struct map *map, uint64_t key, uint64_t *value);
bool map_remove(struct map *map, uint64_t key);

/* Goes through the values: at starts at 0. The map must not change meanwhile. */
bool map_next(const struct map *map, size_t *at, uint64_t *value);

static inline void *map_get_pointer(const struct map *map, uint64_t key)
{
	uint64_t value;

	return map_get(map, key, &value) ? (void *)(uintptr_t)value : NULL;
}

#endif
