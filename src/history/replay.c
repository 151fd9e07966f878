/*
 * A replay: an outbox whose rows are history. Reading gives them their new subjects and ids; settling marks
 * nothing, but notes how far the run has come.
 */
#include "history/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "history/guest.h"
#include "history/place.h"
#include "history/rename.h"
#include "history/source.h"
#include "relay/relay.h"

#define SAVE_MS	     250
#define AHEAD	     1000000 /* numbers: so far reading may go before it is noted */
#define OPEN_MAX     1000000 /* events that wait behind one that is not done */
#define BURST_PART   20 /* of a second's events */
#define STREAMS_KEPT 1024

struct replay {
	struct guest guest;
	struct run *run;
	const struct replay_options *options;
	struct source source;
	struct rename rename;
	struct place place;
	int64_t highest; /* that was read in this process */
	int64_t uncertain; /* up to here, events may have been published before they are read */
	bool exhausted;
	double tokens; /* of --rate: events that may be read now */
	int64_t tokens_ms, saved_ms;
};

static struct replay *replay_of(const struct guest *guest)
{
	return (struct replay *)(uintptr_t)guest;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void finish(struct guest *guest)
{
	place_finish(&replay_of(guest)->place);
	free(replay_of(guest));
}

static void begin(struct guest *guest)
{
	struct replay *replay = replay_of(guest);

	guest->base.cursor = replay->run->at;
	replay->uncertain = larger(replay->run->ahead, replay->highest);
	replay->exhausted = false;
	place_clear(&replay->place);
}

static bool uncertain(const struct guest *guest)
{
	return replay_of(guest)->uncertain > INT64_MIN;
}

static bool positions(struct outbox *outbox, struct arena *arena, struct position **list,
	size_t *count, struct error *err)
{
	const struct run *run = replay_of((struct guest *)outbox)->run;

	(void)err;
	*count = 0;
	*list = arena_new(arena, (run->stream_count + 1) * sizeof(**list));
	for (size_t i = 0; i < run->stream_count; i++) {
		struct position *position = &(*list)[*count];
		if (run->streams[i].seq == 0)
			continue;
		*position = (struct position){ .seq = run->streams[i].seq };
		snprintf(position->stream, sizeof(position->stream), "%s", run->streams[i].name);
		snprintf(position->created, sizeof(position->created), "%s",
			run->streams[i].created);
		++*count;
	}
	return true;
}

static bool save(struct replay *replay, struct error *err)
{
	replay->saved_ms = clock_now_ms();
	return run_save(replay->run, err);
}

static bool save_if_due(struct replay *replay, struct error *err)
{
	if (clock_now_ms() - replay->saved_ms < SAVE_MS)
		return true;
	if (replay->options->progress)
		replay->options->progress(replay->options->context, replay->run);
	return save(replay, err);
}

static bool finish_if_done(struct replay *replay, struct error *err)
{
	if (!replay->exhausted || place_open(&replay->place) > 0)
		return true;
	replay->run->complete = true;
	replay->guest.base.done = true;
	return save(replay, err);
}

/* How many events --rate allows now. */
static size_t allowed(struct replay *replay, size_t limit)
{
	int64_t now = clock_now_ms();
	double rate = (double)replay->run->rate, most = rate / BURST_PART + 1;

	if (replay->run->rate == 0)
		return limit;
	replay->tokens += rate * (double)(now - replay->tokens_ms) / 1000;
	replay->tokens_ms = now;
	if (replay->tokens > most)
		replay->tokens = most;
	return replay->tokens < (double)limit ? (size_t)replay->tokens : limit;
}

/* What was known when these events were read: their messages come behind it, unless there are some already. */
static void note_batch(struct replay *replay, const struct batch *batch)
{
	const struct run *run = replay->run;
	bool uncertain = batch->rows[0]->id <= replay->uncertain;
	uint64_t known[STREAMS_KEPT];
	size_t count = run->stream_count < STREAMS_KEPT ? run->stream_count : STREAMS_KEPT;

	for (size_t i = 0; i < count; i++)
		known[i] = uncertain ? run->streams[i].seq : run->streams[i].newest;
	for (size_t i = 0; i < batch->count; i++)
		place_add(&replay->place, batch->rows[i]->id);
	place_read(&replay->place, known, count);
}

/* Before an event may be published the file has to know that it may be. */
static bool note_ahead(struct replay *replay, int64_t number, struct error *err)
{
	struct run *run = replay->run;

	replay->highest = larger(replay->highest, number);
	if (number <= run->ahead)
		return true;
	run->ahead = number > INT64_MAX - AHEAD ? INT64_MAX : number + AHEAD;
	return save(replay, err);
}

static bool read_new(struct replay *replay, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox *outbox = &replay->guest.base;
	size_t limit = allowed(replay, plan->limit);

	if (replay->exhausted || limit == 0 || place_open(&replay->place) >= OPEN_MAX) {
		*batch = batch_create(0);
		(*batch)->caught_up = true; /* for now */
		return finish_if_done(replay, err);
	}
	if (!source_read(outbox->db, &replay->source, outbox->cursor, replay->run->until, limit,
		    plan->bytes, batch, err))
		return false;
	replay->exhausted = (*batch)->count == 0;
	(*batch)->caught_up = replay->exhausted;
	if (replay->exhausted)
		return finish_if_done(replay, err);
	replay->tokens -= (double)(*batch)->count;
	if (!rename_rows(&replay->rename, *batch, err))
		return false;
	note_batch(replay, *batch);
	return note_ahead(replay, (*batch)->rows[(*batch)->count - 1]->id, err);
}

static bool is_open(const struct row *row, const void *place)
{
	return place_has(place, row->id);
}

/* Events that were read and dropped, behind others of their key. */
static bool read_again(struct replay *replay, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox *outbox = &replay->guest.base;
	int64_t after = larger(outbox->sweep_at, replay->run->at);
	size_t found;

	for (;;) {
		if (!source_read(outbox->db, &replay->source, after, outbox->cursor, plan->limit,
			    plan->bytes, batch, err))
			return false;
		found = (*batch)->count;
		if (found > 0)
			after = (*batch)->rows[found - 1]->id;
		batch_filter(*batch, is_open, &replay->place);
		if (found == 0 || (*batch)->count > 0)
			break;
		batch_destroy(*batch);
	}
	(*batch)->sweep_done = found == 0;
	return rename_rows(&replay->rename, *batch, err);
}

static bool read_rows(struct guest *guest, const struct read_plan *plan, bool again,
	struct batch **batch, struct error *err)
{
	struct replay *replay = replay_of(guest);

