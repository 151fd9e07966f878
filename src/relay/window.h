#ifndef RELAY_WINDOW_H
#define RELAY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many messages may be on their way: as many as keep the server busy. More would only wait in its queue, and the
 * longer a message takes, the longer its key waits, the more rows are in memory, and the further apart are those
 * that are settled together.
 *
 * A round lasts from a message to its answer. What it takes beyond the shortest round that is known is waiting: where
 * that is short, a window that was full grows, up to `most`; where it is long, the window shrinks. With the least
 * window nothing waits because of us: what a round takes then is what the way takes. Pure. One thread.
 */
struct window {
	size_t limit, least, most;
	bool full; /* since the round began, as many were on their way as may be */
	int64_t base_ms; /* the shortest round; INT64_MAX: none is known */
	uint64_t round; /* the token whose answer ends it */
};

void window_init(struct window *window, size_t most);

/* Whether one more may be sent beside those on their way. */
bool window_is_open(struct window *window, size_t on_their_way);

/* So many on their way keep the server busy; the longer the way, the more. */
size_t window_enough(const struct window *window);

/* Whether the answer to this message ends the round. */
bool window_is_round(const struct window *window, uint64_t token);

/* It does, after so long; newest: the token that was sent last. */
void window_next_round(struct window *window, int64_t took_ms, uint64_t newest);

#endif
