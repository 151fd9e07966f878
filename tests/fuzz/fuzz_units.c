/* Durations, sizes and near misses, compared with the plainest way to find them. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

/* Digits and a unit of the list; -1 where it is none, or too much. */
static int64_t value_of(const char *text, const char *const *units, const int64_t *factors)
{
	size_t digits = strspn(text, "0123456789");
	int64_t number = fuzz_number((struct slice){ text, digits });

	for (size_t i = 0; number >= 0 && units[i]; i++)
		if (strcmp(text + digits, units[i]) == 0)
			return number > INT64_MAX / factors[i] ? -1 : number * factors[i];
	return -1;
}

static void check_duration(const char *text)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", NULL };
	static const int64_t factors[] = { 1, 1000, 60000, 3600000, 86400000 };
	int64_t expected = strcmp(text, "0") == 0 ? 0 : value_of(text, units, factors), ms, again;
	char shown[32];

	must(units_parse_duration(text, &ms) == (expected >= 0));
	if (expected < 0)
		return;
	must(ms == expected);
	units_format_duration(ms, shown);
	must(units_parse_duration(shown, &again) && again == ms);
}

static void check_size(const char *text)
{
	static const char *const units[] = { "", "B", "KiB", "MiB", "GiB", "kB", "MB", "GB", NULL };
	static const int64_t factors[] = { 1, 1, 1 << 10, 1 << 20, 1 << 30, 1000, 1000000,
		1000000000 };
	int64_t expected = value_of(text, units, factors), bytes, again;
	char shown[32];

	must(units_parse_size(text, &bytes) == (expected >= 0));
	if (expected < 0)
		return;
	must(bytes == expected);
	units_format_size(bytes, shown);
	must(units_parse_size(shown, &again) && again == bytes);
}

/* The edit distance by the whole table. */
static size_t distance(const char *a, const char *b)
{
	static size_t cells[64][64];
	size_t m = strlen(a), n = strlen(b);

	for (size_t i = 0; i <= m; i++)
		for (size_t j = 0; j <= n; j++) {
			size_t best = i + j;
			if (i > 0 && j > 0) {
				best = cells[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
				best = cells[i - 1][j] + 1 < best ? cells[i - 1][j] + 1 : best;
				best = cells[i][j - 1] + 1 < best ? cells[i][j - 1] + 1 : best;
			}
			cells[i][j] = best;
		}
	return cells[m][n];
}

static void check_near_miss(const char *text)
{
	static const char *const words[] = { "subject", "subjects", "stream", "batch",
		"batch_bytes", "tls", "lease", NULL };
	const char *near = units_near_miss(text, words);
	size_t limit = strlen(text) < 5 ? 1 : strlen(text) / 3 + 1;

	if (strlen(text) > 48) { /* nobody mistypes as much */
		must(!near);
		return;
	}
	for (size_t i = 0; words[i]; i++)
		must(distance(text, words[i]) > limit ||
			(near && distance(text, near) <= distance(text, words[i])));
	must(!near || distance(text, near) <= limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	check_duration(text);
	check_size(text);
	check_near_miss(text);
	free(text);
	return 0;
}