	return save_if_due(replay, err) &&
		(again ? read_again : read_new)(replay, plan, batch, err);
}

static bool go_on(struct guest *guest, struct error *err)
{
	struct replay *replay = replay_of(guest);
	struct run *run = replay->run;
	struct place_entry entry;

	while (place_next(&replay->place, &entry)) {
		run->at = entry.number;
		run->done++;
		run->refused += entry.refused;
	}
	const struct place_span *span = place_span(&replay->place);
	for (size_t i = 0; i < run->stream_count; i++) {
		struct run_stream *stream = &run->streams[i];
		if (span)
			stream->seq = i < span->count ? span->known[i] : 0;
		else if (run->at >= replay->uncertain)
			stream->seq = stream->newest;
	}
	return save_if_due(replay, err) && finish_if_done(replay, err);
}

static void close_event(
	struct guest *guest, const struct verdict *verdict, const struct position *position)
{
	struct replay *replay = replay_of(guest);

	place_done(&replay->place, verdict->row->id, verdict->outcome == OUTCOME_DEAD);
	if (!position)
		return;
	struct run_stream *stream = run_stream(replay->run, position->stream, position->created);
	if (verdict->seq > stream->newest)
		stream->newest = verdict->seq;
}

static int64_t number(const struct guest *guest, int64_t id)
{
	(void)guest;
	return id;
}

/* Until --rate allows the next event. */
static int64_t longest_wait_ms(const struct guest *guest)
{
	const struct replay *replay = replay_of(guest);
	double until = SAVE_MS;

	if (replay->run->rate > 0 && !replay->exhausted)
		until = (1 - replay->tokens) * 1000 / (double)replay->run->rate + 1;
	return until < SAVE_MS ? (int64_t)until : SAVE_MS;
}

static const struct guest_work work = {
	.noun = "event",
	.finish = finish,
	.begin = begin,
	.uncertain = uncertain,
	.positions = positions,
	.read = read_rows,
	.close = close_event,
	.go_on = go_on,
	.number = number,
	.longest_wait_ms = longest_wait_ms,
};

static struct outbox *make_outbox(struct run *run, const struct replay_options *options,
	const struct config_relay *relay, struct stop *stop, struct error *err)
{
	struct replay *replay = memory_new(sizeof(*replay));

	*replay = (struct replay){ .run = run,
		.options = options,
		.source = { run->kind, run->table, &run->filter },
		.rename = { run->name, run->to, &options->closed },
		.highest = INT64_MIN,
		.tokens_ms = clock_now_ms() };
	if (guest_init(&replay->guest, &work, relay, stop, run->began_ms, err))
		return &replay->guest.base;
	free(replay);
	return NULL;
}

/* A relay that exists for this run alone; belongs to the config. */
static const struct config_relay *make_relay(
	struct config *config, const struct run *run, const struct replay_options *options)
{
	struct config_relay *relay = config_add_relay(config, run->name, options->database);
	const struct config_relay *like = options->like;

	relay->stream = memory_text(run->stream);
	relay->retry.max_attempts = 0; /* the guest counts how often */
	if (like) {
		relay->batch = like->batch;
		relay->max_in_flight = like->max_in_flight;
		relay->max_in_flight_bytes = like->max_in_flight_bytes;
	}
	return relay;
}

bool replay_run(
	struct run *run, const struct replay_options *options, struct stop *stop, struct error *err)
{
	struct config *own = config_default();
	const struct config_relay *relay = make_relay(own, run, options);
	struct outbox *outbox = make_outbox(run, options, relay, stop, err);

	bool ok = relay_run_outbox(options->config, relay, outbox, NULL, stop, err);
	config_destroy(own);
	return run_save(run, ok ? err : NULL) && ok;
}
