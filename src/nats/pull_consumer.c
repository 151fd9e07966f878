/*
 * Consumers in raw JSON over the API. What the server made is compared with what was asked for, since a
 * server leaves out silently what it does not know.
 */
#include "nats/pull_consumer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CODE_CONSUMER_NOT_FOUND 10014
#define CODE_FILTERS_OVERLAP	10138
#define SECOND_NS		INT64_C(1000000000)
#define MS_NS			INT64_C(1000000)
#define INACTIVE_NS		(30 * SECOND_NS) /* an ephemeral that nobody asks is removed */

static size_t filter_count(const struct pull_options *options)
{
	return options->subjects ? options->subjects->count : 0;
}

static void add_filter(json_t *config, const struct pull_options *options)
{
	size_t count = filter_count(options);

	if (count == 1)
		json_object_set_new(
			config, "filter_subject", json_string(options->subjects->items[0]));
	if (count < 2)
		return;
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(options->subjects->items[i]));
	json_object_set_new(config, "filter_subjects", list);
}

static void add_start(json_t *config, const struct pull_options *options)
{
	const char *policy = options->start_new ? "new" : "all";

	if (options->start_seq) {
		policy = "by_start_sequence";
		json_object_set_new(
			config, "opt_start_seq", json_integer((json_int_t)options->start_seq));
	} else if (options->start_time) {
		policy = "by_start_time";
		json_object_set_new(config, "opt_start_time", json_string(options->start_time));
	}
	json_object_set_new(config, "deliver_policy", json_string(policy));
}

/* One replica in memory: it holds nothing that the position does not tell. */
static json_t *ephemeral_config(void)
{
	return json_pack("{ss ss sI sb si}", "ack_policy", "none", "replay_policy", "instant",
		"inactive_threshold", (json_int_t)INACTIVE_NS, "mem_storage", 1, "num_replicas", 1);
}

static json_t *durable_config(const struct pull_options *options)
{
	return json_pack("{ss ss ss sI sI}", "durable_name", options->durable, "ack_policy",
		"explicit", "replay_policy", "instant", "ack_wait",
		(json_int_t)options->ack_wait_ms * MS_NS, "max_ack_pending",
		(json_int_t)(options->batch * 4 + 1000));
}

/* Makes one and gives its configuration as the server has it. */
static bool create(struct link *link, const struct pull_options *options, bool filtered,
	json_t **info, int *code, struct error *err)
{
	json_t *config = options->durable ? durable_config(options) : ephemeral_config();
	char api[600];

	add_start(config, options);
	if (filtered)
		add_filter(config, options);
	if (options->headers_only)
		json_object_set_new(config, "headers_only", json_true());
	if (options->durable)
		snprintf(api, sizeof(api), "CONSUMER.DURABLE.CREATE.%s.%s", options->stream,
			options->durable);
	else
		snprintf(api, sizeof(api), "CONSUMER.CREATE.%s", options->stream);
	json_t *body = json_pack("{ss so}", "stream_name", options->stream, "config", config);
	bool ok = link_api(link, api, body, info, code, err);
	json_decref(body);
	return ok;
}

static bool has_filter(const json_t *config, const char *subject)
{
	const json_t *list = json_object_get(config, "filter_subjects"), *item;
	const char *one = json_string_value(json_object_get(config, "filter_subject"));
	size_t i;

	if (one && strcmp(one, subject) == 0)
		return true;
	json_array_foreach(list, i, item)
	{
		one = json_string_value(item);
		if (one && strcmp(one, subject) == 0)
			return true;
	}
	return false;
}

/* Whether the consumer gives what was asked for and nothing else. */
static bool same_filter(const json_t *info, const struct pull_options *options)
{
	const json_t *config = json_object_get(info, "config");
	const char *one = json_string_value(json_object_get(config, "filter_subject"));
	size_t has = json_array_size(json_object_get(config, "filter_subjects"));

	if (has == 0 && one && *one)
		has = 1;
	if (has != filter_count(options))
		return false;
	for (size_t i = 0; i < filter_count(options); i++)
		if (!has_filter(config, options->subjects->items[i]))
			return false;
	return true;
}

