/* Where a sink stands in its stream, and what tells which events are stored, while nothing is stored. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sink/table_driver.h"

#define NUMBER 24

bool table_load(
	struct table *table, bool *found, struct table_position *position, struct error *err)
{
	const char *parameters[] = { table->config->name, table->config->stream };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok =
		db_run(table->db, SQL_SINK_POSITION_LOAD, NULL, parameters, 2, &arena, &rows, err);
	*position = (struct table_position){ 0 };
	*found = ok && rows.rows > 0;
	if (*found) {
		snprintf(position->created, sizeof(position->created), "%s", db_cell(&rows, 0, 0));
		position->epoch = atoll(db_cell(&rows, 0, 1));
		position->seq = atoll(db_cell(&rows, 0, 2));
	}
	arena_finish(&arena);
	return ok;
}

/* What tells of a sink which events are stored: its archive, or the marks beside its tables. */
static const char *marks_of(const struct table *table)
{
	if (!table->keeps_marks)
		return table->routes.plans[0]->table;
	return db_kind(table->db) == DB_SQLITE ? "dray_sink_mark" : "dray.sink_mark";
}

/* The epoch in which a stream of this creation is known, and the highest that was used; -1: none. */
struct epochs {
	int64_t known, highest;
};

static bool look_for_epochs(struct table *table, const char *created, const char *among,
	struct epochs *epochs, struct error *err)
{
	const char *parameters[] = { table->config->stream, created };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(table->db, SQL_SINK_EPOCHS, among, parameters, 2, &arena, &rows, err);
	const char *known = ok ? db_cell(&rows, 0, 0) : NULL;
	const char *highest = ok ? db_cell(&rows, 0, 1) : NULL;
	if (known)
		epochs->known = atoll(known);
	if (highest && atoll(highest) > epochs->highest)
		epochs->highest = atoll(highest);
	arena_finish(&arena);
	return ok;
}

/* The epoch above `above` in which a stream of this creation is known; else one above all that were used. */
static bool find_epoch(
	struct table *table, const char *created, int64_t above, int64_t *epoch, struct error *err)
{
	struct epochs epochs = { -1, -1 };
	bool ok = look_for_epochs(table, created, marks_of(table), &epochs, err);

	for (size_t i = 0; ok && i < table->routes.count; i++)
		if (table->keeps_marks && table->routes.plans[i]->mode == SINK_ARCHIVE)
			ok = look_for_epochs(
				table, created, table->routes.plans[i]->table, &epochs, err);
	*epoch = epochs.known >= 0 && epochs.known > above ? epochs.known : epochs.highest + 1;
	return ok;
}

bool table_begin(struct table *table, const char *created, int64_t seq,
	struct table_position *position, struct error *err)
{
	char number[2][NUMBER];
	const char *parameters[] = { table->config->name, table->config->stream, created, number[0],
		number[1] };
	int64_t epoch;
	bool found;

	if (!find_epoch(table, created, INT64_MIN, &epoch, err))
		return false;
	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, seq);
	return db_run(table->db, SQL_SINK_POSITION_BEGIN, NULL, parameters, 5, NULL, NULL, err) &&
		table_load(table, &found, position, err) && (found || table_moved(table, err));
}

static bool change_position(struct table *table, const char *created, int64_t epoch, int64_t seq,
	struct table_position *position, struct error *err)
{
	char number[4][NUMBER];
	const char *parameters[] = { table->config->name, table->config->stream, created, number[0],
		position->created, number[1], number[2], number[3] };
	bool found;

	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, position->epoch);
	snprintf(number[2], NUMBER, "%" PRId64, position->seq);
	snprintf(number[3], NUMBER, "%" PRId64, seq);
	if (!db_run(table->db, SQL_SINK_POSITION_ANEW, NULL, parameters, 8, NULL, NULL, err) ||
		!table_load(table, &found, position, err))
		return false;
	return (found && position->epoch == epoch && position->seq == seq) ||
		table_moved(table, err);
}

bool table_same_stream(struct table *table, const char *created, struct table_position *position,
	struct error *err)
{
	return change_position(table, created, position->epoch, position->seq, position, err);
}

bool table_next_epoch(struct table *table, const char *created, int64_t seq,
	struct table_position *position, struct error *err)
{
	bool anew = strcmp(created, position->created) != 0;
	int64_t epoch;

	return find_epoch(table, created, anew ? INT64_MIN : position->epoch, &epoch, err) &&
		change_position(table, created, epoch, seq, position, err);
}

static bool find_newest(struct table *table, const char *among, int64_t epoch, int64_t up_to,
	struct table_mark *mark, struct error *err)
{
	char number[2][NUMBER];
	const char *parameters[] = { table->config->stream, number[0], number[1] };
	struct db_rows rows;

	*mark = (struct table_mark){ 0 };
	arena_init(&mark->arena);
	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, up_to);
	if (!db_run(table->db, SQL_SINK_NEWEST, among, parameters, 3, &mark->arena, &rows, err)) {
		table_mark_finish(mark);
		return false;
	}
	if (rows.rows == 0)
		return true;
	mark->seq = atoll(db_cell(&rows, 0, 0));
	mark->subject = db_cell(&rows, 0, 1);
	mark->id = db_cell(&rows, 0, 2) ? db_cell(&rows, 0, 2) : "";
	mark->time = db_cell(&rows, 0, 3);
	return true;
}

bool table_newest(struct table *table, int64_t epoch, int64_t up_to, struct table_mark *mark,
	struct error *err)
{
	return find_newest(table, marks_of(table), epoch, up_to, mark, err);
}

void table_mark_finish(struct table_mark *mark)
{
	arena_finish(&mark->arena);
	*mark = (struct table_mark){ 0 };
}

bool table_has(struct table *table, int64_t epoch, const struct table_event *event, bool *has,
	struct error *err)
{
	const struct plan *plan = table->routes.plans[event->route];
	struct table_mark mark;
	char time[32];

	*has = true;
	if (plan->mode != SINK_ARCHIVE)
		return true;
	if (!find_newest(table, plan->table, epoch, event->seq, &mark, err))
		return false;
	clock_format(event->time_ns / 1000000, time);
	*has = mark.seq == event->seq && slice_is(event->event.subject, mark.subject) &&
		slice_equal(event->event.id, slice_of(mark.id)) && strcmp(mark.time, time) == 0;
	table_mark_finish(&mark);
	return true;
}
