#ifndef RELAY_FEED_TALK_H
#define RELAY_FEED_TALK_H

#include <pthread.h>

#include "relay/feed.h"
#include "relay/verdicts.h"

/* Inside the feed: its thread is in feed.c; what the thread and the session say to each other is in feed_talk.c. */
struct feed {
	const struct config_relay *config;
	struct outbox *outbox;
	struct bell *bell; /* the session's */
	int wake_fd; /* the thread's */
	struct metrics *metrics;
	pthread_t thread;

	/* The thread's own. Times are monotonic. */
	bool look; /* there may be rows to read */
	bool look_back; /* and some behind the cursor that a person put back */
	struct verdicts waiting; /* to be settled */
	int64_t waiting_since_ms; /* the first of them */
	int64_t next_poll_ms, next_report_ms, next_prune_ms; /* INT64_MAX: never */
	struct report_rate rate;
	bool sweeping;
	uint64_t pass; /* of the running sweep */

	pthread_mutex_t lock; /* what follows; never held for long */

	/* From the session. */
	bool stopping;
	struct verdicts put;
	struct row *returned; /* linked by next */
	struct position *positions; /* that hold once all that was put is settled */
	size_t streams;
	struct feed_room room; /* the session's, less what it has taken since it told */
	int64_t due_ms; /* INT64_MAX: nothing known */
	bool sweep_wanted, sweep_unwanted;
	int64_t sweep_from;
	uint64_t sweep_pass;
	struct report report;
	bool has_report;

	/* From the thread. */
	bool asleep;
	bool sated; /* asleep until rows are wanted */
	size_t given, given_bytes; /* that the session has not taken yet */
	struct feed_news news;
	struct batch **last_batch;
	size_t settled_room;
};

/* What the thread has to do in this turn. */
struct turn {
	bool stopping, due;
	bool read; /* that was done already */
	struct position *positions; /* freed by the thread, as these */
	struct row *returned;
	size_t streams;
	size_t wanted; /* rows */
	bool full; /* there is no room for more of them until some are settled */
	bool sweep, no_sweep;
	int64_t sweep_from;
	uint64_t sweep_pass;
	struct report report;
	bool has_report;
};

/* Small reads cost as much as large ones: nothing is read before so many are wanted. */
size_t feed_least(const struct feed *feed);

void feed_ask_to_stop(struct feed *feed);

/* The thread hears what the session said. Verdicts go to those that wait. */
void feed_hear(struct feed *feed, struct turn *turn);

/* The thread tells the session. ok: the database took the verdicts but for those that it missed. */
void feed_tell_settled(struct feed *feed, const struct verdicts *settled, bool ok, size_t missed);
void feed_tell_lease(struct feed *feed);
void feed_tell_failure(struct feed *feed, const struct error *err);
void feed_give(struct feed *feed, struct batch *batch);

/*
 * The thread is about to sleep, where no rows are wanted until some are. False: the session has said something
 * meanwhile. until: when it has to be awake again.
 */
bool feed_fall_asleep(struct feed *feed, bool wanted, int64_t *until);
void feed_wake_up(struct feed *feed);

#endif