static bool make_ephemeral(struct link *link, const struct pull_options *options, json_t **info,
	bool *filter_here, struct error *err)
{
	int code;

	bool ok = create(link, options, true, info, &code, err);
	if (!ok && code == CODE_FILTERS_OVERLAP)
		ok = create(link, options, false, info, &code, err);
	if (!ok)
		return false;
	*filter_here = filter_count(options) > 0 && !same_filter(*info, options);
	return true;
}

void pull_consumer_delete(struct link *link, const struct pull_options *options)
{
	char api[600];
	json_t *reply;

	snprintf(api, sizeof(api), "CONSUMER.DELETE.%s.%s", options->stream, options->durable);
	if (link_api(link, api, NULL, &reply, NULL, NULL))
		json_decref(reply);
}

static bool check_durable(const json_t *info, const struct pull_options *options, struct error *err)
{
	const json_t *config = json_object_get(info, "config");
	const char *policy = json_string_value(json_object_get(config, "ack_policy"));
	const char *what = NULL;

	if (!policy || strcmp(policy, "explicit") != 0)
		what = "it has no explicit acknowledgements";
	else if (json_object_get(config, "deliver_subject"))
		what = "it is a push consumer";
	else if (json_is_true(json_object_get(config, "headers_only")) != options->headers_only)
		what = "it leaves the payloads out";
	else if (!same_filter(info, options))
		what = "it filters other subjects";
	if (!what)
		return true;
	return error_set(err, ERROR_SCHEMA,
		"the consumer %s of stream %s cannot be used: %s; name another one, or delete it",
		options->durable, options->stream, what);
}

/* Finds and checks the durable. info stays NULL where there is none, which is true. */
static bool find_durable(
	struct link *link, const struct pull_options *options, json_t **info, struct error *err)
{
	char api[600];
	int code;

	snprintf(api, sizeof(api), "CONSUMER.INFO.%s.%s", options->stream, options->durable);
	if (link_api(link, api, NULL, info, &code, err))
		return check_durable(*info, options, err);
	return code == CODE_CONSUMER_NOT_FOUND;
}

static bool make_durable(
	struct link *link, const struct pull_options *options, json_t **info, struct error *err)
{
	if (!find_durable(link, options, info, err))
		return false;
	if (*info)
		return true;
	if (!create(link, options, true, info, NULL, err))
		return false;
	if (same_filter(*info, options))
		return true;
	/* It would give events that are not ours, and to acknowledge those would remove them. */
	pull_consumer_delete(link, options);
	return error_set(err, ERROR_SCHEMA,
		"several subjects on stream %s, which is not of limits retention, need "
		"nats-server 2.10 or later; name one subject",
		options->stream);
}

/* Before the first message either place lies where the consumer began. */
static int64_t place_in_stream(const json_t *info, const char *name)
{
	const json_t *place = json_object_get(info, name);
	bool any = json_integer_value(json_object_get(place, "consumer_seq")) > 0;

	return any ? json_integer_value(json_object_get(place, "stream_seq")) : 0;
}

bool pull_consumer_check(struct link *link, const struct pull_options *options,
	struct pull_consumer_state *state, struct error *err)
{
	json_t *info = NULL;

	bool ok = find_durable(link, options, &info, err);
	*state = (struct pull_consumer_state){ .missing = !info,
		.acked = place_in_stream(info, "ack_floor"),
		.given = place_in_stream(info, "delivered") };
	json_decref(info);
	return ok;
}

bool pull_consumer_make(struct link *link, const struct pull_options *options, char name[256],
	bool *filter_here, struct error *err)
{
	json_t *info = NULL;

	*filter_here = false;
	bool ok = options->durable ? make_durable(link, options, &info, err)
				   : make_ephemeral(link, options, &info, filter_here, err);
	if (ok) {
		const char *made = json_string_value(json_object_get(info, "name"));
		snprintf(name, 256, "%s", made ? made : "");
	}
	json_decref(info);
	return ok;
}
