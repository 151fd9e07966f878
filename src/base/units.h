#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Durations "250ms", "5s", "2m", "1h", "7d", held in milliseconds; sizes "512", "8KiB", "16MiB", "1GiB"
 * (also kB, MB, GB by thousands), held in bytes. A bare number is refused for a duration, 0 excepted.
 */
bool units_parse_duration(const char *text, int64_t *ms);
bool units_parse_size(const char *text, int64_t *bytes);
void units_format_duration(int64_t ms, char text[32]);
void units_format_size(int64_t bytes, char text[32]);

/* The candidate nearest to word by edit distance, or NULL where none is near. */
const char *units_near_miss(const char *word, const char *const *candidates);

#endif
