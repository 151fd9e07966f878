/*
 * dray seek SINK --to WHERE: moves the sink's position, which is the only truth. No lease is needed: every
 * store expects the position that it knows, so a running sink begins again behind the new one.
 */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd_common.h"
#include "named.h"
#include "nats/pull.h"
#include "nats/stream.h"

#define FIRST_WAIT_MS 5000 /* for the first event since a time */

struct seek {
	const struct cli *cli;
	const struct config_sink *to; /* what --to says, as a sink's start */
	struct link *link;
	struct named named;
	struct stream_info stream;
	char created[40];
	int64_t epoch, was, seq; /* the position: it was, it becomes */
	bool gone; /* events from there on are gone from the stream */
};

/* Cuts "2026-01-01T00:00:00.5Z" to what clock_format writes, so that both compare as texts. */
static void to_milliseconds(const char *time, char text[32])
{
	const char *dot = strchr(time, '.');
	int digits = dot ? (int)strspn(dot + 1, "0123456789") : 0;

	digits = digits > 3 ? 3 : digits;
	snprintf(text, 32, "%.19s.%.*s%.*sZ", time, digits, dot ? dot + 1 : "", 3 - digits, "000");
}

/* Where the first event since a time stands; none: *seq is behind the last one. */
static bool find_first_since(struct seek *seek, int64_t *seq, int64_t *time_ns, struct error *err)
{
	const struct pull_options options = { .stream = seek->stream.name,
		.start_time = seek->to->start_time,
		.headers_only = true,
		.batch = 1 };
	struct pull *pull = pull_create(seek->link, &options, err);
	struct pull_message message;

	if (!pull)
		return false;
	*seq = (int64_t)seek->stream.last_seq + 1;
	bool found = pull_next(pull, FIRST_WAIT_MS, &message, err);
	if (found) {
		*seq = (int64_t)message.seq;
		*time_ns = message.time_ns;
		pull_release(&message);
	}
	pull_destroy(pull);
	return found || err->kind == ERROR_NONE;
}

/* The newest event is older: nothing would come, and nothing has to be waited for. */
static bool is_behind_all(struct seek *seek, const char *since, bool *behind, struct error *err)
{
	struct stream_message newest;
	uint64_t seq;

	*behind = seek->stream.messages == 0;
	if (*behind)
		return true;
	if (!stream_newest(seek->link, seek->stream.name, &seq, err) ||
		!stream_get_message(seek->link, seek->stream.name, seq, &newest, err))
		return false;
	*behind = newest.found && strcmp(newest.time, since) < 0;
	stream_message_finish(&newest);
	return true;
}

static bool aim_at_time(struct seek *seek, struct error *err)
{
	char since[32], text[32];
	int64_t seq = (int64_t)seek->stream.last_seq + 1, time_ns = 0;
	bool behind;

	to_milliseconds(seek->to->start_time, since);
	clock_format(clock_wall_ms(), text);
	if (strcmp(since, text) > 0)
		return error_set(
			err, ERROR_USAGE, "--to time:%s lies in the future", seek->to->start_time);
	if (!is_behind_all(seek, since, &behind, err) ||
		(!behind && !find_first_since(seek, &seq, &time_ns, err)))
		return false;
	clock_format(time_ns / 1000000, text);
	seek->gone = (uint64_t)seq == seek->stream.first_seq && seq > 1 && strcmp(since, text) < 0;
	seek->seq = seq - 1;
	return true;
}

static bool aim(struct seek *seek, struct error *err)
{
	int64_t first = (int64_t)seek->stream.first_seq, last = (int64_t)seek->stream.last_seq;

	switch (seek->to->start) {
	case SINK_START_ALL:
		seek->seq = first > 0 ? first - 1 : 0;
		return true;
	case SINK_START_NEW:
		seek->seq = last;
		return true;
	case SINK_START_SEQ:
		seek->seq = seek->to->start_seq - 1;
		seek->gone = seek->seq < first - 1;
		if (seek->gone)
			seek->seq = first - 1;
		return seek->seq <= last ||
			error_set(err, ERROR_USAGE,
				"--to seq:%" PRId64
				" lies beyond the end of stream %s, which is %" PRId64,
				seek->to->start_seq, seek->stream.name, last);
	case SINK_START_TIME:
		break;
	}
	return aim_at_time(seek, err);
}

static bool check_aim(const struct seek *seek, struct error *err)
{
	return !seek->gone || seek->cli->force ||
		error_set(err, ERROR_USAGE,
			"of what --to names, stream %s has only what follows from sequence %" PRIu64
			" on; --force begins there",
			seek->stream.name, seek->stream.first_seq);
}

