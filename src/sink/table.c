/* What both databases share of a sink's tables: connection, lease, plans. */
#include "sink/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "db/migrate.h"
#include "sink/catalogue.h"
#include "sink/statement.h"
#include "sink/table_driver.h"

#define NUMBER 24

struct table *table_create(const struct config_sink *config, struct stop *stop, struct error *err)
{
	char resource[256];
	struct db *db = db_create(config->database, "dray", stop, err);

	if (!db)
		return NULL;
	const struct table_driver *driver =
		db_kind(db) == DB_SQLITE ? &table_sqlite : &table_postgres;
	struct table *table = driver->create();
	table->driver = driver;
	table->config = config;
	table->db = db;
	table->routes.sink = config;
	const struct config_table *tables = config_tables(config, &table->routes.count);
	table->routes.plans = memory_new(table->routes.count * sizeof(*table->routes.plans));
	table->keeps_marks = table->routes.count > 1 || tables[0].mode != SINK_ARCHIVE;
	snprintf(resource, sizeof(resource), "sink:%s", config->name);
	lease_init(&table->lease, resource, config->lease_ms);
	return table;
}

static void forget_plans(struct table *table)
{
	for (size_t i = 0; i < table->routes.count; i++) {
		plan_destroy(table->routes.plans[i]);
		table->routes.plans[i] = NULL;
	}
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	lease_release(table->db, &table->lease);
	db_destroy(table->db);
	forget_plans(table);
	free(table->routes.plans);
	table->driver->destroy(table);
}

/* The plan by the table as it is now. */
static struct plan *make_plan(
	struct table *table, const struct config_table *config, struct error *err)
{
	struct catalogue catalogue = { .table = config->table };
	struct plan *plan = NULL;
	struct arena arena;

	arena_init(&arena);
	if (config->mode == SINK_ARCHIVE ||
		catalogue_read(table->db, config->table, &arena, &catalogue, err))
		plan = plan_create(table->config, config, &catalogue, err);
	arena_finish(&arena);
	if (!plan)
		error_prefix(err, "%s", db_label(table->db));
	return plan;
}

static bool resolve(struct table *table, const struct config_table *config, struct plan **plan,
	struct error *err)
{
	const char *archive = config->mode == SINK_ARCHIVE ? config->table : NULL;

	if (!migrate_check(table->db, MIGRATE_EVENTS, archive, err))
		return false;
	*plan = make_plan(table, config, err);
	return *plan;
}

static bool resolve_all(struct table *table, struct error *err)
{
	size_t count;
	const struct config_table *tables = config_tables(table->config, &count);

	forget_plans(table);
	for (size_t i = 0; i < count; i++)
		if (!resolve(table, &tables[i], &table->routes.plans[i], err))
			return false;
	return true;
}

static bool check_plan(struct table *table, const struct config_table *config,
	const struct plan *plan, struct error *err)
{
	struct plan *now = make_plan(table, config, err);
	bool same = now && plan_same(plan, now, err);

	plan_destroy(now);
	if (!same && err && err->kind == ERROR_SCHEMA)
		err->kind = ERROR_CONFLICT;
	return same;
}

bool table_check_plans(struct table *table, struct error *err)
{
	size_t count;
	const struct config_table *tables = config_tables(table->config, &count);

	for (size_t i = 0; i < count; i++)
		if (!check_plan(table, &tables[i], table->routes.plans[i], err))
			return false;
	return true;
}

const struct routes *table_routes(const struct table *table)
{
	return &table->routes;
}

static bool has_mode(const struct table *table, enum sink_mode mode)
{
	for (size_t i = 0; i < table->routes.count; i++)
		if (table->routes.plans[i]->mode == mode)
			return true;
	return false;
}

bool table_maps(const struct table *table)
{
	return has_mode(table, SINK_INSERT) || has_mode(table, SINK_UPSERT);
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

	if (!has_mode(table, SINK_INSERT))
		return true;
	snprintf(number[0], NUMBER, "%" PRId64, epoch);
	snprintf(number[1], NUMBER, "%" PRId64, seq);
	return db_run(table->db, SQL_SINK_ACKNOWLEDGED, NULL, parameters, 4, NULL, NULL, err);
}

bool table_name_route(const struct table *table, const struct table_event *event, struct error *err)
{
	if (table->routes.count > 1 && event->route != ROUTE_NONE && !event->fault)
		error_prefix(err, "table %s", table->routes.plans[event->route]->table);
	return false;
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
	lease_forget(&table->lease);
	table->in_order = true;
	if (db_open(table->db, false, err) && resolve_all(table, err) &&
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
	if (event->route == ROUTE_NONE)
		return error_set(err, ERROR_REJECTED, "no entry of tables: takes its subject");
	return event->action != TABLE_DELETE ||
		statement_knows(table->routes.plans[event->route]) ||
		error_set(err, ERROR_REJECTED,
			"whether its row is newer than this delete is not known, since columns: has no "
			"@seq and @epoch; delete the row by hand, and discard the event");
}

bool table_store_again(
	struct table *table, int64_t epoch, const struct table_event *event, struct error *err)
{
	const struct table_position position = { .epoch = epoch };
	struct table_event mapped = *event;
	const struct table_store store = { .position = &position,
		.events = &mapped,
		.count = 1,
		.seq = event->seq,
		.again = true };
	struct arena arena;

	arena_init(&arena);
	route_map(&table->routes, &arena, &mapped);
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
