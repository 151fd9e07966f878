/* Prometheus' text format: a family a block, all pipelines in it. */
#include "http/prometheus.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/usage.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Names of pipelines are letters, digits, _ and -, so that nothing in them needs care. */
static void series(struct buf *out, const char *name, const struct watched *pipeline)
{
	buf_format(out, "%s{kind=\"%s\",pipeline=\"%s\"", name, pipeline->kind, pipeline->name);
}

static bool is_relay(const struct watched *pipeline)
{
	return strcmp(pipeline->kind, "relay") == 0;
}

/* --- numbers as they stand in struct metrics --- */

enum whose { EVERYBODY, RELAYS, SINKS };

static const struct {
	const char *name, *type, *help;
	enum metric metric;
	enum whose whose;
} plain[] = {
	{ "dray_published_total", "counter", "Messages sent to the stream, repeated ones included.",
		METRIC_PUBLISHED, RELAYS },
	{ "dray_acknowledged_total", "counter", "Events that the stream acknowledged.", METRIC_DONE,
		RELAYS },
	{ "dray_stored_total", "counter", "Events stored in the table.", METRIC_DONE, SINKS },
	{ "dray_retried_total", "counter", "Failures of events that are tried again.",
		METRIC_RETRIED, RELAYS },
	{ "dray_dead_total", "counter", "Events given up since the start.", METRIC_DEAD,
		EVERYBODY },
	{ "dray_duplicates_total", "counter", "Messages that the stream held already.",
		METRIC_DUPLICATES, RELAYS },
	{ "dray_in_flight", "gauge", "Messages that wait for their acknowledgement.",
		METRIC_IN_FLIGHT, RELAYS },
};

static bool is_of(const struct watched *pipeline, enum whose whose)
{
	return whose == EVERYBODY || (whose == RELAYS) == is_relay(pipeline);
}

static void write_plain(struct watch *watch, struct buf *out)
{
	for (size_t n = 0; n < sizeof(plain) / sizeof(plain[0]); n++) {
		head(out, plain[n].name, plain[n].type, plain[n].help);
		for (size_t i = 0; i < watch_count(watch); i++) {
			const struct watched *pipeline = watch_pipeline(watch, i);
			if (!is_of(pipeline, plain[n].whose))
				continue;
			series(out, plain[n].name, pipeline);
			buf_format(out, "} %" PRId64 "\n",
				metrics_get(pipeline->metrics, plain[n].metric));
		}
	}
}

/* --- numbers that are made of those --- */

static void write_reconnects(struct watch *watch, struct buf *out)
{
	static const char name[] = "dray_reconnects_total";

	head(out, name, "counter", "Times a pipeline had to begin again.");
	for (size_t i = 0; i < watch_count(watch); i++) {
		int64_t sessions = metrics_get(watch_pipeline(watch, i)->metrics, METRIC_SESSIONS);
		series(out, name, watch_pipeline(watch, i));
		buf_format(out, "} %" PRId64 "\n", sessions > 0 ? sessions - 1 : 0);
	}
}

static void write_lease(struct watch *watch, struct buf *out)
{
	static const char name[] = "dray_lease_held";

	head(out, name, "gauge", "1 where this process holds the lease.");
	for (size_t i = 0; i < watch_count(watch); i++) {
		series(out, name, watch_pipeline(watch, i));
		buf_format(out, "} %d\n",
			metrics_get(watch_pipeline(watch, i)->metrics, METRIC_LEASE_UNTIL_MS) >
				clock_now_ms());
	}
}

static void write_lag(struct watch *watch, struct buf *out)
{
	static const char name[] = "dray_lag_seconds";

	head(out, name, "gauge", "Age of the newest event when it was acknowledged or stored.");
	for (size_t i = 0; i < watch_count(watch); i++) {
		int64_t lag = metrics_get(watch_pipeline(watch, i)->metrics, METRIC_LAG_MS);
		if (lag < 0)
			continue;
		series(out, name, watch_pipeline(watch, i));
		buf_format(out, "} %.3f\n", (double)lag / 1000);
	}
}

static void write_states(struct watch *watch, struct buf *out)
{
	static const char name[] = "dray_pipeline_state";

	head(out, name, "gauge", "1 for the state that a pipeline is in.");
	for (size_t i = 0; i < watch_count(watch); i++)
		for (int64_t state = 0; state < METRICS_STATES; state++) {
			series(out, name, watch_pipeline(watch, i));
			buf_format(out, ",state=\"%s\"} %d\n", metrics_state_name(state),
				metrics_get(watch_pipeline(watch, i)->metrics, METRIC_STATE) ==
					state);
		}
}

/* --- histograms --- */

static void write_histogram(struct buf *out, const char *name, const struct watched *pipeline,
	struct histogram *histogram, double unit)
{
	uint64_t count = 0;

