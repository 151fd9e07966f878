/* Reads what was given up on, page by page, and lets through what a filter asks for. */
#include "dead.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/memory.h"
#include "cmd_common.h"
#include "event.h"
#include "sink/table.h"

#define NUMBER 24

enum column {
	COLUMN_ID,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_ATTEMPTS,
	COLUMN_SINCE,
	COLUMN_AGE,
	COLUMN_ERROR,
	COLUMN_SIZE,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD,
	COLUMN_PUBLISHED,
};

/* Where a page begins: behind this id. Zeroed: at the first. */
struct place {
	char id[NUMBER]; /* of a row */
	char stream[256], epoch[NUMBER], seq[NUMBER]; /* of an event */
};

bool dead_open(
	struct dead *dead, const struct dead_pile *pile, struct stop *stop, struct error *err)
{
	*dead = (struct dead){ 0 };
	if (pile->borrowed)
		return error_set(err, ERROR_USAGE,
			"%s: dray dead does not reach into a table that Dray did not make; what was "
			"given up on stands in dray.borrowed_row, in SQLite dray_borrowed_row",
			pile->name);
	*dead = (struct dead){
		.pile = pile, .stop = stop, .db = cmd_open_until(pile->database, stop, err)
	};
	return dead->db &&
		migrate_check(
			dead->db, pile->is_sink ? MIGRATE_CORE : MIGRATE_OUTBOX, pile->table, err);
}

void dead_close(struct dead *dead)
{
	table_destroy(dead->table);
	db_destroy(dead->db);
	*dead = (struct dead){ 0 };
}

static bool parse_number(const char *text, int64_t *number)
{
	char *end;

	*number = strtoll(text, &end, 10);
	return *text && strspn(text, "-0123456789") == strlen(text) && !*end;
}

/* The place of an id, or the one just before it. False: there can be no such id here. */
static bool place_of(const struct dead *dead, const char *id, bool before, struct place *place)
{
	const char *slash = strchr(id, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
	int64_t number, epoch;

	*place = (struct place){ 0 };
	if (!dead->pile->is_sink) {
		if (!parse_number(id, &number))
			return false;
		snprintf(place->id, NUMBER, "%" PRId64, number - (before && number > INT64_MIN));
		return true;
	}
	if (!second || slash == id || (size_t)(slash - id) >= sizeof(place->stream) ||
		!parse_number(second + 1, &number))
		return false;
	snprintf(place->stream, sizeof(place->stream), "%.*s", (int)(slash - id), id);
	snprintf(place->epoch, NUMBER, "%.*s", (int)(second - slash - 1), slash + 1);
	snprintf(place->seq, NUMBER, "%" PRId64, number - before);
	return parse_number(place->epoch, &epoch);
}

static bool read_page(struct dead *dead, const struct place *place, const char *limit,
	int64_t payload, struct arena *arena, struct db_rows *rows, struct error *err)
{
	const struct dead_pile *pile = dead->pile;
	char number[NUMBER];
	const char *bytes = payload > 0 ? number : NULL;

	snprintf(number, sizeof(number), "%" PRId64, payload);
	if (!pile->is_sink) {
		const char *parameters[] = { *place->id ? place->id : NULL, limit, bytes };
		return db_run(
			dead->db, SQL_DEAD_ROWS, pile->table, parameters, 3, arena, rows, err);
	}
	const char *parameters[] = { *place->stream ? place->stream : NULL, limit, bytes,
		pile->name, *place->stream ? place->epoch : NULL,
		*place->stream ? place->seq : NULL };
	return db_run(dead->db, SQL_DEAD_EVENTS, NULL, parameters, 6, arena, rows, err);
}

static int64_t number_at(
	const struct db_rows *rows, size_t row, enum column column, int64_t otherwise)
{
	const char *text = db_cell(rows, row, column);

	return text ? atoll(text) : otherwise;
}

static struct dead_item item_of(const struct db_rows *rows, size_t row, struct arena *arena)
{
	return (struct dead_item){ .id = db_cell(rows, row, COLUMN_ID),
		.event_id = db_cell(rows, row, COLUMN_EVENT_ID),
		.subject = db_cell(rows, row, COLUMN_SUBJECT),
		.key = db_cell(rows, row, COLUMN_KEY),
		.error = db_cell(rows, row, COLUMN_ERROR),
		.attempts = number_at(rows, row, COLUMN_ATTEMPTS, -1),
		.since = db_cell(rows, row, COLUMN_SINCE),
		.age_ms = number_at(rows, row, COLUMN_AGE, 0),
		.size = number_at(rows, row, COLUMN_SIZE, 0),
		.headers = db_cell(rows, row, COLUMN_HEADERS),
		.payload = hex_decode(db_cell(rows, row, COLUMN_PAYLOAD), arena),
		.published_us = rows->columns > COLUMN_PUBLISHED
			? number_at(rows, row, COLUMN_PUBLISHED, 0)
			: 0 };
}

static bool contains(const char *text, const char *part)
{
	size_t size = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, size) == 0)
			return true;
	return size == 0;
}

