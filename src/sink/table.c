/* What both databases share of a target table: connection, lease, and the position while nothing is stored. */
#include "sink/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/migrate.h"
#include "sink/catalogue.h"
#include "sink/row.h"
#include "sink/statement.h"
#include "sink/table_driver.h"

#define NUMBER 24

static const struct table_driver *driver_of(const struct config_sink *config, enum db_kind kind)
{
	if (config->mode == SINK_ARCHIVE)
		return kind == DB_SQLITE ? &table_sqlite : &table_postgres;
	return kind == DB_SQLITE ? &table_sqlite_mapped : &table_postgres_mapped;
}

struct table *table_create(const struct config_sink *config, struct stop *stop, struct error *err)
{
	char resource[256];
	struct db *db = db_create(config->database, "dray", stop, err);

	if (!db)
		return NULL;
	const struct table_driver *driver = driver_of(config, db_kind(db));
	struct table *table = driver->create();
	table->driver = driver;
	table->config = config;
	table->marks = config->mode == SINK_ARCHIVE ? config->table
		: db_kind(db) == DB_SQLITE	    ? "dray_sink_mark"
						    : "dray.sink_mark";
	table->db = db;
	snprintf(resource, sizeof(resource), "sink:%s", config->name);
	lease_init(&table->lease, resource, config->lease_ms);
	return table;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	lease_release(table->db, &table->lease);
	db_destroy(table->db);
	plan_destroy(table->plan);
	table->driver->destroy(table);
}

/* The plan by the table as it is now. */
static struct plan *make_plan(struct table *table, struct error *err)
{
	struct catalogue catalogue;
	struct plan *plan = NULL;
	struct arena arena;

	arena_init(&arena);
	if (catalogue_read(table->db, table->config->table, &arena, &catalogue, err))
		plan = plan_create(table->config, &catalogue, err);
	arena_finish(&arena);
	if (!plan)
		error_prefix(err, "%s", db_label(table->db));
	return plan;
}

static bool resolve(struct table *table, struct error *err)
{
	if (table->config->mode == SINK_ARCHIVE)
		return true;
	plan_destroy(table->plan);
	table->plan = make_plan(table, err);
	return table->plan;
}

bool table_check_plan(struct table *table, struct error *err)
{
	struct plan *now = make_plan(table, err);
	bool same = now && plan_same(table->plan, now, err);

	plan_destroy(now);
	if (!same && err && err->kind == ERROR_SCHEMA)
		err->kind = ERROR_CONFLICT;
	return same;
}

const struct plan *table_plan(const struct table *table)
{
	return table->plan;
}

void table_expect(struct table *table, bool in_order)
{
	table->in_order = in_order;
}

bool table_acknowledged(struct table *table, int64_t epoch, int64_t seq, struct error *err)
{
	char number[2][NUMBER];
	const char *parameters[] = { table->config->name, table->config->stream, number[0],
		number[1] };

	if (!table->plan || table->plan->mode != SINK_INSERT)
		return true;
	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, seq);
	return db_run(table->db, SQL_SINK_ACKNOWLEDGED, NULL, parameters, 4, NULL, NULL, err);
}

const struct table_event *table_newest_of(const struct table_store *store)
{
	const struct table_event *newest = NULL;

	for (size_t i = 0; i < store->count; i++)
		if (!store->events[i].repaired && (!newest || store->events[i].seq > newest->seq))
			newest = &store->events[i];
	return newest;
}

bool table_open(struct table *table, struct error *err)
{
	const char *archive = table->config->mode == SINK_ARCHIVE ? table->config->table : NULL;

	lease_forget(&table->lease);
	table->in_order = true;
	if (db_open(table->db, false, err) &&
		migrate_check(table->db, MIGRATE_EVENTS, archive, err) && resolve(table, err) &&
		table->driver->opened(table, err))
		return true;
	db_close(table->db);
	return false;
}

bool table_take(struct table *table, struct error *err)
{
	return lease_acquire(table->db, &table->lease, err);
}

void table_close(struct table *table)
{
	db_close(table->db);
}

struct db *table_db(struct table *table)
{
	return table->db;
}

struct lease *table_lease(struct table *table)
{
	return &table->lease;
}

