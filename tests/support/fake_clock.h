#ifndef SUPPORT_FAKE_CLOCK_H
#define SUPPORT_FAKE_CLOCK_H

#include <stdbool.h>

/*
 * A wall clock that can be moved while a program runs: libfaketime, preloaded. Monotonic clocks stay as they
 * are. It can move dynamically linked programs: Dray, PostgreSQL; not nats-server, which is static.
 */
struct fake_clock {
	char *file;
	const char *variables[6]; /* NAME=VALUE for a program to go by it; ends with NULL */
};

void fake_clock_make(struct fake_clock *clock, const char *name);
void fake_clock_move(const struct fake_clock *clock, int seconds); /* from the true time */

/* Whether the built program can go by it: a sanitizer's runtime wants to be the first library. */
bool fake_clock_moves_dray(void);

#endif
