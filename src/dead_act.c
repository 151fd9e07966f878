/* Puts back what was given up on, or throws it away and writes that down. */
#include "dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "sink/table.h"

enum place_column { PLACE_ID, PLACE_FREE, PLACE_BEFORE };

/* The ids as a JSON array; of texts where they are an event's. */
static void list_ids(
	const struct dead *dead, const struct dead_item *items, size_t count, struct buf *list)
{
	const char *quote = dead->pile->is_sink ? "\"" : "";

	buf_add_char(list, '[');
	for (size_t i = 0; i < count; i++)
		buf_format(list, "%s%s%s%s", i ? "," : "", quote, items[i].id, quote);
	buf_add_char(list, ']');
}

static bool has_row(const struct db_rows *rows, const char *id, size_t *row)
{
	for (*row = 0; *row < rows->rows; ++*row)
		if (strcmp(db_cell(rows, *row, PLACE_ID), id) == 0)
			return true;
	return false;
}

static enum dead_result place_of(const struct db_rows *places, const char *id)
{
	size_t row;

	if (!has_row(places, id, &row))
		return DEAD_GONE;
	if (db_cell(places, row, PLACE_FREE)[0] == 't')
		return DEAD_PENDING;
	return db_cell(places, row, PLACE_BEFORE)[0] == 't' ? DEAD_PENDING_BEFORE
							    : DEAD_PENDING_NEXT;
}

/* PostgreSQL only: in SQLite the relay sees every commit. */
static bool ring(struct dead *dead, struct error *err)
{
	char *quoted = db_quote_table(dead->pile->table, err);
	const char *parameters[] = { quoted };
	bool ok = quoted &&
		(db_kind(dead->db) == DB_SQLITE ||
			db_run(dead->db, SQL_DEAD_RING, NULL, parameters, 1, NULL, NULL, err));

	free(quoted);
	return ok;
}

struct put_back {
	const char *ids; /* JSON */
	bool dry;
	struct arena arena;
	struct db_rows changed, places;
};

static bool put_back(struct dead *dead, struct put_back *work, struct error *err)
{
	const struct dead_pile *pile = dead->pile;
	const char *parameters[] = { work->ids, pile->total_order ? "t" : "f" };

	if (!work->dry &&
		!(db_run(dead->db, SQL_DEAD_RETRY, pile->table, parameters, 1, &work->arena,
			  &work->changed, err) &&
			ring(dead, err)))
		return false;
	return db_run(dead->db, SQL_DEAD_PLACES, pile->table, parameters, 2, &work->arena,
		&work->places, err);
}

bool dead_retry_rows(struct dead *dead, const struct dead_item *items, size_t count, bool dry,
	enum dead_result *results, struct error *err)
{
	struct buf ids = { 0 };
	size_t row;

	list_ids(dead, items, count, &ids);
	struct put_back work = { .ids = ids.data, .dry = dry };
	arena_init(&work.arena);
	bool ok = db_begin(dead->db, err) && put_back(dead, &work, err) && db_commit(dead->db, err);
	if (!ok)
		db_rollback(dead->db);
	for (size_t i = 0; ok && i < count; i++)
		results[i] = dry || has_row(&work.changed, items[i].id, &row)
			? place_of(&work.places, items[i].id)
			: DEAD_GONE;
	arena_finish(&work.arena);
	buf_finish(&ids);
	return ok;
}

/* The table of the stream that an event is of, which may be another than the sink's today. */
static bool open_table(struct dead *dead, const char *stream, struct error *err)
{
	if (dead->table && strcmp(dead->sink.stream, stream) == 0)
		return true;
	table_destroy(dead->table);
	dead->sink = *dead->pile->sink;
	dead->sink.stream = dead->stream;
	snprintf(dead->stream, sizeof(dead->stream), "%s", stream);
	dead->table = table_create(&dead->sink, dead->stop, err);
	return dead->table && table_open(dead->table, err);
}

static struct table_event event_of(const struct dead_item *item, int64_t seq)
{
	return (struct table_event){ .event = { .id = slice_of(item->event_id),
					     .subject = slice_of(item->subject),
					     .key = slice_of(item->key),
					     .headers = slice_of(item->headers),
					     .payload = item->payload },
		.seq = seq,
		.time_ns = item->published_us * 1000 };
}

bool dead_retry_event(struct dead *dead, const struct dead_item *item, enum dead_result *result,
	struct error *why, struct error *err)
{
	char stream[256];
	int64_t epoch, seq;

	if (!dead->pile->sink)
		return error_set(err, ERROR_USAGE,
			"%s: how a sink stores its events stands in its config; use -c FILE, or name "
			"its archive with --table",
			dead->pile->name);
	if (sscanf(item->id, "%255[^/]/%" SCNd64 "/%" SCNd64, stream, &epoch, &seq) != 3)
		return error_set(err, ERROR_INTERNAL, "%.80s is no id of an event", item->id);
	if (!open_table(dead, stream, err))
		return false;
	const struct table_event event = event_of(item, seq);
	*result = DEAD_STORED;
	if (table_store_again(dead->table, epoch, &event, why))
		return true;
	*result = why->kind == ERROR_CONFLICT ? DEAD_GONE : DEAD_REFUSED;
	if (why->kind == ERROR_CONFLICT || why->kind == ERROR_REJECTED)
		return true;
	*err = *why;
	return false;
}

static bool discard(
	struct dead *dead, const char *const parameters[5], int64_t *discarded, struct error *err)
{
	const struct dead_pile *pile = dead->pile;
	const char *ids[] = { parameters[0], pile->name };
	struct arena arena;
	struct db_rows rows = { 0 };

	arena_init(&arena);
	bool ok = db_begin(dead->db, err) &&
		(pile->is_sink ? db_run(dead->db, SQL_DEAD_TRAIL_EVENTS, NULL, parameters, 5, NULL,
					 NULL, err) &&
					db_run(dead->db, SQL_DEAD_DELETE_EVENTS, NULL, ids, 2,
						&arena, &rows, err)
			       : db_run(dead->db, SQL_DEAD_TRAIL_ROWS, pile->table, parameters, 4,
					 NULL, NULL, err) &&
					db_run(dead->db, SQL_DEAD_DELETE_ROWS, pile->table, ids, 1,
						&arena, &rows, err)) &&
		db_commit(dead->db, err);
	if (!ok)
		db_rollback(dead->db);
	*discarded = ok ? rows.changed : 0;
	arena_finish(&arena);
	return ok;
}

bool dead_discard(struct dead *dead, const struct dead_item *items, size_t count, const char *by,
	const char *reason, int64_t *discarded, struct error *err)
{
	const struct dead_pile *pile = dead->pile;
	char *source = memory_format("%s:%s", pile->is_sink ? "sink" : "outbox",
		pile->is_sink ? pile->name : pile->table);
	struct buf ids = { 0 };

	list_ids(dead, items, count, &ids);
	const char *parameters[] = { ids.data, source, by, reason, pile->name };
	bool ok = discard(dead, parameters, discarded, err);
	buf_finish(&ids);
	free(source);
	return ok;
}
