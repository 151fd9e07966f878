#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Deadlines and waits use the monotonic clock; the wall clock is for people only. CLOCK_BOOTTIME goes on
 * while the machine sleeps, so a lease does not look fresh after a suspend.
 */
int64_t clock_now_ms(void); /* monotonic */
int64_t clock_now_us(void); /* monotonic */
int64_t clock_wall_ms(void); /* since 1970, UTC */
void clock_sleep_ms(int64_t ms);

/* Writes "2026-01-31T12:00:00.000Z" (24 characters and a NUL). */
void clock_format(int64_t wall_ms, char text[32]);

/* Reads such a time, to the millisecond, with any fraction or none; 0 where it is none. */
int64_t clock_parse(const char *text);

#endif
