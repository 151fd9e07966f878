#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Asks threads to stop. The descriptor becomes readable when the stop was requested and stays so: it can
 * stand in every poll(). Any thread.
 */
struct stop {
	int fd;
	_Atomic bool requested;
};

bool stop_init(struct stop *stop);
void stop_finish(struct stop *stop);
void stop_request(struct stop *stop); /* may be called in a signal handler */
bool stop_requested(const struct stop *stop);
bool stop_wait(struct stop *stop, int64_t ms); /* waits at most ms; true when stopped */

#endif
