/* The JetStream side of a sink: which consumer a stream needs, and what is done with its messages. */
#include "sink/consumer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/memory.h"
#include "nats/pull_consumer.h"

#define ACK_WAIT_MIN_MS 5000

struct consumer {
	struct pull *pull;
	char durable[256]; /* "" for an ordered ephemeral */
};

bool consumer_acknowledges(const struct stream_info *stream)
{
	return stream->retention != STREAM_LIMITS;
}

void consumer_durable_name(const struct config_sink *config, char name[256])
{
	if (config->consumer)
		snprintf(name, 256, "%s", config->consumer);
	else
		snprintf(name, 256, "dray-%s", config->name);
	for (char *c = name; *c; c++)
		if (strchr(" \t.*>/\\", *c))
			*c = '_';
}

static bool fits(
	const struct config_sink *config, const struct stream_info *stream, struct error *err)
{
	if (!config->consumer || consumer_acknowledges(stream))
		return true;
	return error_set(err, ERROR_SCHEMA,
		"consumer: is for workqueue and interest streams, and stream %s is neither; remove it",
		stream->name);
}

bool consumer_check(struct link *link, const struct config_sink *config,
	const struct stream_info *stream, bool *missing, struct error *err)
{
	char durable[256];
	const struct pull_options options = {
		.stream = config->stream, .subjects = &config->subjects, .durable = durable
	};

	struct pull_consumer_state state;

	*missing = false;
	if (!consumer_acknowledges(stream))
		return fits(config, stream, err);
	consumer_durable_name(config, durable);
	bool usable = pull_consumer_check(link, &options, &state, err);
	*missing = state.missing;
	return usable;
}

bool consumer_acked(struct link *link, const struct config_sink *config, int64_t *acked,
	int64_t *given, struct error *err)
{
	char durable[256];
	const struct pull_options options = {
		.stream = config->stream, .subjects = &config->subjects, .durable = durable
	};
	struct pull_consumer_state state;

	consumer_durable_name(config, durable);
	bool ok = pull_consumer_check(link, &options, &state, err);
	*acked = state.acked;
	*given = state.given;
	return ok;
}

void consumer_remove(struct link *link, const struct config_sink *config)
{
	char durable[256];
	const struct pull_options options = { .stream = config->stream, .durable = durable };

	consumer_durable_name(config, durable);
	pull_consumer_delete(link, &options);
}

static void set_start(struct pull_options *options, const struct config_sink *config)
{
	if (config->start == SINK_START_SEQ)
		options->start_seq = (uint64_t)config->start_seq;
	else if (config->start == SINK_START_TIME)
		options->start_time = config->start_time;
	else
		options->start_new = config->start == SINK_START_NEW;
}

/*
 * Longer than a batch takes to be stored; not much longer than a successor stands by for a holder that is
 * gone, since what that had fetched comes only then.
 */
static int64_t ack_wait_ms(const struct config_sink *config)
{
	return config->lease_ms * 2 < ACK_WAIT_MIN_MS ? ACK_WAIT_MIN_MS : config->lease_ms * 2;
}

struct consumer *consumer_open(struct link *link, const struct config_sink *config,
	const struct stream_info *stream, const struct table_position *position, bool placed,
	struct error *err)
{
	if (!fits(config, stream, err))
		return NULL;
	struct consumer *consumer = memory_new(sizeof(*consumer));
	struct pull_options options = { .stream = config->stream,
		.subjects = &config->subjects,
		.batch = config->batch,
		.batch_bytes = config->batch_bytes };

	if (consumer_acknowledges(stream)) {
		consumer_durable_name(config, consumer->durable);
		options.durable = consumer->durable;
		options.ack_wait_ms = ack_wait_ms(config);
	}
	if (!placed)
		set_start(&options, config);
	else if (!options.durable) /* what a durable's stream still has is not stored */
		options.start_seq = (uint64_t)position->seq + 1;
	consumer->pull = pull_create(link, &options, err);
	if (consumer->pull)
		return consumer;
	free(consumer);
	return NULL;
}

bool consumer_is_durable(const struct consumer *consumer)
{
	return consumer->durable[0] != '\0';
}

void consumer_close(struct consumer *consumer)
{
	if (!consumer)
		return;
	pull_destroy(consumer->pull);
	free(consumer);
}

bool consumer_next(
	struct consumer *consumer, int64_t wait_ms, struct pull_message *message, struct error *err)
{
	if (!pull_next(consumer->pull, wait_ms, message, err))
		return false;
	if (message->seq <= INT64_MAX)
		return true;
	pull_release(message);
	return error_set(err, ERROR_SCHEMA, "the sequence %" PRIu64 " is beyond what SQL can hold",
		message->seq);
}

bool consumer_progress(struct consumer *consumer, struct pull_progress *progress, struct error *err)
{
	return pull_progress(consumer->pull, progress, err);
}

bool consumer_ack(struct consumer *consumer, const struct load *load, struct error *err)
{
	if (!consumer->durable[0])
		return true;
	failpoint("sink.before_ack");
	for (size_t i = 0; i < load->count; i++)
		if (!pull_ack(consumer->pull, &load->messages[i], err))
			return false;
	failpoint("sink.after_ack");
	return true;
}

void consumer_give_back(struct consumer *consumer, const struct load *load)
{
	for (size_t i = 0; consumer->durable[0] && i < load->count; i++)
		if (!pull_give_back(consumer->pull, &load->messages[i], NULL))
			return;
}