static bool load_position(struct seek *seek, struct error *err)
{
	const char *parameters[] = { seek->named.name, seek->named.stream };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(
		seek->named.db, SQL_SINK_POSITION_LOAD, NULL, parameters, 2, &arena, &rows, err);
	if (ok && rows.rows == 0)
		ok = error_set(err, ERROR_USAGE,
			"it has no position in stream %s yet; where it begins is said by start:",
			seek->named.stream);
	if (ok) {
		snprintf(seek->created, sizeof(seek->created), "%s", db_cell(&rows, 0, 0));
		seek->epoch = atoll(db_cell(&rows, 0, 1));
		seek->was = atoll(db_cell(&rows, 0, 2));
	}
	arena_finish(&arena);
	return ok;
}

static bool check_stream(const struct seek *seek, struct error *err)
{
	if (seek->stream.retention != STREAM_LIMITS)
		return error_set(err, ERROR_USAGE,
			"stream %s removes what is acknowledged: there is no way back in it, and "
			"its durable remembers where it is",
			seek->stream.name);
	return strcmp(seek->created, seek->stream.created) == 0 ||
		error_set(err, ERROR_SCHEMA,
			"stream %s was made anew since; run the sink once, so that it begins the "
			"next epoch",
			seek->stream.name);
}

static bool move(struct seek *seek, struct error *err)
{
	char number[24];
	const char *parameters[] = { seek->named.name, seek->named.stream, seek->created, number };
	struct arena arena;
	struct db_rows rows;

	snprintf(number, sizeof(number), "%" PRId64, seek->seq);
	arena_init(&arena);
	bool ok = db_run(seek->named.db, SQL_SINK_SEEK, NULL, parameters, 4, &arena, &rows, err);
	if (ok && rows.changed != 1)
		ok = error_set(
			err, ERROR_CONFLICT, "it has just begun another epoch; nothing was moved");
	arena_finish(&arena);
	return ok;
}

static void print(const struct seek *seek)
{
	if (seek->cli->json)
		cmd_print_json(json_pack("{ss ss sI sI sI sb}", "sink", seek->named.name, "stream",
			seek->named.stream, "epoch", (json_int_t)seek->epoch, "from",
			(json_int_t)seek->was, "to", (json_int_t)seek->seq, "gone", seek->gone));
	else
		printf("%s: moved from behind sequence %" PRId64 " of stream %s to behind %" PRId64
		       "; its last is %" PRIu64 "\n",
			seek->named.name, seek->was, seek->named.stream, seek->seq,
			seek->stream.last_seq);
}

static bool find_sink(struct seek *seek, const struct config *config, struct error *err)
{
	if (!named_open(
		    seek->cli->arguments[0], seek->cli->database, config, NULL, &seek->named, err))
		return false;
	return seek->named.is_sink ||
		error_set(err, ERROR_USAGE, "it is a relay, which has no place to go to");
}

static bool run(struct seek *seek, const struct config *config, struct error *err)
{
	seek->link = cmd_connect(config, err);
	bool ok = seek->link && load_position(seek, err) &&
		stream_get_info(seek->link, seek->named.stream, &seek->stream, NULL, err) &&
		check_stream(seek, err) && aim(seek, err) && check_aim(seek, err) &&
		move(seek, err);

	if (ok)
		print(seek);
	stream_info_finish(&seek->stream);
	link_destroy(seek->link);
	return ok;
}

static bool parse(struct seek *seek, struct config *config, struct error *err)
{
	struct config_sink *to = config_add_sink(config, "", "", "");

	seek->to = to;
	if (!seek->cli->to)
		return error_set(err, ERROR_USAGE, "say where to: --to seq:N or --to time:%s",
			"2026-01-01T00:00:00Z");
	return cmd_set_start(to, "--to", seek->cli->to, err);
}

int cmd_seek(const struct cli *cli)
{
	struct seek seek = { .cli = cli };
	struct error err = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, !cli->database, &status);

	if (!config)
		return status;
	if (!parse(&seek, config, &err) ||
		(cli->database && !cmd_check_database(cli->database, NULL, &err)) ||
		!find_sink(&seek, config, &err)) {
		status = cli_fail(cli, &err);
	} else if (!run(&seek, config, &err)) {
		error_prefix(&err, "%s", seek.named.name);
		status = cli_fail(cli, &err);
	}
	named_close(&seek.named);
	config_destroy(config);
	return status;
}
