/* Open addressing with linear probing; a removal moves what follows back, so there are no tombstones. */
#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

struct map_entry {
	uint64_t key, value;
	bool used;
};

static size_t home(const struct map *map, uint64_t key)
{
	key ^= key >> 32;
	key *= 0x9e3779b97f4a7c15ULL;
	return (size_t)(key >> 20) & (map->room - 1);
}

static size_t find(const struct map *map, uint64_t key)
{
	size_t i = home(map, key);

	while (map->entries[i].used && map->entries[i].key != key)
		i = (i + 1) & (map->room - 1);
	return i;
}

static void resize(struct map *map, size_t room)
{
	struct map old = *map;

	*map = (struct map){ .entries = memory_new(room * sizeof(struct map_entry)), .room = room };
	for (size_t i = 0; i < old.room; i++)
		if (old.entries[i].used)
			map_put(map, old.entries[i].key, old.entries[i].value);
	free(old.entries);
}

void map_finish(struct map *map)
{
	free(map->entries);
	*map = (struct map){ 0 };
}

void map_put(struct map *map, uint64_t key, uint64_t value)
{
	if (map->count * 4 >= map->room * 3)
		resize(map, map->room ? map->room * 2 : 64);
	struct map_entry *entry = &map->entries[find(map, key)];
	map->count += !entry->used;
	*entry = (struct map_entry){ key, value, true };
}

bool map_get(const struct map *map, uint64_t key, uint64_t *value)
{
	if (map->count == 0)
		return false;
	const struct map_entry *entry = &map->entries[find(map, key)];
	if (entry->used)
		*value = entry->value;
	return entry->used;
}

/* Closes the hole at i: an entry behind it that may stand there moves into it. */
static void close_hole(struct map *map, size_t i)
{
	size_t mask = map->room - 1;

	for (size_t j = (i + 1) & mask; map->entries[j].used; j = (j + 1) & mask) {
		size_t wanted = home(map, map->entries[j].key);
		if (((j - wanted) & mask) < ((j - i) & mask))
			continue;
		map->entries[i] = map->entries[j];
		i = j;
	}
	map->entries[i].used = false;
}

bool map_remove(struct map *map, uint64_t key)
{
	if (map->count == 0)
		return false;
	size_t i = find(map, key);
	if (!map->entries[i].used)
		return false;
	close_hole(map, i);
	if (--map->count == 0 && map->room > 65536)
		map_finish(map);
	return true;
}

bool map_next(const struct map *map, size_t *at, uint64_t *value)
{
	while (*at < map->room) {
		const struct map_entry *entry = &map->entries[(*at)++];
		if (entry->used) {
			*value = entry->value;
			return true;
		}
	}
	return false;
}
