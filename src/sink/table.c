/* What both databases share of a target table: connection, lease, and the position while nothing is stored. */
#include "sink/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/migrate.h"
#include "sink/table_driver.h"

#define NUMBER 24

struct table *table_create(const struct config_sink *config, struct stop *stop, struct error *err)
{
	char resource[256];
	if (config->mode != SINK_ARCHIVE) {
		error_set(err, ERROR_USAGE, "mode: only archive is in this version of Dray yet");
		return NULL;
	}
	struct db *db = db_create(config->database, "dray", stop, err);

	if (!db)
		return NULL;
	const struct table_driver *driver =
		db_kind(db) == DB_SQLITE ? &table_sqlite : &table_postgres;
	struct table *table = driver->create();
	table->driver = driver;
	table->config = config;
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
	table->driver->destroy(table);
}

bool table_open(struct table *table, struct error *err)
{
	lease_forget(&table->lease);
	if (db_open(table->db, false, err) &&
		migrate_check(table->db, MIGRATE_EVENTS, table->config->table, err) &&
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
	bool ok = db_run(table->db, SQL_SINK_EPOCHS, table->config->table, parameters, 2, &arena,
		&rows, err);
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

bool table_next_epoch(struct table *table, const char *created, int64_t seq,
	struct table_position *position, struct error *err)
{
	bool anew = strcmp(created, position->created) != 0, found;
	char number[4][NUMBER];
	const char *parameters[] = { table->config->name, table->config->stream, created, number[0],
		position->created, number[1], number[2], number[3] };
	int64_t epoch;

	if (!find_epoch(table, created, anew ? INT64_MIN : position->epoch, &epoch, err))
		return false;
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
	if (!db_run(table->db, SQL_SINK_NEWEST, table->config->table, parameters, 3, &mark->arena,
		    &rows, err)) {
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

bool table_store_again(
	struct table *table, int64_t epoch, const struct table_event *event, struct error *err)
{
	const struct table_position position = { .epoch = epoch };
	const struct table_store store = {
		.position = &position, .events = event, .count = 1, .again = true
	};

	return table->driver->store(table, &store, err);
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
