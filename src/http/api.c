/* JSON for programs and for the page. */
#include "http/api.h"

#include <string.h>

#include "base/clock.h"

static json_t *text_or_null(const char *text)
{
	json_t *value = text && *text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *known(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *time_text(int64_t wall_ms)
{
	char text[32];

	clock_format(wall_ms, text);
	return json_string(text);
}

static void add_error(json_t *object, struct metrics *metrics)
{
	pthread_mutex_lock(&metrics->lock);
	json_object_set_new(object, "last_error", text_or_null(metrics->last_error));
	json_object_set_new(object, "last_error_at",
		metrics->last_error[0] ? time_text(metrics->last_error_ms) : json_null());
	pthread_mutex_unlock(&metrics->lock);
}

/* What this process knows by itself, without a database. */
static json_t *live_of(struct watch *watch, size_t i)
{
	struct metrics *metrics = watch_pipeline(watch, i)->metrics;
	int64_t sessions = metrics_get(metrics, METRIC_SESSIONS);
	json_t *live = json_pack("{ss sb sf sI sI sI sI sI sI sI so so}", "state",
		metrics_state_name(metrics_get(metrics, METRIC_STATE)), "lease_held",
		metrics_get(metrics, METRIC_LEASE_UNTIL_MS) > clock_now_ms(), "rate",
		watch_rate(watch, i), "published", metrics_get(metrics, METRIC_PUBLISHED), "done",
		metrics_get(metrics, METRIC_DONE), "retried", metrics_get(metrics, METRIC_RETRIED),
		"dead", metrics_get(metrics, METRIC_DEAD), "duplicates",
		metrics_get(metrics, METRIC_DUPLICATES), "in_flight",
		metrics_get(metrics, METRIC_IN_FLIGHT), "reconnects",
		sessions > 0 ? sessions - 1 : 0, "backlog",
		known(metrics_get(metrics, METRIC_BACKLOG)), "lag_ms",
		known(metrics_get(metrics, METRIC_LAG_MS)));

	add_error(live, metrics);
	return live;
}

static json_t *item_of(const json_t *status, const struct watched *pipeline)
{
	json_t *item;
	size_t i;

	json_array_foreach(status, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *kind = json_string_value(json_object_get(item, "kind"));
		if (name && kind && strcmp(name, pipeline->name) == 0 &&
			strcmp(kind, pipeline->kind) == 0)
			return json_incref(item);
	}
	return json_null();
}

static json_t *pipeline_of(struct watch *watch, size_t i, const json_t *status)
{
	const struct watched *pipeline = watch_pipeline(watch, i);

	return json_pack("{ss ss so so}", "kind", pipeline->kind, "name", pipeline->name, "live",
		live_of(watch, i), "status", item_of(status, pipeline));
}

json_t *api_status(struct watch *watch)
{
	json_t *problems, *list = json_array();
	int64_t age_ms;
	json_t *status = watch_status(watch, &problems, &age_ms);

	for (size_t i = 0; i < watch_count(watch); i++)
		json_array_append_new(list, pipeline_of(watch, i, status));
	json_t *whole = json_pack("{ss so so so so so}", "version", DRAY_VERSION, "time",
		time_text(clock_wall_ms()), "started_at", time_text(watch_started_ms(watch)),
		"status_age_ms", status ? json_integer(age_ms) : json_null(), "problems",
		problems ? problems : json_array(), "pipelines", list);
	json_decref(status);
	return whole;
}

static double rate_between(const struct sample *from, const struct sample *to)
{
	int64_t took = to->wall_ms - from->wall_ms;

	return took > 0 ? (double)(to->done - from->done) * 1000 / (double)took : 0;
}

/* A point for each sample but the first, which has no rate. */
static json_t *history_of(struct watch *watch, size_t i)
{
	struct sample samples[WATCH_SAMPLES];
	size_t count = watch_samples(watch, i, samples);
	json_t *points = json_array();

	for (size_t n = 1; n < count; n++)
		json_array_append_new(points,
			json_pack("[I f o o]", samples[n].wall_ms,
				rate_between(&samples[n - 1], &samples[n]),
				known(samples[n].backlog), known(samples[n].lag_ms)));
	return json_pack("{ss ss so}", "kind", watch_pipeline(watch, i)->kind, "name",
		watch_pipeline(watch, i)->name, "points", points);
}

json_t *api_history(struct watch *watch)
{
	json_t *list = json_array();

	for (size_t i = 0; i < watch_count(watch); i++)
		json_array_append_new(list, history_of(watch, i));
	return json_pack("{si so so}", "step_ms", WATCH_STEP_MS, "columns",
		json_pack("[ssss]", "time_ms", "rate", "backlog", "lag_ms"), "pipelines", list);
}

static bool is_ready(int64_t state)
{
	return state == STATE_RUNNING || state == STATE_STANDING_BY || state == STATE_PAUSED;
}

json_t *api_ready(struct watch *watch, bool *ready)
{
	json_t *list = json_array();

	*ready = true;
	for (size_t i = 0; i < watch_count(watch); i++) {
		const struct watched *pipeline = watch_pipeline(watch, i);
		int64_t state = metrics_get(pipeline->metrics, METRIC_STATE);
		json_t *one = json_pack("{ss ss ss}", "kind", pipeline->kind, "name",
			pipeline->name, "state", metrics_state_name(state));
		if (!is_ready(state)) {
			*ready = false;
			add_error(one, pipeline->metrics);
		}
		json_array_append_new(list, one);
	}
	return json_pack("{sb so}", "ready", *ready, "pipelines", list);
}
