#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Wakes one thread. Any thread rings; a ring that comes before the wait is not lost. Ringing costs a
 * system call only while the other sleeps.
 */
struct bell {
	int fd;
	_Atomic bool rung, asleep;
};

bool bell_init(struct bell *bell); /* false: no descriptor is left */
void bell_finish(struct bell *bell);
void bell_ring(struct bell *bell);

/* Waits until it is rung, other_fd (-1: none) is readable, or ms have passed; whether it was rung. */
bool bell_wait(struct bell *bell, int other_fd, int64_t ms);

#endif