const char *table_label(const struct table *table)
{
	return db_label(table->db);
}

bool table_lost_lease(const struct table *table, struct error *err)
{
	return error_set(err, ERROR_CONFLICT, "%s: another process holds %s now",
		db_label(table->db), table->lease.resource);
}

bool table_moved(const struct table *table, struct error *err)
{
	return error_set(err, ERROR_CONFLICT, "%s: the position of sink %s was moved by somebody",
		db_label(table->db), table->config->name);
}

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

/* The epoch above `above` in which a stream of this creation is known; else one above all that were used. */
static bool find_epoch(
	struct table *table, const char *created, int64_t above, int64_t *epoch, struct error *err)
{
	const char *parameters[] = { table->config->stream, created };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok =
		db_run(table->db, SQL_SINK_EPOCHS, table->marks, parameters, 2, &arena, &rows, err);
	if (ok) {
		const char *known = db_cell(&rows, 0, 0), *highest = db_cell(&rows, 0, 1);
		*epoch = known && atoll(known) > above ? atoll(known)
			: highest		       ? atoll(highest) + 1
						       : 0;
	}
	arena_finish(&arena);
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

bool table_newest(struct table *table, int64_t epoch, int64_t up_to, struct table_mark *mark,
	struct error *err)
{
	char number[2][NUMBER];
	const char *parameters[] = { table->config->stream, number[0], number[1] };
	struct db_rows rows;

	*mark = (struct table_mark){ 0 };
	arena_init(&mark->arena);
	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, up_to);
	if (!db_run(table->db, SQL_SINK_NEWEST, table->marks, parameters, 3, &mark->arena, &rows,
		    err)) {
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

void table_mark_finish(struct table_mark *mark)
{
	arena_finish(&mark->arena);
	*mark = (struct table_mark){ 0 };
}

bool table_store(struct table *table, struct table_position *position,
	const struct table_event *events, size_t count, int64_t seq, struct error *err)
{
	const struct table_store store = {
		.position = position, .events = events, .count = count, .seq = seq
	};
	int64_t sent = clock_now_ms();

	if (!table->driver->store(table, &store, err))
		return false;
	lease_confirm(&table->lease, sent);
	position->seq = seq;
	return true;
}

bool table_not_aside(const struct table *table, const struct table_store *store, struct error *err)
{
	return error_set(err, ERROR_CONFLICT,
		"%s: sequence %" PRId64 " is not in sink_dead any more", db_label(table->db),
		store->events->seq);
}

/* A row that was changed since must not go back to what it was. */
static bool can_come_back(
	const struct table *table, const struct table_event *event, struct error *err)
{
	if (event->fault)
		return error_set(err, ERROR_REJECTED, "%s", event->fault);
	return !table->plan || event->action != TABLE_DELETE || statement_knows(table->plan) ||
		error_set(err, ERROR_REJECTED,
			"whether its row is newer than this delete is not known, since columns: has no "
			"@seq and @epoch; delete the row by hand, and discard the event");
}

bool table_store_again(
	struct table *table, int64_t epoch, const struct table_event *event, struct error *err)
{
	const struct table_position position = { .epoch = epoch };
	struct table_event mapped = *event;
	const struct table_store store = {
		.position = &position, .events = &mapped, .count = 1, .again = true
	};
	struct arena arena;

	arena_init(&arena);
	if (table->plan)
		row_map(table->plan, &arena, &mapped);
	bool ok = can_come_back(table, &mapped, err) && table->driver->store(table, &store, err);
	arena_finish(&arena);
	return ok;
}

size_t table_take_already(struct table *table)
{
	size_t already = table->already;

	table->already = 0;
	return already;
}

bool table_has(struct table *table, int64_t epoch, const struct table_event *event, bool *has,
	struct error *err)
{
	struct table_mark mark;
	char time[32];

	if (!table_newest(table, epoch, event->seq, &mark, err))
		return false;
	clock_format(event->time_ns / 1000000, time);
	*has = mark.seq == event->seq && slice_is(event->event.subject, mark.subject) &&
		slice_equal(event->event.id, slice_of(mark.id)) && strcmp(mark.time, time) == 0;
	table_mark_finish(&mark);
	return true;
}
