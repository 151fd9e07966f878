#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <pthread.h>
#include <stdint.h>

/*
 * The numbers of one pipeline, for whoever watches it while it runs. Each number is written by one thread at
 * a time, the pipeline's own or (METRIC_LEASE_UNTIL_MS and the batches of a relay) its outbox's, and read by
 * any: a plain store, no lock, no atomic addition. Numbers need not be of the same instant.
 */
enum metric {
	METRIC_STATE, /* enum metrics_state */
	METRIC_SESSIONS, /* begun: both ends reached, the lease held */
	METRIC_LEASE_UNTIL_MS, /* monotonic: held until then, unless confirmed; 0: not held */
	METRIC_PUBLISHED, /* messages sent, the same one again too */
	METRIC_DONE, /* acknowledged by the stream; a sink: stored */
	METRIC_RETRIED, /* failures of rows that are tried again */
	METRIC_DEAD, /* given up */
	METRIC_DUPLICATES, /* that the stream said it had */
	METRIC_IN_FLIGHT, /* messages that wait for their acknowledgement */
	METRIC_BACKLOG, /* events behind a sink's position; -1: not known */
	METRIC_LAG_MS, /* of the newest event; -1: none yet */
	METRICS
};

enum metrics_state {
	STATE_STARTING,
	STATE_RUNNING,
	STATE_WAITING, /* for a server, or for a person to mend something */
	STATE_STANDING_BY, /* another process holds the lease */
	STATE_PAUSED,
	STATE_STOPPED,
	METRICS_STATES
};

/* Buckets of powers of two: bucket i counts values up to 2^i, the last one all. */
#define HISTOGRAM_BUCKETS 22

struct histogram {
	_Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* each by itself, not added up */
	_Atomic int64_t sum;
};

struct metrics {
	_Atomic int64_t values[METRICS];
	struct histogram
		latency; /* ms: created to acknowledged; a sink: stored in the stream to stored in SQL */
	struct histogram batch; /* rows or events a transaction */
	pthread_mutex_t
		lock; /* what follows; taken only when something went wrong, and by readers */
	char last_error[512]; /* "" for none */
	int64_t last_error_ms; /* wall clock */
};

void metrics_init(struct metrics *metrics);
void metrics_finish(struct metrics *metrics);

void metrics_set(struct metrics *metrics, enum metric metric, int64_t value);
int64_t metrics_get(struct metrics *metrics, enum metric metric);
void metrics_add(struct metrics *metrics, enum metric metric, int64_t more);
void histogram_add(struct histogram *histogram, int64_t value); /* below 0 counts as 0 */

/* The last error, as `dray status` shows it; "" where it is over. */
void metrics_error(struct metrics *metrics, const char *text, int64_t wall_ms);

const char *metrics_state_name(int64_t state);

#endif
