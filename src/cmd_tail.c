/*
 * dray tail: prints events as the stream receives them. An outage is survived by beginning again behind the
 * last event that was printed, so none is missing and none comes twice.
 */
#include "cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd_common.h"
#include "config_check.h"
#include "event.h"
#include "nats/pull.h"
#include "nats/stream.h"

#define BATCH	     500
#define BATCH_BYTES  (4 << 20)
#define WAIT_MS	     1000
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 2000

struct tail {
	const struct cli *cli;
	struct link *link;
	const struct config_sink *start; /* for what --since says */
	struct config_list subjects;
	char *subject;
	char stream[256], created[40];
	uint64_t next; /* the sequence to begin at; 0: as --since says */
	int64_t left; /* events still to print; -1: no end */
	bool out; /* an outage was told and is not over */
	bool over;
};

static void format_text(
	const struct tail *tail, const struct pull_message *message, struct buf *line)
{
	char time[32];

	clock_format(message->time_ns / 1000000, time);
	buf_format(line, "%s %s/%" PRIu64 " ", time, tail->stream, message->seq);
	cmd_add_escaped(line, message->subject);
	buf_add_char(line, ' ');
	cmd_add_escaped(line, message->key.data ? message->key : SLICE("-"));
	buf_add_char(line, ' ');
	cmd_add_escaped(line, message->payload);
}

static void format_json(
	const struct tail *tail, const struct pull_message *message, struct buf *line)
{
	struct slice given = message->headers;
	json_t *headers =
		given.data ? json_loadb(given.data, given.size, JSON_ALLOW_NUL, NULL) : NULL;
	char time[32];

	clock_format(message->time_ns / 1000000, time);
	json_t *object = json_pack("{ss ss sI so so so so}", "time", time, "stream", tail->stream,
		"seq", (json_int_t)message->seq, "subject", cmd_json_slice(message->subject), "key",
		cmd_json_slice(message->key), "id", cmd_json_slice(message->id), "headers",
		headers ? headers : json_null());
	cmd_json_payload(object, message->payload);
	char *text = json_dumps(object, JSON_COMPACT);
	buf_add_text(line, text ? text : "{}");
	free(text);
	json_decref(object);
}

/* False: nobody reads any more. */
static bool print(const struct tail *tail, const struct pull_message *message)
{
	struct buf line = { 0 };

	(tail->cli->json ? format_json : format_text)(tail, message, &line);
	buf_add_char(&line, '\n');
	bool ok = fwrite(line.data, 1, line.size, stdout) == line.size;
	buf_finish(&line);
	return ok;
}

static void set_start(const struct tail *tail, struct pull_options *options)
{
	options->start_seq = tail->next;
	if (!tail->next && tail->start->start == SINK_START_TIME)
		options->start_time = tail->start->start_time;
}

/* Where to begin, as a sequence, so that nothing is missed should this have to begin again. */
static void find_start(struct tail *tail, const struct stream_info *info)
{
	bool anew = tail->created[0] && strcmp(tail->created, info->created) != 0;

	if (anew)
		log_warning(NULL, "stream %s was made anew: begins at its first event", info->name);
	if (anew)
		tail->next = 1;
	else if (!tail->created[0] && tail->start->start == SINK_START_NEW)
		tail->next = info->last_seq + 1;
	else if (!tail->created[0] && tail->start->start == SINK_START_SEQ)
		tail->next = (uint64_t)tail->start->start_seq;
	snprintf(tail->created, sizeof(tail->created), "%s", info->created);
}

static bool find_stream(struct tail *tail, struct error *err)
{
	struct stream_info info;

	if (!tail->stream[0] &&
		!stream_for_subject(tail->link, slice_of(tail->subject), tail->stream, err))
		return false;
	if (!tail->stream[0])
		return error_set(
			err, ERROR_SCHEMA, "no stream takes the subject %.200s", tail->subject);
	if (!stream_get_info(tail->link, tail->stream, &info, NULL, err))
		return false;
	find_start(tail, &info);
	stream_info_finish(&info);
	return true;
}

