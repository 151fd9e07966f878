/* Compares where a stream begins with what was received, so that nothing is passed over in silence. */
#include "sink/trim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sink/turn.h"

#define LOOK_AGAIN_MS 10000 /* a sink that waits for a person looks again whether it still has to */
#define WAIT_MS	      500

static bool has_gaps(const struct ingest *ingest, const struct stream_info *stream)
{
	return ingest->config->subjects.count > 0 || stream->max_msgs_per_subject > 0;
}

static void tell(struct ingest *ingest, const struct stream_info *stream)
{
	const struct config_sink *config = ingest->config;
	int64_t from = ingest->position.seq + 1, to = (int64_t)stream->first_seq - 1;
	char then[200] = "goes on behind them";

	if (ingest->trimmed_told == to)
		return;
	ingest->trimmed_told = to;
	if (config->on_trimmed == ON_TRIMMED_STOP)
		snprintf(then, sizeof(then),
			"stopped here; \"dray seek %s --to seq:%" PRId64
			"\" goes on behind them (or on_trimmed: continue)",
			config->name, to + 1);
	report_error(&ingest->report,
		"%" PRId64 " events (sequence %" PRId64 " to %" PRId64
		") were removed from stream %s before they were stored%s; %s",
		to - from + 1, from, to, stream->name,
		has_gaps(ingest, stream) ? ", as far as they were there and had its subjects" : "",
		then);
	ingest->keep_error = true;
	log_error(config->name, "%s", ingest->report.last_error);
}

/* The lease is kept, and a person's pause or seek ends the wait. */
static bool wait_for_a_person(struct ingest *ingest, struct error *err)
{
	int64_t now, until = clock_now_ms() + LOOK_AGAIN_MS;

	ingest_report(ingest, "stopped");
	while ((now = clock_now_ms()) < until) {
		if (!turn_keep(ingest, now, err))
			return false;
		if (now >= ingest->report_at_ms)
			ingest_report(ingest, "stopped");
		if (stop_wait(ingest->stop, WAIT_MS))
			return error_set(err, ERROR_STOPPED, "stopped");
	}
	ingest->progress++;
	return error_set(err, ERROR_CONFLICT, "looks again what is there");
}

bool trim_find(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	int64_t first = (int64_t)stream->first_seq;
	bool ordered = !consumer_acknowledges(stream);

	ingest->gaps_usual = !ordered || has_gaps(ingest, stream);
	ingest->trimmed_behind = 0;
	ingest->trimmed = false;
	ingest->look_at_ms = ordered ? clock_now_ms() + TRIM_LOOK_EVERY_MS : INT64_MAX;
	ingest->received = ingest->placed ? ingest->position.seq : 0;
	if (!ordered || !ingest->placed || first <= ingest->position.seq + 1)
		return true;
	tell(ingest, stream);
	if (ingest->config->on_trimmed == ON_TRIMMED_STOP)
		return wait_for_a_person(ingest, err);
	ingest->received = first - 1;
	return table_store(ingest->table, &ingest->position, NULL, 0, first - 1, err);
}

/* Sequences are missing. A person may have deleted them one by one; a stream trims at its beginning. */
static bool ask_stream(
	struct ingest *ingest, const struct pull_message *message, bool *trimmed, struct error *err)
{
	struct stream_info stream = { 0 };
	bool ok = stream_get_info(ingest->link, ingest->config->stream, &stream, NULL, err);

	*trimmed = ok && (int64_t)stream.first_seq > ingest->received + 1 &&
		stream.first_seq <= message->seq;
	stream_info_finish(&stream);
	return ok;
}

bool trim_precedes(
	struct ingest *ingest, const struct pull_message *message, bool *trimmed, struct error *err)
{
	int64_t seq = (int64_t)message->seq;
	bool gap = ingest->received > 0 && seq > ingest->received + 1;

	*trimmed = ingest->trimmed_behind > 0 && seq > ingest->trimmed_behind;
	if (gap && !ingest->gaps_usual && !ask_stream(ingest, message, trimmed, err))
		return false;
	ingest->received = seq;
	return true;
}

/*
 * Nothing up to the stream's end is left to be stored: the position says so. Where the stream begins behind
 * what the server has delivered, events may be gone that nobody counts otherwise.
 */
static bool follow(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	int64_t first = (int64_t)stream->first_seq, last = (int64_t)stream->last_seq;
	struct pull_progress progress;

	if (!consumer_progress(ingest->consumer, &progress, err))
		return false;
	if (progress.all_taken && ingest->load.count == 0)
		return last <= ingest->position.seq ||
			table_store(ingest->table, &ingest->position, NULL, 0, last, err);
	if (first > (int64_t)progress.delivered_seq + 1)
		ingest->trimmed_behind = (int64_t)progress.delivered_seq;
	return true;
}

bool trim_look(struct ingest *ingest, int64_t now, struct error *err)
{
	struct stream_info stream = { 0 };

	if (!ingest->gaps_usual || !ingest->placed || now < ingest->look_at_ms)
		return true;
	ingest->look_at_ms = now + TRIM_LOOK_EVERY_MS;
	bool ok = stream_get_info(ingest->link, ingest->config->stream, &stream, NULL, err);
	if (ok && strcmp(stream.created, ingest->position.created) != 0)
		ok = error_set(err, ERROR_CONFLICT, "stream %s was made anew", stream.name);
	ok = ok && follow(ingest, &stream, err);
	stream_info_finish(&stream);
	return ok;
}
