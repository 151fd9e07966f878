/* Durations, sizes and near misses, as people write them. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "B", 1 }, { "KiB", 1024 }, { "MiB", 1048576 },
	{ "GiB", 1073741824 }, { "kB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
	{ NULL, 0 } };

static bool parse(const char *text, const struct unit *units, int64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno)
		return false;
	for (; units->name; units++)
		if (strcmp(end, units->name) == 0)
			return !__builtin_mul_overflow((int64_t)number, units->factor, value);
	return false;
}

bool units_parse_duration(const char *text, int64_t *ms)
{
	if (strcmp(text, "0") == 0) {
		*ms = 0;
		return true;
	}
	return parse(text, durations, ms);
}

bool units_parse_size(const char *text, int64_t *bytes)
{
	return parse(text, sizes, bytes);
}

static void format(int64_t value, const struct unit *units, char text[32])
{
	const struct unit *best = units;

	for (const struct unit *unit = units; unit->name; unit++)
		if (value != 0 && value % unit->factor == 0 && unit->factor >= best->factor)
			best = unit;
	snprintf(text, 32, "%" PRId64 "%s", value / best->factor, best->name);
}

void units_format_duration(int64_t ms, char text[32])
{
	format(ms, durations, text);
}

void units_format_size(int64_t bytes, char text[32])
{
	static const struct unit binary[] = { { "", 1 }, { "KiB", 1024 }, { "MiB", 1048576 },
		{ "GiB", 1073741824 }, { NULL, 0 } };
	format(bytes, binary, text);
}

#define WORD 48

static size_t distance(const char *a, const char *b)
{
	size_t row[WORD + 1], m = strlen(a), n = strlen(b);

	if (m > WORD || n > WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[n];
}

const char *units_near_miss(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	size_t limit = strlen(word) < 5 ? 1 : strlen(word) / 3 + 1, nearest = limit + 1;

	for (; *candidates; candidates++) {
		size_t d = distance(word, *candidates);
		if (d < nearest) {
			nearest = d;
			best = *candidates;
		}
	}
	return best;
}