	for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		buf_format(out, "%s_bucket{kind=\"%s\",pipeline=\"%s\",le=\"", name, pipeline->kind,
			pipeline->name);
		count += histogram->buckets[bucket];
		if (bucket + 1 < HISTOGRAM_BUCKETS)
			buf_format(
				out, "%g\"} %" PRIu64 "\n", (double)(1u << bucket) * unit, count);
		else
			buf_format(out, "+Inf\"} %" PRIu64 "\n", count);
	}
	buf_format(out, "%s_sum{kind=\"%s\",pipeline=\"%s\"} %.3f\n", name, pipeline->kind,
		pipeline->name, (double)histogram->sum * unit);
	buf_format(out, "%s_count{kind=\"%s\",pipeline=\"%s\"} %" PRIu64 "\n", name, pipeline->kind,
		pipeline->name, count);
}

static void write_histograms(struct watch *watch, struct buf *out)
{
	static const char latency[] = "dray_latency_seconds", batch[] = "dray_batch_events";

	head(out, latency, "histogram",
		"A relay: from the row's creation to the acknowledgement. A sink: from stored in the "
		"stream to stored in SQL.");
	for (size_t i = 0; i < watch_count(watch); i++)
		write_histogram(out, latency, watch_pipeline(watch, i),
			&watch_pipeline(watch, i)->metrics->latency, 0.001);
	head(out, batch, "histogram", "Events settled or stored in one transaction.");
	for (size_t i = 0; i < watch_count(watch); i++)
		write_histogram(out, batch, watch_pipeline(watch, i),
			&watch_pipeline(watch, i)->metrics->batch, 1);
}

/* --- what the databases say, as dray status shows it --- */

static const struct {
	const char *name, *help, *member;
	double unit;
} told[] = {
	{ "dray_backlog", "A relay's rows to deliver; a sink's events to store.", NULL, 1 },
	{ "dray_dead_rows", "Rows or events given up that wait for a person.", "dead", 1 },
	{ "dray_scheduled_rows", "Rows that are due later.", "scheduled", 1 },
	{ "dray_stuck_keys", "Keys that a failing row holds back.", "stuck", 1 },
	{ "dray_oldest_pending_seconds", "Age of the oldest row that waits, 0 where none does.",
		"oldest_ms", 0.001 },
};

static const json_t *value_of(const json_t *item, const char *member)
{
	const json_t *pending = json_object_get(item, "pending");

	if (member)
		return json_object_get(item, member);
	return json_is_integer(pending) ? pending : json_object_get(item, "backlog");
}

static void write_told(const json_t *status, size_t n, struct buf *out)
{
	const json_t *item;
	size_t i;

	head(out, told[n].name, "gauge", told[n].help);
	json_array_foreach(status, i, item)
	{
		const char *kind = json_string_value(json_object_get(item, "kind"));
		const char *name = json_string_value(json_object_get(item, "name"));
		const json_t *value = value_of(item, told[n].member);
		bool relay = strcmp(kind, "relay") == 0;
		if (!json_is_integer(value) && !(relay && told[n].unit < 1))
			continue;
		buf_format(out, "%s{kind=\"%s\",pipeline=\"%s\"} %.15g\n", told[n].name, kind, name,
			(double)json_integer_value(value) * told[n].unit);
	}
}

static void write_status(struct watch *watch, struct buf *out)
{
	json_t *problems;
	int64_t age_ms;
	json_t *status = watch_status(watch, &problems, &age_ms);

	if (status) {
		for (size_t n = 0; n < sizeof(told) / sizeof(told[0]); n++)
			write_told(status, n, out);
		head(out, "dray_status_age_seconds", "gauge",
			"How long ago the databases were asked for the backlog and the dead.");
		buf_format(out, "dray_status_age_seconds %.3f\n", (double)age_ms / 1000);
		head(out, "dray_status_problems", "gauge",
			"Pipelines whose database could not be asked.");
		buf_format(out, "dray_status_problems %zu\n", json_array_size(problems));
	}
	json_decref(status);
	json_decref(problems);
}

static void write_process(struct watch *watch, struct buf *out)
{
	struct usage usage = usage_now();

	head(out, "dray_build_info", "gauge", "The version, as a label of a 1.");
	buf_format(out, "dray_build_info{version=\"%s\"} 1\n", DRAY_VERSION);
	head(out, "process_start_time_seconds", "gauge", "When the process began, since 1970.");
	buf_format(
		out, "process_start_time_seconds %.3f\n", (double)watch_started_ms(watch) / 1000);
	head(out, "process_cpu_seconds_total", "counter", "Processor time used.");
	buf_format(out, "process_cpu_seconds_total %.3f\n", usage.cpu_seconds);
	head(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
	buf_format(out, "process_resident_memory_bytes %" PRId64 "\n", usage.resident_bytes);
	head(out, "process_open_fds", "gauge", "Open descriptors.");
	buf_format(out, "process_open_fds %d\n", usage.descriptors);
}

void prometheus_write(struct watch *watch, struct buf *out)
{
	write_plain(watch, out);
	write_reconnects(watch, out);
	write_lease(watch, out);
	write_lag(watch, out);
	write_states(watch, out);
	write_histograms(watch, out);
	write_status(watch, out);
	write_process(watch, out);
}