static void back(struct tail *tail)
{
	if (tail->out)
		log_info(NULL, "%s: connected again", link_label(tail->link));
	tail->out = false;
}

/* Reads until something goes wrong, or all that was asked for is printed. */
static bool read_events(struct tail *tail, struct pull *pull, struct error *err)
{
	struct pull_message message;

	while (tail->left != 0 && !tail->over) {
		if (!pull_next(pull, WAIT_MS, &message, err)) {
			if (err->kind != ERROR_NONE)
				return false;
			back(tail);
			continue;
		}
		back(tail);
		tail->over =
			!print(tail, &message) || (message.pending == 0 && fflush(stdout) != 0);
		tail->next = message.seq + 1;
		tail->left -= tail->left > 0;
		pull_release(&message);
	}
	return true;
}

static bool session(struct tail *tail, struct error *err)
{
	struct pull_options options = { .stream = tail->stream,
		.subjects = &tail->subjects,
		.batch = tail->left > 0 && tail->left < BATCH ? tail->left : BATCH,
		.batch_bytes = BATCH_BYTES };

	if ((!link_is_up(tail->link) && !link_connect(tail->link, err)) || !find_stream(tail, err))
		return false;
	set_start(tail, &options);
	struct pull *pull = pull_create(tail->link, &options, err);
	if (!pull)
		return false;
	bool ok = read_events(tail, pull, err);
	pull_destroy(pull);
	return ok;
}

/* The first session has to come about; later ones are tried until they do. */
static bool run(struct tail *tail, struct error *err)
{
	int64_t pause = PAUSE_MIN_MS;

	while (!session(tail, err)) {
		fflush(stdout);
		if (!tail->created[0] || err->kind == ERROR_INTERNAL)
			return false;
		if (err->kind != ERROR_CONFLICT && !tail->out) {
			log_warning(NULL, "%s; trying again", err->text);
			tail->out = true;
			pause = PAUSE_MIN_MS;
		}
		clock_sleep_ms(pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
	fflush(stdout);
	return true;
}

static bool parse_count(const char *text, int64_t *count, struct error *err)
{
	char *end;

	*count = -1;
	if (!text)
		return true;
	errno = 0;
	*count = strtoll(text, &end, 10);
	return (!errno && end != text && !*end && *count > 0) ||
		error_set(
			err, ERROR_USAGE, "--count: \"%.40s\" is not a whole number above 0", text);
}

/* --since is what a sink's `start` is. */
static bool parse(
	const struct cli *cli, struct config *config, struct tail *tail, struct error *err)
{
	struct config_sink *sink = config_add_sink(config, "tail", "", "");

	if (cli->argument_count == 0 && !cli->stream)
		return error_set(err, ERROR_USAGE,
			"name a subject (dray tail 'shop.>') or a stream (--stream NAME)");
	if (cli->argument_count > 0 && !check_subject_pattern(cli->arguments[0], err))
		return error_prefix(err, "SUBJECT");
	if (cli->argument_count > 0) {
		tail->subject = (char *)(uintptr_t)cli->arguments[0];
		tail->subjects = (struct config_list){ &tail->subject, 1 };
	}
	snprintf(tail->stream, sizeof(tail->stream), "%s", cli->stream ? cli->stream : "");
	tail->start = sink;
	return cmd_set_start(sink, "--since", cli->since ? cli->since : "new", err) &&
		parse_count(cli->count, &tail->left, err);
}

int cmd_tail(const struct cli *cli)
{
	struct tail tail = { .cli = cli };
	struct error err = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, false, &status);

	if (!config)
		return status;
	cli_setup_log(cli, config);
	bool ok = parse(cli, config, &tail, &err);
	if (ok) {
		tail.link = link_create(&config->nats, "dray tail", NULL);
		ok = run(&tail, &err);
		link_destroy(tail.link);
	}
	status = ok ? 0 : cli_fail(cli, &err);
	config_destroy(config);
	return status;
}
