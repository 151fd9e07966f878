/* Open gaps in the ids: ranges, each in the group of those that were seen in the same look. */
#include "relay/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct gap_group {
	struct gap_group *next;
	uint64_t *holders; /* who was there when they were first asked, and has been since */
	size_t count;
	bool asked; /* holders is known */
	bool last_look; /* nobody is left: the next look decides */
};

void gaps_clear(struct gaps *gaps)
{
	struct gap_group *next;

	for (struct gap_group *group = gaps->groups; group; group = next) {
		next = group->next;
		free(group->holders);
		free(group);
	}
	free(gaps->ranges);
	*gaps = (struct gaps){ 0 };
}

static void insert(struct gaps *gaps, size_t at, struct gap gap)
{
	if (gaps->count == gaps->room) {
		gaps->room = gaps->room ? gaps->room * 2 : 64;
		gaps->ranges = memory_grow(gaps->ranges, gaps->room * sizeof(*gaps->ranges));
	}
	memmove(gaps->ranges + at + 1, gaps->ranges + at,
		(gaps->count - at) * sizeof(*gaps->ranges));
	gaps->ranges[at] = gap;
	gaps->count++;
}

static void delete(struct gaps *gaps, size_t at)
{
	gaps->count--;
	memmove(gaps->ranges + at, gaps->ranges + at + 1,
		(gaps->count - at) * sizeof(*gaps->ranges));
}

void gaps_add(struct gaps *gaps, int64_t low, int64_t high)
{
	if (low > high)
		return;
	if (!gaps->fresh) {
		gaps->fresh = memory_new(sizeof(*gaps->fresh));
		gaps->fresh->next = gaps->groups;
		gaps->groups = gaps->fresh;
	}
	if (gaps->count >= GAPS_CAP) {
		delete (gaps, 0);
		gaps->overflowed = true;
	}
	insert(gaps, gaps->count, (struct gap){ low, high, gaps->fresh });
}

/* The range that holds id, or count. */
static size_t find(const struct gaps *gaps, int64_t id)
{
	size_t low = 0, high = gaps->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (gaps->ranges[middle].high < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < gaps->count && gaps->ranges[low].low <= id ? low : gaps->count;
}

bool gaps_fill(struct gaps *gaps, int64_t id)
{
	size_t at = find(gaps, id);

	if (at == gaps->count)
		return false;
	struct gap whole = gaps->ranges[at];
	delete (gaps, at);
	if (id < whole.high)
		insert(gaps, at, (struct gap){ id + 1, whole.high, whole.group });
	if (id > whole.low)
		insert(gaps, at, (struct gap){ whole.low, id - 1, whole.group });
	return true;
}

static bool contains(const uint64_t *holders, size_t count, uint64_t one)
{
	for (size_t i = 0; i < count; i++)
		if (holders[i] == one)
			return true;
	return false;
}

static void ask(struct gap_group *group, const uint64_t *holders, size_t count)
{
	if (!group->asked) {
		group->asked = true;
		group->count = count;
		group->holders = memory_new(count * sizeof(*holders));
		if (count)
			memcpy(group->holders, holders, count * sizeof(*holders));
	}
	size_t left = 0;
	for (size_t i = 0; i < group->count; i++)
		if (contains(holders, count, group->holders[i]))
			group->holders[left++] = group->holders[i];
	group->count = left;
	group->last_look = left == 0;
}

void gaps_holders(struct gaps *gaps, const uint64_t *holders, size_t count)
{
	gaps->fresh = NULL;
	for (struct gap_group *group = gaps->groups; group; group = group->next)
		ask(group, holders, count);
}

static bool in_use(const struct gaps *gaps, const struct gap_group *group)
{
	if (group == gaps->fresh)
		return true;
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->ranges[i].group == group)
			return true;
	return false;
}

void gaps_looked(struct gaps *gaps)
{
	struct gap_group **at = &gaps->groups;
	size_t kept = 0;

	for (size_t i = 0; i < gaps->count; i++)
		if (!gaps->ranges[i].group->last_look)
			gaps->ranges[kept++] = gaps->ranges[i];
	gaps->count = kept;
	while (*at) {
		struct gap_group *group = *at;
		if (in_use(gaps, group)) {
			at = &group->next;
			continue;
		}
		*at = group->next;
		free(group->holders);
		free(group);
	}
	if (gaps->count == 0)
		gaps->overflowed = false;
}
