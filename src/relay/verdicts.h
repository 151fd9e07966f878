#ifndef RELAY_VERDICTS_H
#define RELAY_VERDICTS_H

#include "relay/outbox.h"

/* Verdicts that wait to be settled. Pure. One thread at a time. */
struct verdicts {
	struct verdict *items;
	size_t count, room;
};

void verdicts_add(struct verdicts *verdicts, const struct verdict *more, size_t count); /* moved */
void verdicts_finish(struct verdicts *verdicts); /* with their errors; empty then */

/*
 * Takes so many of them, or a few more, into `taken`, which is empty: those of the lowest rows, since neighbours
 * share pages and every page that is touched is written; what is not delivered, since it holds a key; and the newest
 * messages that the positions name as marked. The positions, one a stream, are moved back before what is left.
 */
void verdicts_take(struct verdicts *verdicts, size_t count, struct position *positions,
	struct verdicts *taken);

#endif
