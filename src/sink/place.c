/* Where a session begins. The position row is the truth; this compares it with what the stream says. */
#include "sink/place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "sink/kept.h"
#include "sink/trim.h"

bool place_begin(struct ingest *ingest, int64_t seq, struct error *err)
{
	ingest->placed =
		table_begin(ingest->table, ingest->position.created, seq, &ingest->position, err);
	return ingest->placed;
}

/* Where config's start lies, as the sequence before it. False: only the first event will tell. */
static bool find_start(const struct config_sink *config, const struct stream_info *stream,
	int64_t *seq, struct error *err)
{
	int64_t first = (int64_t)stream->first_seq, last = (int64_t)stream->last_seq;

	switch (config->start) {
	case SINK_START_ALL:
		*seq = first > 0 ? first - 1 : 0;
		return true;
	case SINK_START_NEW:
		*seq = last;
		return true;
	case SINK_START_SEQ:
		*seq = config->start_seq < first ? first - 1 : config->start_seq - 1;
		if (config->start_seq < first)
			log_warning(config->name,
				"start: seq:%" PRId64 ": stream %s begins with sequence %" PRId64,
				config->start_seq, stream->name, first);
		return *seq <= last ||
			error_set(err, ERROR_SCHEMA,
				"start: seq:%" PRId64
				" lies beyond the end of stream %s, which is %" PRId64,
				config->start_seq, stream->name, last);
	case SINK_START_TIME:
		break;
	}
	err->kind = ERROR_NONE;
	return false;
}

