/*
 * The walk along one stream: rows in the order of their sequences on one side, messages on the other. A row
 * whose message is not there is a suspect until the stream was read once more for its id, since a message may
 * stand elsewhere: a heal puts it at the end. Suspects are dealt with a few at a time.
 */
#include "history/audit_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"

#define SUSPECTS_MAX   200000
#define PROGRESS_EVERY 4096
#define DAY_MS	       ((int64_t)24 * 3600 * 1000) /* how far two clocks may differ */

struct walk {
	struct audit *audit;
	struct stream_info info;
	const char *erases;
	int64_t created_ms;
	struct audit_result result;
	struct audit_reader reader;
};

const char *const audit_class_names[AUDIT_CLASSES] = { "present", "expired", "former", "missing",
	"unmarked" };

static void tell(
	struct walk *walk, enum audit_class class, int64_t id, const char *event_id, uint64_t seq)
{
	const struct audit_options *options = walk->audit->options;
	const struct audit_row row = { walk->result.stream, event_id, id, seq, class };

	walk->result.counts[class]++;
	if (options->row)
		options->row(options->context, &row);
}

/* What can be said without a look at the rest of the stream; AUDIT_MISSING: that is needed. */
static enum audit_class first_guess(const struct walk *walk, uint64_t seq, int64_t delivered_ms)
{
	const struct stream_info *info = &walk->info;

	if (delivered_ms < walk->created_ms)
		return AUDIT_FORMER;
	if (seq < info->first_seq || walk->erases)
		return AUDIT_EXPIRED;
	if (info->max_age_ns > 0 && delivered_ms + info->max_age_ns / 1000000 < clock_wall_ms())
		return AUDIT_EXPIRED;
	return AUDIT_MISSING;
}

static void suspect(struct walk *walk, const struct marked_row *row)
{
	struct audit_suspects *suspects = &walk->audit->suspects;
	uint64_t hash = hash_slice(row->event_id), before;

	if (suspects->count == suspects->room) {
		suspects->room = suspects->room ? suspects->room * 2 : 1024;
		suspects->items =
			memory_grow(suspects->items, suspects->room * sizeof(*suspects->items));
	}
	suspects->items[suspects->count] = (struct audit_suspect){ .id = row->id,
		.seq = row->seq,
		.delivered_ms = row->delivered_ms,
		.event_id = arena_copy(&suspects->arena, row->event_id.data, row->event_id.size),
		.same = map_get(&suspects->ids, hash, &before) ? before : SIZE_MAX };
	map_put(&suspects->ids, hash, suspects->count++);
}

static void forget_suspects(struct audit_suspects *suspects)
{
	map_finish(&suspects->ids);
	arena_reset(&suspects->arena);
	suspects->count = 0;
}

static void find_suspects(struct audit_suspects *suspects, const struct pull_message *message)
{
	uint64_t at;

	if (!message->id.data || !map_get(&suspects->ids, hash_slice(message->id), &at))
		return;
	for (size_t i = at; i != SIZE_MAX; i = suspects->items[i].same)
		if (slice_is(message->id, suspects->items[i].event_id))
			suspects->items[i].found = message->seq;
}

/* Reads the stream for the ids of the suspects. */
static bool look_elsewhere(struct walk *walk, struct error *err)
{
	struct audit_suspects *suspects = &walk->audit->suspects;
	struct audit_reader reader;
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < suspects->count; i++)
		if (suspects->items[i].delivered_ms < oldest)
			oldest = suspects->items[i].delivered_ms;
	bool ok = audit_read(&reader, walk->audit, walk->result.stream, 0, oldest - DAY_MS, err) &&
		audit_read_next(&reader, err);
	while (ok && reader.has) {
		find_suspects(suspects, &reader.message);
		ok = audit_read_next(&reader, err);
	}
	audit_read_end(&reader);
	return ok;
}

/* The stream may have cut off more meanwhile, or be another one. */
static bool look_again(struct walk *walk, struct error *err)
{
	struct stream_info now;

	if (!stream_get_info(walk->audit->link, walk->result.stream, &now, NULL, err))
		return false;
	bool same = strcmp(now.created, walk->info.created) == 0;
	walk->info.first_seq = now.first_seq;
	stream_info_finish(&now);
	return same ||
		error_set(err, ERROR_UNAVAILABLE, "stream %s was made anew meanwhile",
			walk->result.stream);
}

