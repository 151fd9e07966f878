#ifndef RELAY_FEED_H
#define RELAY_FEED_H

#include "base/bell.h"
#include "relay/outbox.h"

/*
 * The outbox's own thread: it reads batches, settles verdicts, renews the lease, and writes the report, in
 * turns on one connection. The session talks to it through what is declared here; all of it is shared
 * under the feed's lock. While a feed runs, nobody else may use the outbox.
 */
struct feed;

/* What has come since the last call. Lists belong to the taker. */
struct feed_news {
	struct batch *batches; /* in the order of reading, by next */
	struct row **settled; /* rows that may be given back; the array is freed by the taker */
	size_t settled_count; /* some of them before, some after the batches: see settled_before */
	bool progress; /* the database took verdicts */
	size_t missed; /* rows that were changed by somebody else meanwhile */
	int64_t work_until_ms; /* monotonic: publish until then */
	bool needs_sweeps;
	bool paused; /* somebody paused the relay */
	bool failed; /* the feed has ended, err says why */
	struct error err;
};

/*
 * Starts the thread. The bell is rung when there is news. report: as it is now; its metrics are the feed's too.
 */
struct feed *feed_start(const struct config_relay *config, struct outbox *outbox, struct bell *bell,
	const struct report *report, struct error *err);

/* Settles what was put, ends the thread, frees. The remaining news is returned as from feed_take. */
void feed_stop(struct feed *feed, struct feed_news *news);

void feed_take(struct feed *feed, struct feed_news *news);

/* Verdicts, which are moved, and the positions that hold once they are settled. */
void feed_put(struct feed *feed, const struct verdict *verdicts, size_t count,
	const struct position *positions, size_t streams);

/*
 * Rows that were settled, linked by next, for the thread to release: it has made them, and memory that another thread
 * gives back costs both of them a lock.
 */
void feed_return(struct feed *feed, struct row *rows);

/* How many more rows, and bytes of events, the session wants beside those that it took, and has room for. */
struct feed_room {
	size_t wanted, rows, bytes;
};

static inline size_t room_left(size_t room, size_t taken)
{
	return taken < room ? room - taken : 0;
}

void feed_tell_room(struct feed *feed, const struct feed_room *room);

/* A row is due in so many ms: look by then. For one that failed the feed knows itself, once that is settled. */
void feed_due(struct feed *feed, int64_t ms);

/* pass goes into the batches of the sweep. */
void feed_sweep(struct feed *feed, int64_t from, uint64_t pass);
void feed_stop_sweep(struct feed *feed);

/* The numbers for `dray status`; copied. */
void feed_report(struct feed *feed, const struct report *report);

#endif
