/* Numbers that one thread writes and others read. */
#include "base/metrics.h"

#include <stdatomic.h>
#include <stdio.h>

void metrics_init(struct metrics *metrics)
{
	pthread_mutex_init(&metrics->lock, NULL);
	metrics_set(metrics, METRIC_BACKLOG, -1);
	metrics_set(metrics, METRIC_LAG_MS, -1);
}

void metrics_finish(struct metrics *metrics)
{
	pthread_mutex_destroy(&metrics->lock);
}

void metrics_set(struct metrics *metrics, enum metric metric, int64_t value)
{
	atomic_store_explicit(&metrics->values[metric], value, memory_order_relaxed);
}

int64_t metrics_get(struct metrics *metrics, enum metric metric)
{
	return atomic_load_explicit(&metrics->values[metric], memory_order_relaxed);
}

void metrics_add(struct metrics *metrics, enum metric metric, int64_t more)
{
	metrics_set(metrics, metric, metrics_get(metrics, metric) + more);
}

static unsigned bucket_of(int64_t value)
{
	unsigned bucket =
		value <= 1 ? 0 : 64 - (unsigned)__builtin_clzll((unsigned long long)value - 1);

	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	_Atomic uint64_t *bucket = &histogram->buckets[bucket_of(value)];
	uint64_t count = atomic_load_explicit(bucket, memory_order_relaxed);
	int64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);

	atomic_store_explicit(bucket, count + 1, memory_order_relaxed);
	if (value > 0)
		atomic_store_explicit(&histogram->sum, sum + value, memory_order_relaxed);
}

void metrics_error(struct metrics *metrics, const char *text, int64_t wall_ms)
{
	pthread_mutex_lock(&metrics->lock);
	snprintf(metrics->last_error, sizeof(metrics->last_error), "%s", text);
	metrics->last_error_ms = wall_ms;
	pthread_mutex_unlock(&metrics->lock);
}

const char *metrics_state_name(int64_t state)
{
	static const char *const names[METRICS_STATES] = { "starting", "running", "waiting",
		"standing by", "paused", "stopped" };

	return state >= 0 && state < METRICS_STATES ? names[state] : "unknown";
}
