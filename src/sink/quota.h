#ifndef SINK_QUOTA_H
#define SINK_QUOTA_H

#include <stdbool.h>
#include <stddef.h>

#include "sink/table.h"

/*
 * How many events may be set aside: at most a share of the last QUOTA_WINDOW. A constraint that refuses all
 * of them is no event's fault, so then the sink has to stop instead of moving a stream aside. Pure.
 */
#define QUOTA_WINDOW 1000

struct quota {
	size_t allowed; /* of the window */
	size_t dead; /* of the window, now */
	size_t next; /* where the outcome of the next event goes */
	bool was_dead[QUOTA_WINDOW];
};

void quota_init(struct quota *quota, double share); /* 0: none at all; 1: any number */

/* How many of these, from the first on, may be committed: those before the one that is too much. */
size_t quota_room(const struct quota *quota, const struct table_event *events, size_t count);

/* They are committed. */
void quota_note(struct quota *quota, const struct table_event *events, size_t count);

#endif
