#ifndef WATCH_H
#define WATCH_H

#include <stddef.h>
#include <stdint.h>

/* When something moved (wall clock, ascending), and how long it did not. */
struct moments {
	int64_t *ms;
	size_t count, room;
};

void moments_add(struct moments *moments, int64_t ms);

/* For a fault from begin to end, looking no further than `until`; -1: nothing moved any more. */
struct pause {
	int64_t first_ms; /* from the fault's end to the first movement after it */
	int64_t longest_ms; /* between two movements, beginning before the fault's end */
};
struct pause moments_pause(
	const struct moments *moments, int64_t begin, int64_t end, int64_t until);

/* Looks at a sink's position all the time, from a thread and a connection of its own. */
struct watch;
struct watch *watch_start(const char *url);
void watch_end(struct watch *watch);
const struct moments *watch_moments(const struct watch *watch); /* after its end */

#endif