static bool passes(const struct dead_filter *filter, const struct dead_item *item)
{
	if (filter->subject && !event_subject_matches(filter->subject, slice_of(item->subject)))
		return false;
	if (filter->key && (!item->key || strcmp(filter->key, item->key) != 0))
		return false;
	if (filter->error && !contains(item->error ? item->error : "", filter->error))
		return false;
	return (filter->older_ms < 0 || item->age_ms >= filter->older_ms) &&
		(filter->newer_ms < 0 || item->age_ms <= filter->newer_ms);
}

/* What goes through a reading. */
struct reading {
	struct dead *dead;
	const struct dead_filter *filter;
	int64_t bytes;
	dead_fn *fn;
	void *context;
};

/* Hands on what passes of one page; rows says how many it had. */
static bool take_page(const struct reading *r, struct place *place, const char *limit,
	const char *only, size_t *count, struct error *err)
{
	struct dead_item items[DEAD_PAGE];
	struct arena arena;
	struct db_rows rows;
	size_t kept = 0;

	arena_init(&arena);
	bool ok = read_page(r->dead, place, limit, r->bytes, &arena, &rows, err);
	*count = 0;
	for (size_t i = 0; ok && i < rows.rows && i < DEAD_PAGE; i++) {
		struct dead_item item = item_of(&rows, i, &arena);
		if (only && strcmp(only, item.id) != 0)
			continue;
		place_of(r->dead, item.id, false, place);
		++*count;
		if (passes(r->filter, &item))
			items[kept++] = item;
	}
	if (ok && kept > 0)
		ok = r->fn(r->context, items, kept, err);
	arena_finish(&arena);
	return ok;
}

static bool each_id(const struct reading *r, struct error *err)
{
	const struct dead_filter *filter = r->filter;
	const char *missing = NULL;
	struct place place;
	size_t count;

	for (size_t i = 0; i < filter->id_count; i++) {
		count = 0;
		if (place_of(r->dead, filter->ids[i], true, &place) &&
			!take_page(r, &place, "1", filter->ids[i], &count, err))
			return false;
		if (count == 0 && !missing)
			missing = filter->ids[i];
	}
	return !missing ||
		error_set(err, ERROR_REJECTED, "%s: nothing that was given up on is called %.80s",
			r->dead->pile->name, missing);
}

bool dead_each(struct dead *dead, const struct dead_filter *filter, int64_t bytes, dead_fn *fn,
	void *context, struct error *err)
{
	const struct reading r = { dead, filter, bytes, fn, context };
	struct place place = { 0 };
	char limit[NUMBER];
	size_t count = 1;

	if (filter->id_count > 0)
		return each_id(&r, err);
	snprintf(limit, sizeof(limit), "%d", bytes > 0 ? 1 : DEAD_PAGE);
	while (count > 0)
		if (!take_page(&r, &place, limit, NULL, &count, err))
			return false;
	return true;
}

static void format_place(const struct dead *dead, const struct place *place, char text[DEAD_ID])
{
	if (dead->pile->is_sink)
		snprintf(text, DEAD_ID, "%s/%s/%s", place->stream, place->epoch, place->seq);
	else
		snprintf(text, DEAD_ID, "%s", place->id);
}

bool dead_page(struct dead *dead, const struct dead_filter *filter, size_t limit,
	char place[DEAD_ID], dead_fn *fn, void *context, struct error *err)
{
	const struct reading r = { dead, filter, 0, fn, context };
	struct place at = { 0 };
	char number[NUMBER];
	size_t count;

	if (*place && !place_of(dead, place, false, &at))
		return error_set(err, ERROR_USAGE, "\"%.80s\" is no id here", place);
	snprintf(number, sizeof(number), "%zu", limit);
	if (!take_page(&r, &at, number, NULL, &count, err))
		return false;
	if (count == limit)
		format_place(dead, &at, place);
	else
		*place = '\0';
	return true;
}
