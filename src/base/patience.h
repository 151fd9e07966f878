#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

#include <stdbool.h>

/*
 * Whether the calling thread, when it is woken, waits until a core is free or its turn comes (SCHED_BATCH of sched(7)),
 * or may take one from whoever runs, the thread that woke it not excepted. Threads inherit it from who makes them.
 *
 * Needs no privilege. Does nothing where the process was given another policy than the usual one: that is somebody's
 * wish.
 */
void patience_set(bool patient);

#endif