/* Leaves those that are missing. */
static void sort_suspects(struct walk *walk)
{
	struct audit_suspects *suspects = &walk->audit->suspects;

	for (size_t i = 0; i < suspects->count; i++) {
		struct audit_suspect *one = &suspects->items[i];
		if (one->found) {
			walk->result.counts[AUDIT_PRESENT]++;
			walk->result.moved++;
		} else {
			enum audit_class class = first_guess(walk, one->seq, one->delivered_ms);
			tell(walk, class, one->id, one->event_id, one->seq);
			if (class != AUDIT_MISSING)
				one->found = UINT64_MAX; /* nothing to heal */
		}
	}
}

static bool deal_with_suspects(struct walk *walk, struct error *err)
{
	struct audit *audit = walk->audit;
	int64_t healed = 0;

	if (audit->suspects.count == 0)
		return true;
	if (!look_elsewhere(walk, err) || !look_again(walk, err))
		return false;
	sort_suspects(walk);
	bool ok = !audit->options->heal ||
		(audit_note_found(audit, walk->result.stream, err) &&
			audit_heal(audit, walk->result.stream, &healed, err));
	walk->result.healed += healed;
	forget_suspects(&audit->suspects);
	return ok;
}

static void note_unmarked(struct audit *audit, const struct pull_message *message)
{
	uint64_t at;

	if (audit->unmarked_count == 0 || !message->id.data ||
		!map_get(&audit->unmarked_ids, hash_slice(message->id), &at))
		return;
	if (slice_is(message->id, audit->unmarked[at].event_id))
		audit->unmarked[at].found = message->seq;
}

static bool read_on(struct walk *walk, struct error *err)
{
	if (!audit_read_next(&walk->reader, err))
		return false;
	if (walk->reader.has)
		note_unmarked(walk->audit, &walk->reader.message);
	return true;
}

/* The message that the row names, or the first behind it. */
static bool catch_up(struct walk *walk, uint64_t seq, struct error *err)
{
	const struct audit_reader *reader = &walk->reader;

	while (reader->at < reader->last && (!reader->has || reader->message.seq < seq))
		if (!read_on(walk, err))
			return false;
	return true;
}

static bool compare(struct walk *walk, const struct marked_row *row, struct error *err)
{
	const struct audit_reader *reader = &walk->reader;

	if (!catch_up(walk, row->seq, err))
		return false;
	if (reader->has && reader->message.seq == row->seq &&
		slice_equal(reader->message.id, row->event_id)) {
		walk->result.counts[AUDIT_PRESENT]++;
		return true;
	}
	enum audit_class class = first_guess(walk, row->seq, row->delivered_ms);
	if (class == AUDIT_MISSING) {
		suspect(walk, row);
		return walk->audit->suspects.count < SUSPECTS_MAX || deal_with_suspects(walk, err);
	}
	char *event_id = memory_copy(row->event_id.data, row->event_id.size);
	tell(walk, class, row->id, event_id, row->seq);
	free(event_id);
	return true;
}

static void progress(struct audit *audit)
{
	const struct audit_options *options = audit->options;

	if (options->progress && ++audit->done % PROGRESS_EVERY == 0)
		options->progress(options->context, audit->done, audit->total);
}

/* A stream is read from the first row's message on. */
static bool begin_at(struct walk *walk, uint64_t seq, struct error *err)
{
	uint64_t first = walk->info.first_seq ? walk->info.first_seq : 1;

	return audit_read(
		&walk->reader, walk->audit, walk->result.stream, seq > first ? seq : first, 0, err);
}

static bool walk_rows(struct walk *walk, struct marked *marked, struct error *err)
{
	struct marked_row row;
	bool begun = false;

	while (marked_next(marked, &row, err)) {
		if (!begun && !begin_at(walk, row.seq, err))
			return false;
		begun = true;
		walk->result.rows++;
		if (!compare(walk, &row, err) || !audit_keep(walk->audit, err))
			return false;
		progress(walk->audit);
	}
	if (err->kind != ERROR_NONE || (!begun && !begin_at(walk, 0, err)))
		return false;
	while (walk->audit->unmarked_count > 0 && walk->reader.at < walk->reader.last)
		if (!read_on(walk, err))
			return false;
	return deal_with_suspects(walk, err);
}

