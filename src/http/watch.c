/*
 * One thread turns; the HTTP server's threads read under the lock. The databases are read outside of it.
 */
#include "http/watch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "status.h"

#define ASKED_MS	60000 /* somebody still watches so long after the last question */
#define READ_EVERY_MS	5000
#define READ_SHARE	50 /* reading takes one part in so many of the time */
#define RATE_MS		30000
#define FIRST_SAMPLE_MS 1000 /* the newest sample is renewed so often, for a rate that is of now */

struct history {
	struct sample samples[WATCH_SAMPLES];
	size_t next; /* where the next one goes */
};

struct watch {
	const struct config *config;
	const struct watched *pipelines;
	size_t count;
	struct stop *stop;
	int64_t started_ms;
	int64_t next_sample_ms, next_read_ms; /* monotonic */
	atomic_bool renew;

	pthread_mutex_t lock; /* what follows */
	struct history *histories;
	json_t *status, *problems;
	int64_t read_ms, asked_ms; /* monotonic; 0: never */
};

struct watch *watch_create(const struct config *config, const struct watched *pipelines,
	size_t count, struct stop *stop)
{
	struct watch *watch = memory_new(sizeof(*watch));

	watch->config = config;
	watch->pipelines = pipelines;
	watch->count = count;
	watch->stop = stop;
	watch->started_ms = clock_wall_ms();
	watch->histories = memory_new((count + 1) * sizeof(*watch->histories));
	pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

void watch_destroy(struct watch *watch)
{
	if (!watch)
		return;
	json_decref(watch->status);
	json_decref(watch->problems);
	pthread_mutex_destroy(&watch->lock);
	free(watch->histories);
	free(watch);
}

size_t watch_count(const struct watch *watch)
{
	return watch->count;
}

const struct watched *watch_pipeline(const struct watch *watch, size_t i)
{
	return &watch->pipelines[i];
}

int64_t watch_started_ms(const struct watch *watch)
{
	return watch->started_ms;
}

static const json_t *status_item(const struct watch *watch, const struct watched *pipeline)
{
	const json_t *item;
	size_t i;

	json_array_foreach(watch->status, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *kind = json_string_value(json_object_get(item, "kind"));
		if (name && kind && strcmp(name, pipeline->name) == 0 &&
			strcmp(kind, pipeline->kind) == 0)
			return item;
	}
	return NULL;
}

static int64_t backlog_of(const struct watch *watch, const struct watched *pipeline)
{
	int64_t known = metrics_get(pipeline->metrics, METRIC_BACKLOG);
	const json_t *pending;

	if (known >= 0 || watch->read_ms == 0 || clock_now_ms() - watch->read_ms > ASKED_MS)
		return known;
	pending = json_object_get(status_item(watch, pipeline), "pending");
	return json_is_integer(pending) ? json_integer_value(pending) : -1;
}

static void sample_one(struct watch *watch, size_t i)
{
	const struct watched *pipeline = &watch->pipelines[i];
	struct history *history = &watch->histories[i];

	history->samples[history->next] = (struct sample){ .wall_ms = clock_wall_ms(),
		.done = metrics_get(pipeline->metrics, METRIC_DONE),
		.backlog = backlog_of(watch, pipeline),
		.lag_ms = metrics_get(pipeline->metrics, METRIC_LAG_MS) };
	history->next = (history->next + 1) % WATCH_SAMPLES;
}

static void sample_all(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	for (size_t i = 0; i < watch->count; i++)
		sample_one(watch, i);
	pthread_mutex_unlock(&watch->lock);
}

static void add_problem(void *context, const struct error *err)
{
	json_t *text = json_string(err->text);

	json_array_append_new(context, text ? text : json_string("(not UTF-8)"));
}

static void read_status(struct watch *watch)
{
	json_t *problems = json_array();
	int64_t began = clock_now_ms();

	json_t *status = status_of_config(watch->config, watch->stop, add_problem, problems);
	int64_t took = clock_now_ms() - began;
	watch->next_read_ms = clock_now_ms() +
		(took * READ_SHARE > READ_EVERY_MS ? took * READ_SHARE : READ_EVERY_MS);
	pthread_mutex_lock(&watch->lock);
	json_decref(watch->status);
	json_decref(watch->problems);
	watch->status = status;
	watch->problems = problems;
	watch->read_ms = clock_now_ms();
	pthread_mutex_unlock(&watch->lock);
}

static bool is_asked(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	bool asked = watch->asked_ms && clock_now_ms() - watch->asked_ms < ASKED_MS;
	pthread_mutex_unlock(&watch->lock);
	return asked;
}

int64_t watch_turn(struct watch *watch)
{
	int64_t now = clock_now_ms();

	if (now >= watch->next_sample_ms) {
		sample_all(watch);
		watch->next_sample_ms = now + WATCH_STEP_MS;
	}
	if (atomic_exchange(&watch->renew, false) ||
		(now >= watch->next_read_ms && is_asked(watch)))
		read_status(watch);
	return FIRST_SAMPLE_MS;
}

void watch_renew(struct watch *watch)
{
	watch->renew = true;
}

size_t watch_samples(struct watch *watch, size_t i, struct sample samples[WATCH_SAMPLES])
{
	const struct history *history = &watch->histories[i];
	size_t count = 0;

	pthread_mutex_lock(&watch->lock);
	for (size_t n = 0; n < WATCH_SAMPLES; n++) {
		const struct sample *sample =
			&history->samples[(history->next + n) % WATCH_SAMPLES];
		if (sample->wall_ms)
			samples[count++] = *sample;
	}
	pthread_mutex_unlock(&watch->lock);
	return count;
}

double watch_rate(struct watch *watch, size_t i)
{
	const struct history *history = &watch->histories[i];
	int64_t now = clock_wall_ms(), done = metrics_get(watch->pipelines[i].metrics, METRIC_DONE);
	const struct sample *from = NULL;

	pthread_mutex_lock(&watch->lock);
	for (size_t n = 0; n < WATCH_SAMPLES && !from; n++) { /* the oldest that is young enough */
		const struct sample *sample =
			&history->samples[(history->next + n) % WATCH_SAMPLES];
		if (sample->wall_ms > now - RATE_MS && sample->wall_ms < now)
			from = sample;
	}
	double rate = from ? (double)(done - from->done) * 1000 / (double)(now - from->wall_ms) : 0;
	pthread_mutex_unlock(&watch->lock);
	return rate;
}

json_t *watch_status(struct watch *watch, json_t **problems, int64_t *age_ms)
{
	pthread_mutex_lock(&watch->lock);
	watch->asked_ms = clock_now_ms();
	json_t *status = json_deep_copy(watch->status);
	*problems = json_deep_copy(watch->problems);
	*age_ms = watch->asked_ms - watch->read_ms;
	pthread_mutex_unlock(&watch->lock);
	return status;
}
