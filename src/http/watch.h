#ifndef HTTP_WATCH_H
#define HTTP_WATCH_H

#include <jansson.h>

#include "base/metrics.h"
#include "base/stop.h"
#include "config.h"

/* A pipeline as those who watch know it. */
struct watched {
	const char *name, *kind; /* "relay" or "sink" */
	struct metrics *metrics;
};

/*
 * What is remembered of the pipelines: an hour of samples of their numbers, and what `dray status` shows, read
 * from the databases by the watcher's own thread, only while somebody asks (within the last minute), at most
 * every five seconds and for a fiftieth of the time.
 */
struct watch;

#define WATCH_SAMPLES 361 /* an hour and both its ends */
#define WATCH_STEP_MS 10000

struct sample {
	int64_t wall_ms; /* 0: not taken */
	int64_t done, backlog,
		lag_ms; /* as in struct metrics; a relay's backlog as dray status knows it */
};

struct watch *watch_create(const struct config *config, const struct watched *pipelines,
	size_t count, struct stop *stop);
void watch_destroy(struct watch *watch);

/* A turn of the watcher's thread: samples and reads what is due. Gives the ms until the next one. */
int64_t watch_turn(struct watch *watch);

/* What follows may be called from any thread. */
size_t watch_count(const struct watch *watch);
const struct watched *watch_pipeline(const struct watch *watch, size_t i);
int64_t watch_started_ms(const struct watch *watch); /* wall clock */

/* A copy of a pipeline's samples, oldest first. Gives their number. */
size_t watch_samples(struct watch *watch, size_t i, struct sample samples[WATCH_SAMPLES]);

/*
 * What dray status --json shows, for the caller to free, or NULL while it is not read yet; *age_ms says how old
 * it is. problems: the databases that could not be read, a text each. Asks for it to be renewed.
 */
json_t *watch_status(struct watch *watch, json_t **problems, int64_t *age_ms);

/* Something was changed: what dray status shows is read again soon. */
void watch_renew(struct watch *watch);

/* Events a second over the last half minute. */
double watch_rate(struct watch *watch, size_t i);

#endif
