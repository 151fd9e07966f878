/*
 * A replay: an outbox whose rows are history. Reading gives them their new subjects and ids; settling marks
 * nothing, but notes how far the run has come.
 */
#include "history/replay.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "history/place.h"
#include "relay/outbox_driver.h"
#include "relay/relay.h"

#define SAVE_MS	     250
#define AHEAD	     1000000 /* numbers: so far reading may go before it is noted */
#define OPEN_MAX     1000000 /* events that wait behind one that is not done */
#define TRIES	     5 /* of an event that the stream does not take */
#define BURST_PART   20 /* of a second's events */
#define PLACEHOLDER  "{subject}"
#define STREAMS_KEPT 1024

struct replay {
	struct outbox base;
	struct run *run;
	const struct replay_options *options;
	struct source source;
	struct place place;
	int64_t highest; /* that was read in this process */
	int64_t uncertain; /* up to here, events may have been published before they are read */
	bool exhausted;
	double tokens; /* of --rate: events that may be read now */
	int64_t tokens_ms, saved_ms;
	int64_t failed; /* the number of the event that was last not taken */
	int tries;
};

static struct replay *replay_of(struct outbox *outbox)
{
	return (struct replay *)outbox;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void destroy(struct outbox *outbox)
{
	place_finish(&replay_of(outbox)->place);
	free(replay_of(outbox));
}

static bool opened(struct outbox *outbox, struct error *err)
{
	return source_open(outbox->db, err);
}

static void closing(struct outbox *outbox)
{
	(void)outbox;
}

/* A new session, which reads again whatever is not done. */
static void rewound(struct outbox *outbox)
{
	struct replay *replay = replay_of(outbox);

	outbox->cursor = replay->run->at;
	replay->uncertain = larger(replay->run->ahead, replay->highest);
	replay->exhausted = false;
	place_clear(&replay->place);
}

/* Where nothing was published yet, nothing is to be looked up. */
static bool oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	const struct replay *replay = replay_of(outbox);

	(void)err;
	*created_ms = replay->uncertain == INT64_MIN ? INT64_MAX : replay->run->began_ms;
	return true;
}