/* What must not pass in silence: an error in the log, and the last error of dray status. */
static void tell(struct ingest *ingest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(struct ingest *ingest, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_error_list(&ingest->report, format, arguments);
	va_end(arguments);
	ingest->keep_error = true;
	log_error(ingest->config->name, "%s", ingest->report.last_error);
}

/*
 * A stream that lost its end may have left its durable behind: that gives nothing before the stream has grown past it
 * again, and then not what came meanwhile. A workqueue keeps for a new one what nobody acknowledged; a stream of
 * interest retention would let go of it.
 */
static void start_again(struct ingest *ingest, enum stream_retention retention, int64_t given)
{
	const char *stream = ingest->config->stream;

	if (retention != STREAM_WORKQUEUE) {
		tell(ingest,
			"the consumer of stream %s stands at sequence %" PRId64
			", beyond the stream's end, and gives nothing before that is reached again; what "
			"comes until then is lost with the consumer or passed over",
			stream, given);
		return;
	}
	log_warning(ingest->config->name,
		"the consumer of stream %s stands at sequence %" PRId64
		", beyond the stream's end: it is made anew",
		stream, given);
	consumer_remove(ingest->link, ingest->config);
}

/* The end is asked for after the consumer, since both move on. */
static bool is_beyond_end(struct ingest *ingest, int64_t given, bool *beyond, struct error *err)
{
	struct stream_info now = { 0 };

	if (!stream_get_info(ingest->link, ingest->config->stream, &now, NULL, err))
		return false;
	*beyond = (uint64_t)given > now.last_seq;
	stream_info_finish(&now);
	return true;
}

/*
 * What was acknowledged is gone from the stream, so it must be stored here. Where the durable filters, its
 * floor moves on over events of others, and tells nothing.
 */
static bool check_acked(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	int64_t acked = 0, given = 0, stored = ingest->position.seq;
	bool beyond = false;

	if (!consumer_acked(ingest->link, ingest->config, &acked, &given, err))
		return false;
	if ((uint64_t)given > stream->last_seq && !is_beyond_end(ingest, given, &beyond, err))
		return false;
	if (beyond)
		start_again(ingest, stream->retention, given);
	if (beyond || ingest->config->subjects.count > 0 || acked <= stored)
		return true;
	tell(ingest,
		"up to sequence %" PRId64 " of stream %s was acknowledged, and only up to %" PRId64
		" is stored here: the database went back, or it is another one; what lies between "
		"is gone from the stream",
		acked, ingest->config->stream, stored);
	return table_store(ingest->table, &ingest->position, NULL, 0, acked, err);
}

static bool first_place(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	int64_t seq = 0;

	snprintf(ingest->position.created, sizeof(ingest->position.created), "%s", stream->created);
	if (consumer_acknowledges(stream)) /* the durable remembers where it is */
		return place_begin(ingest, 0, err);
	if (find_start(ingest->config, stream, &seq, err))
		return place_begin(ingest, seq, err);
	return err->kind == ERROR_NONE;
}

static bool next_epoch(struct ingest *ingest, const struct stream_info *stream, bool anew,
	int64_t kept, struct error *err)
{
	int64_t was = ingest->position.seq;

	if (!table_next_epoch(
		    ingest->table, stream->created, anew ? 0 : kept, &ingest->position, err))
		return false;
	if (anew)
		tell(ingest,
			"stream %s was made anew at %s: begins epoch %" PRId64
			" at its sequence 1; %" PRId64 " was the last one stored of the former",
			stream->name, stream->created, ingest->position.epoch, was);
	else
		tell(ingest,
			"stream %s lost its end: up to sequence %" PRId64
			" is stored, of which it still holds what came up to %" PRId64
			"; begins epoch %" PRId64
			" behind that, since what follows are other events",
			stream->name, was, kept, ingest->position.epoch);
	return true;
}

/* A durable's stream removes what was acknowledged, so there is nothing left to compare. */
static bool find_kept(struct ingest *ingest, const struct stream_info *stream, int64_t *kept,
	bool *proven, struct error *err)
{
	const struct table_position *position = &ingest->position;

	*proven = false;
	if (!consumer_acknowledges(stream))
		return kept_find(ingest->table, ingest->link, stream, position, kept, proven, err);
	*kept = stream->last_seq < (uint64_t)position->seq ? 0 : position->seq;
	return true;
}

static bool same_place(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	bool anew = strcmp(ingest->position.created, stream->created) != 0, proven;
	int64_t kept = 0;

	if (!find_kept(ingest, stream, &kept, &proven, err))
		return false;
	/* Servers (2.9.10, 2.10.27; not 2.15.1) name another creation once a stream was changed after a restart. */
	if (anew && proven &&
		!table_same_stream(ingest->table, stream->created, &ingest->position, err))
		return false;
	anew = anew && !proven;
	return (!anew && kept >= ingest->position.seq) ||
		next_epoch(ingest, stream, anew, kept, err);
}

bool place_find(struct ingest *ingest, const struct stream_info *stream, struct error *err)
{
	if (!table_load(ingest->table, &ingest->placed, &ingest->position, err) ||
		!(ingest->placed ? same_place : first_place)(ingest, stream, err))
		return false;
	return (!consumer_acknowledges(stream) || check_acked(ingest, stream, err)) &&
		trim_find(ingest, stream, err);
}

/* Picks those whose sequence stands for another event in the table. */
static bool find_others(struct ingest *ingest, struct load *others, struct error *err)
{
	const struct load *load = &ingest->load;
	bool has;

	for (size_t i = 0; i < load->count; i++) {
		if (load->events[i].fault || load->events[i].action == TABLE_SKIP)
			continue;
		if (!table_has(ingest->table, ingest->position.epoch, &load->events[i], &has, err))
			return false;
		if (!has)
			others->events[others->count++] = load->events[i];
	}
	return true;
}

static bool begin_for_others(struct ingest *ingest, const struct load *others, struct error *err)
{
	if (!table_next_epoch(ingest->table, ingest->position.created, 0, &ingest->position, err))
		return false;
	tell(ingest,
		"stream %s lost its end and gave the same sequences to other events: %" PRId64
		" was stored before; begins epoch %" PRId64 " with it",
		ingest->config->stream, others->events[0].seq, ingest->position.epoch);
	return true;
}

bool place_store_others(struct ingest *ingest, struct error *err)
{
	struct load others = ingest->load;

	if (table_take_already(ingest->table) == 0)
		return true;
	others.events = memory_new(others.count * sizeof(*others.events));
	others.count = others.done = 0;
	bool ok = find_others(ingest, &others, err) &&
		(others.count == 0 ||
			(begin_for_others(ingest, &others, err) &&
				load_store(&others, ingest->table, &ingest->position, err)));
	ingest->load.arena = others.arena;
	ingest->load.quota = others.quota;
	free(others.events);
	return ok;
}
