/* The streams of a session. */
#include "relay/streams.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#define REFUSED_FOR_MS 1000

void streams_init(
	struct streams *streams, struct link *link, const char *only, enum streams_manner manner)
{
	*streams = (struct streams){ .link = link, .only = only, .manner = manner };
}

void streams_finish(struct streams *streams)
{
	for (size_t i = 0; i < streams->count; i++) {
		struct config_list *subjects = &streams->items[i].subjects;
		for (size_t j = 0; j < subjects->count; j++)
			free(subjects->items[j]);
		free(subjects->items);
	}
	free(streams->items);
	map_finish(&streams->refused);
	*streams = (struct streams){ 0 };
}

bool streams_check(const struct stream_info *info, bool alone, struct error *err)
{
	const char *why = NULL;

	if (info->no_ack)
		why = "it never acknowledges (no_ack)";
	else if (info->sealed)
		why = "it is sealed and takes nothing";
	else if (info->mirror)
		why = "it is a mirror; relay into its source";
	else if (info->async_persist)
		why = "it acknowledges before it writes (persist_mode async)";
	else if (info->retention == STREAM_INTEREST && info->consumers == 0)
		why = "it has interest retention and no consumer, so it acknowledges and stores nothing";
	else if (alone && info->retention != STREAM_LIMITS)
		why = "ordering: stream needs limits retention, so that what it holds can be looked up";
	else if (alone && info->sources)
		why = "ordering: stream needs it alone, and it takes messages of other streams (sources)";
	if (!why)
		return true;
	return error_set(
		err, ERROR_SCHEMA, "stream %s cannot be relayed into: %s", info->name, why);
}

/* A message of a guest would break the chain of expected sequences that a relay sends. */
static bool check_guest(struct streams *streams, const char *name, struct error *err)
{
	bool ordered = false;

	if (streams->manner != STREAMS_GUEST)
		return true;
	if (!stream_is_ordered(streams->link, name, &ordered, err))
		return error_prefix(err, "stream %s", name);
	return !ordered ||
		error_set(err, ERROR_USAGE,
			"stream %s is filled by a relay with ordering: stream, which has to be its only "
			"publisher; publish into another stream",
			name);
}

bool streams_add(
	struct streams *streams, const char *name, size_t *index, bool *missing, struct error *err)
{
	struct stream_info info;

	if (!stream_get_info(streams->link, name, &info, missing, err)) {
		if (*missing) /* it may come yet */
			err->kind = ERROR_UNAVAILABLE;
		return false;
	}
	if (!streams_check(&info, streams->manner == STREAMS_ALONE, err) ||
		!check_guest(streams, name, err)) {
		stream_info_finish(&info);
		return false;
	}
	streams->items =
		memory_grow(streams->items, (streams->count + 1) * sizeof(*streams->items));
	struct known_stream *stream = &streams->items[streams->count];
	*stream = (struct known_stream){ .subjects = info.subjects,
		.acked = info.last_seq,
		.duplicate_window_ms = info.duplicate_window_ns / 1000000 };
	snprintf(stream->position.stream, sizeof(stream->position.stream), "%s", name);
	snprintf(stream->position.created, sizeof(stream->position.created), "%s", info.created);
	stream->position.seq = info.last_seq;
	info.subjects = (struct config_list){ 0 };
	stream_info_finish(&info);
	*index = streams->count++;
	return true;
}

bool streams_meet(
	struct streams *streams, const char *name, size_t *index, bool *missing, struct error *err)
{
	if (!streams_add(streams, name, index, missing, err))
		return false;
	streams->items[*index].position.seq = 0;
	streams->items[*index].unsure_until = INT64_MAX;
	return true;
}

size_t streams_find(const struct streams *streams, const char *name)
{
	for (size_t i = 0; i < streams->count; i++)
		if (strcmp(streams->items[i].position.stream, name) == 0)
			return i;
	return STREAMS_NONE;
}

static size_t match(const struct streams *streams, struct slice subject)
{
	for (size_t i = 0; i < streams->count; i++)
		for (size_t j = 0; j < streams->items[i].subjects.count; j++)
			if (event_subject_matches(streams->items[i].subjects.items[j], subject))
				return i;
	return STREAMS_NONE;
}

static bool refused_lately(struct streams *streams, struct slice subject)
{
	uint64_t when;

	return map_get(&streams->refused, hash_slice(subject), &when) &&
		(int64_t)when + REFUSED_FOR_MS > clock_now_ms();
}

static bool ask(struct streams *streams, struct slice subject, char name[256], struct error *err)
{
	name[0] = '\0';
	if (refused_lately(streams, subject))
		return true;
	if (!stream_for_subject(streams->link, subject, name, err))
		return false;
	if (!name[0]) {
		if (streams->refused.count > 4096)
			map_finish(&streams->refused);
		map_put(&streams->refused, hash_slice(subject), (uint64_t)clock_now_ms());
	}
	return true;
}

bool streams_anyone(struct streams *streams, struct slice subject, bool *taken, struct error *err)
{
	char name[256];

	if (!ask(streams, subject, name, err))
		return false;
	*taken = name[0] != '\0';
	return true;
}

bool streams_for(struct streams *streams, struct slice subject, size_t *index, bool *fresh,
	struct error *err)
{
	char name[256];
	bool missing;

	*fresh = false;
	*index = streams->only ? 0 : match(streams, subject);
	if (*index != STREAMS_NONE)
		return true;
	if (!ask(streams, subject, name, err))
		return false;
	*index = streams_find(streams, name); /* its subjects may have changed */
	if (!name[0] || *index != STREAMS_NONE)
		return true;
	*fresh = true;
	return streams_meet(streams, name, index, &missing, err);
}
