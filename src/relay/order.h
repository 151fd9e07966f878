#ifndef RELAY_ORDER_H
#define RELAY_ORDER_H

#include "base/map.h"
#include "config.h"
#include "relay/ready.h"

/*
 * Which rows may fly now. Pure: no I/O, no clock. One thread.
 *
 * With ORDERING_KEY at most one row of a key is on its way; the next waits in a short queue. A row that
 * failed holds its key until it is delivered or dead: what comes behind is not kept in memory ("dropped")
 * but read again, by a sweep, once the key is free. The same happens behind a key whose queue is full, so
 * that one hot key fills no memory and stops no other.
 *
 * With ORDERING_STREAM all rows are one key, and its rows fly one after the other without waiting: the stream
 * itself turns away what would overtake (chain.h), and such rows are given back by order_return.
 *
 * A sweep offers all pending rows from order_sweep_from on, in id order, between order_sweep_begin and
 * order_sweep_end. Only its rows may follow dropped ones, or a key would turn around.
 */
struct order_key;

struct order {
	enum ordering ordering;
	size_t queue_limit;
	struct map keys; /* hash of a key -> struct order_key */
	struct ready ready; /* not with ORDERING_STREAM, where the queue itself is ready */
	size_t waiting; /* rows that are kept and not on their way */
	struct order_key *dropped; /* keys with rows that must be read again */
	size_t held; /* keys held by a failed row */
	size_t hungry; /* dropped keys that could take rows now */
	bool sweeping, full; /* full: the sweep began at the very first row */
	uint64_t pass; /* counts sweeps */
	int64_t sweep_at; /* the sweep has offered everything up to here */
};

void order_init(struct order *order, enum ordering ordering, size_t queue_limit);
void order_finish(struct order *order);

/*
 * Offers a row. True: it is kept, and order_next gives it when it may fly. False: it is not needed now
 * (not due, or dropped) and the caller releases it.
 */
bool order_add(struct order *order, struct row *row);

/* A row was read again, by this question, that is in memory already: the one in memory. */
void order_saw(struct order *order, const struct row *row, enum row_source source);

/* The next row that may fly; it is on its way until done or failed is called. NULL: none. */
struct row *order_next(struct order *order);
bool order_is_ready(const struct order *order); /* a row may fly */

/*
 * With ORDERING_STREAM: a row was on its way and is known not to be stored. True: it takes its place again.
 * False: it is not needed now, and the caller releases it.
 */
bool order_return(struct order *order, struct row *row);

/* With ORDERING_STREAM: takes all rows that wait, as a list by next; order_return puts them back. */
struct row *order_take_waiting(struct order *order);

void order_done(struct order *order, struct row *row); /* delivered, or settled as dead */

/*
 * To be tried again later. Rows of its key that were waiting are dropped: they are returned as a list
 * by next, for the caller to release.
 */
struct row *order_failed(struct order *order, struct row *row);

/* From where on pending rows should be read again: the lowest id that a free key misses; INT64_MAX: none. */
int64_t order_sweep_from(const struct order *order);
int64_t order_dropped_from(const struct order *order); /* that any key misses; INT64_MAX: none */
void order_sweep_begin(struct order *order, int64_t from);
void order_sweep_end(struct order *order); /* everything up to the cursor was offered or seen */
void order_sweep_abort(struct order *order);

#endif
