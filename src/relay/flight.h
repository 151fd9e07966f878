#ifndef RELAY_FLIGHT_H
#define RELAY_FLIGHT_H

#include "relay/row.h"

/*
 * The messages that are sent and not answered, in the order of sending. A token finds its message by
 * index. Pure. One thread.
 *
 * floor: the highest sequence of the stream that was acknowledged when the message was sent. If it is
 * stored, it is stored above; so the lowest floor bounds what can be uncertain.
 */
struct flight {
	struct row *row; /* NULL: the slot is free */
	uint64_t token; /* grows with every message sent */
	int64_t sent_ms; /* monotonic */
	size_t stream;
	uint64_t floor;
	uint64_t expected; /* the sequence it must come after: chain.h */
	struct flight *next, *previous;
};

struct flights {
	struct flight *slots;
	size_t capacity, count;
	size_t bytes;
	struct flight *oldest, *newest, *unused;
	uint64_t sent; /* how many so far */
	uint64_t newest_answered; /* the highest token that was answered */
};

void flights_init(struct flights *flights, size_t capacity);
void flights_finish(struct flights *flights);

/* NULL: no slot is free. */
struct flight *flights_launch(
	struct flights *flights, struct row *row, size_t stream, uint64_t floor, int64_t now_ms);
struct flight *flights_find(const struct flights *flights, uint64_t token);
struct row *flights_land(struct flights *flights, struct flight *flight);

/* Every own message in the stream up to the result was answered; acked: the highest sequence known. */
uint64_t flights_floor(const struct flights *flights, size_t stream, uint64_t acked);

#endif