static bool walk_stream(struct walk *walk, struct error *err)
{
	const struct audit_options *options = walk->audit->options;
	const struct marked_scope scope = { options->relay->table, walk->result.stream,
		options->from_id, options->since };
	struct marked *marked = marked_open(walk->audit->db, &scope, err);

	/* The rows are older than the end of the stream that is read up to. */
	bool ok = marked && walk_rows(walk, marked, err);
	audit_read_end(&walk->reader);
	marked_close(marked);
	return ok;
}

/* There is no such stream: all that went into it is gone with it. */
static bool walk_nothing(struct walk *walk, struct error *err)
{
	walk->created_ms = INT64_MAX;
	const struct audit_options *options = walk->audit->options;
	const struct marked_scope scope = { options->relay->table, walk->result.stream,
		options->from_id, options->since };
	struct marked *marked = marked_open(walk->audit->db, &scope, err);
	struct marked_row row;

	while (marked && marked_next(marked, &row, err)) {
		char *event_id = memory_copy(row.event_id.data, row.event_id.size);
		walk->result.rows++;
		tell(walk, AUDIT_FORMER, row.id, event_id, row.seq);
		free(event_id);
	}
	marked_close(marked);
	return marked && err->kind == ERROR_NONE;
}

static void add_ids(const struct audit *audit, struct buf *json)
{
	buf_add_char(json, '[');
	for (size_t i = 0; i < audit->unmarked_count; i++)
		if (audit->unmarked[i].found)
			buf_format(json, "%s%lld", json->size > 1 ? "," : "",
				(long long)audit->unmarked[i].id);
	buf_add_char(json, ']');
}

/* What a relay has sent just now is marked a moment later: those are asked for once more. */
static bool tell_unmarked(struct walk *walk, struct error *err)
{
	struct audit *audit = walk->audit;
	struct map still = { 0 };
	struct buf json = { 0 };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	add_ids(audit, &json);
	const char *parameter = json.data;
	bool ok = db_run(audit->db, SQL_AUDIT_STILL, audit->options->relay->table, &parameter, 1,
		&arena, &rows, err);
	for (size_t i = 0; ok && i < rows.rows; i++)
		map_put(&still, (uint64_t)atoll(db_cell(&rows, i, 0)), 1);
	for (size_t i = 0; ok && i < audit->unmarked_count; i++) {
		struct audit_unmarked *one = &audit->unmarked[i];
		uint64_t there;
		if (one->found && map_get(&still, (uint64_t)one->id, &there))
			tell(walk, AUDIT_UNMARKED, one->id, one->event_id, one->found);
		one->found = 0;
	}
	map_finish(&still);
	buf_finish(&json);
	arena_finish(&arena);
	return ok;
}

static bool check_healing(const struct walk *walk, struct error *err)
{
	const struct audit_options *options = walk->audit->options;
	bool ordered = options->relay->ordering == ORDERING_STREAM;

	if (!options->heal)
		return true;
	if (walk->erases)
		return error_set(err, ERROR_USAGE,
			"stream %s erases by itself: %s; what is gone there cannot be told from what "
			"was lost, and would come back as the newest: nothing is healed",
			walk->result.stream, walk->erases);
	if (!ordered && !stream_is_ordered(walk->audit->link, walk->result.stream, &ordered, err))
		return false;
	return !ordered ||
		error_set(err, ERROR_USAGE,
			"stream %s is filled by a relay with ordering: stream, which has to be its "
			"only publisher: nothing is healed",
			walk->result.stream);
}

bool audit_stream(struct audit *audit, const char *stream, struct error *err)
{
	struct walk walk = { .audit = audit, .result = { .stream = stream } };
	const struct audit_options *options = audit->options;
	bool missing;

	bool there = stream_get_info(audit->link, stream, &walk.info, &missing, err);
	if (!there && !missing)
		return false;
	walk.erases = there ? stream_erases(&walk.info) : NULL;
	walk.created_ms = clock_parse(walk.info.created);
	walk.result.endless = there && walk.info.max_age_ns <= 0 && walk.info.max_msgs <= 0 &&
		walk.info.max_bytes <= 0;
	bool ok = there
		? check_healing(&walk, err) && walk_stream(&walk, err) && tell_unmarked(&walk, err)
		: walk_nothing(&walk, err);
	stream_info_finish(&walk.info);
	audit->missing += walk.result.counts[AUDIT_MISSING] - walk.result.healed;
	if (ok && options->result)
		options->result(options->context, &walk.result);
	return ok;
}