static bool positions(struct outbox *outbox, struct arena *arena, struct position **list,
	size_t *count, struct error *err)
{
	const struct run *run = replay_of(outbox)->run;

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
	replay->base.done = true;
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

/* The subject goes in place of {subject}. */
static struct slice make_subject(const struct run *run, struct slice subject, struct arena *arena)
{
	const char *at = strstr(run->to, PLACEHOLDER);

	if (strcmp(run->to, PLACEHOLDER) == 0)
		return subject;
	size_t before = at ? (size_t)(at - run->to) : strlen(run->to);
	const char *after = at ? at + strlen(PLACEHOLDER) : "";
	size_t size = before + (at ? subject.size : 0) + strlen(after);
	char *text = arena_new(arena, size + 1);
	memcpy(text, run->to, before);
	if (at)
		memcpy(text + before, subject.data, subject.size);
	memcpy(text + size - strlen(after), after, strlen(after));
	return (struct slice){ text, size };
}

static struct slice make_id(const struct run *run, struct slice id, struct arena *arena)
{
	size_t suffix = strlen(run->name);
	char *text = arena_new(arena, id.size + 1 + suffix);

	memcpy(text, id.data, id.size);
	text[id.size] = '.';
	memcpy(text + id.size + 1, run->name, suffix);
	return (struct slice){ text, id.size + 1 + suffix };
}

/* Such a stream takes events from its relay alone. */
static bool check_subject(const struct replay *replay, struct slice subject, struct error *err)
{
	const struct config_list *closed = &replay->options->closed;

	for (size_t i = 0; i < closed->count; i++)
		if (event_subject_matches(closed->items[i], subject))
			return error_set(err, ERROR_USAGE,
				"'%.*s' goes into a stream that a relay with ordering: stream fills, which "
				"has to be its only publisher; publish into another stream with --to",
				(int)subject.size, subject.data);
	return true;
}

static bool make_rows(
	const struct replay *replay, struct batch *batch, enum row_source source, struct error *err)
{
	const struct run *run = replay->run;
	struct arena *arena = &batch->arena;

	for (size_t i = 0; i < batch->count; i++) {
		struct row *row = &batch->rows[i];
		row->event.id = make_id(run, row->event.id, arena);
		row->event.subject = make_subject(run, row->event.subject, arena);
		row->event.replay = slice_of(run->name);
		row->created_ms = run->began_ms;
		row->source = source;
		if (!check_subject(replay, row->event.subject, err))
			return false;
	}
	return true;
}

/* What was known when these events were read: their messages come behind it, unless there are some already. */
static void note_batch(struct replay *replay, const struct batch *batch)
{
	const struct run *run = replay->run;
	bool uncertain = batch->rows[0].id <= replay->uncertain;
	uint64_t known[STREAMS_KEPT];
	size_t count = run->stream_count < STREAMS_KEPT ? run->stream_count : STREAMS_KEPT;

	for (size_t i = 0; i < count; i++)
		known[i] = uncertain ? run->streams[i].seq : run->streams[i].newest;
	for (size_t i = 0; i < batch->count; i++)
		place_add(&replay->place, batch->rows[i].id);
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
	struct outbox *outbox = &replay->base;
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
	if (!make_rows(replay, *batch, ROW_NEW, err))
		return false;
	note_batch(replay, *batch);
	return note_ahead(replay, (*batch)->rows[(*batch)->count - 1].id, err);
}

static void keep_open(const struct replay *replay, struct batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (place_has(&replay->place, batch->rows[i].id))
			batch->rows[kept++] = batch->rows[i];
	batch->count = kept;
}

/* Events that were read and dropped, behind others of their key. */
static bool read_again(struct replay *replay, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct outbox *outbox = &replay->base;
	int64_t after = larger(outbox->sweep_at, replay->run->at);
	size_t found;

	for (;;) {
		if (!source_read(outbox->db, &replay->source, after, outbox->cursor, plan->limit,
			    plan->bytes, batch, err))
			return false;
		found = (*batch)->count;
		if (found > 0)
			after = (*batch)->rows[found - 1].id;
		keep_open(replay, *batch);
		if (found == 0 || (*batch)->count > 0)
			break;
		batch_destroy(*batch);
	}
	(*batch)->sweep_done = found == 0;
	return make_rows(replay, *batch, ROW_SWEEP, err);
}

static bool read_rows(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	struct replay *replay = replay_of(outbox);

	bool again = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP;

	*batch = NULL;
	bool ok = save_if_due(replay, err) &&
		(again ? read_again : read_new)(replay, plan, batch, err);
	if (!ok && *batch)
		batch_destroy(*batch);
	return ok;
}

static bool move_place(struct replay *replay, struct error *err)
{
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

/* The stream did not take it now: the session ends, and the next one tries again. */
static bool not_taken(struct replay *replay, const struct verdict *verdict, struct error *err)
{
	bool again = verdict->row->id == replay->failed;

	replay->failed = verdict->row->id;
	replay->tries = again ? replay->tries + 1 : 1;
	return error_set(err, replay->tries < TRIES ? ERROR_UNAVAILABLE : ERROR_REJECTED,
		"event %" PRId64 " (%.*s): %s", verdict->row->id,
		(int)verdict->row->event.subject.size, verdict->row->event.subject.data,
		verdict->error);
}

static bool settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err)
{
	struct replay *replay = replay_of(outbox);
	struct run_stream *stream =
		position ? run_stream(replay->run, position->stream, position->created) : NULL;
	const struct verdict *failed = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct verdict *verdict = verdicts[i];
		if (verdict->outcome == OUTCOME_RETRY)
			failed = verdict;
		else
			place_done(
				&replay->place, verdict->row->id, verdict->outcome == OUTCOME_DEAD);
		if (stream && verdict->seq > stream->newest)
			stream->newest = verdict->seq;
	}
	*changed = count;
	failpoint("replay.before_place");
	return move_place(replay, err) && (!failed || not_taken(replay, failed, err));
}

static bool wait_for_more(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct replay *replay = replay_of(outbox);
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	if (replay->run->rate > 0 && !replay->exhausted) {
		double until = (1 - replay->tokens) * 1000 / (double)replay->run->rate + 1;
		if (until < (double)ms)
			ms = until > 0 ? (int64_t)until : 0;
	}
	if (ms > SAVE_MS)
		ms = SAVE_MS;
	poll(&fd, 1, ms < 0 ? 0 : (int)ms);
	return save_if_due(replay, err);
}

static const struct outbox_driver driver = {
	.guest = true,
	.destroy = destroy,
	.oldest = oldest,
	.positions = positions,
	.opened = opened,
	.closing = closing,
	.rewound = rewound,
	.read = read_rows,
	.settle = settle,
	.wait = wait_for_more,
};

static struct outbox *make_outbox(struct run *run, const struct replay_options *options,
	const struct config_relay *relay, struct stop *stop, struct error *err)
{
	struct replay *replay = memory_new(sizeof(*replay));

	*replay = (struct replay){ .run = run,
		.options = options,
		.source = { run->kind, run->table, &run->filter },
		.highest = INT64_MIN,
		.tokens_ms = clock_now_ms() };
	if (outbox_init(&replay->base, &driver, relay, stop, err))
		return &replay->base;
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
	relay->retry.max_attempts = 0; /* tried as often as TRIES says */
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
