/* Collects the status of pipelines from their databases. */
#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cmd_common.h"
#include "config_secret.h"
#include "db/lease.h"
#include "db/report.h"

#define SILENT_AFTER_MS (3 * REPORT_EVERY_MS)

enum pipeline_column {
	PIPELINE_NAME,
	PIPELINE_KIND,
	PIPELINE_HOLDER,
	PIPELINE_STATE,
	PIPELINE_RESOURCE,
	PIPELINE_EVENTS,
	PIPELINE_RATE,
	PIPELINE_BACKLOG,
	PIPELINE_LAG,
	PIPELINE_DEAD,
	PIPELINE_STUCK,
	PIPELINE_LAST_ERROR,
	PIPELINE_LAST_ERROR_AT,
	PIPELINE_UPDATED_AT,
	PIPELINE_AGE,
};

enum outbox_column { OUTBOX_PENDING, OUTBOX_SCHEDULED, OUTBOX_DEAD, OUTBOX_STUCK, OUTBOX_OLDEST };
enum sink_column { SINK_DEAD, SINK_EPOCH, SINK_SEQ };
enum version_column { VERSION_TARGET = 1, VERSION_NAME = 3 };

/* One database while it is read. */
struct reader {
	struct db *db;
	struct arena arena;
	struct db_rows pipelines; /* none where no process ever ran */
	struct db_rows versions; /* tells which tables are Dray's own */
	bool configured; /* what the config says counts: borrowed */
	bool borrowed; /* a relay's table is not Dray's own */
	json_t *result;
	struct error *err;
};

static json_t *whole(const char *text)
{
	return text ? json_integer(atoll(text)) : json_null();
}

static json_t *real(const char *text)
{
	return text ? json_real(strtod(text, NULL)) : json_null();
}

static const char *state_of(const struct reader *reader, size_t row)
{
	const char *state = db_cell(&reader->pipelines, row, PIPELINE_STATE);
	const char *age = db_cell(&reader->pipelines, row, PIPELINE_AGE);

	return strcmp(state, "stopped") != 0 && atoll(age) > SILENT_AFTER_MS ? "silent" : state;
}

/* The part that every pipeline has, in the order in which it is shown. */
static json_t *new_item(
	const struct reader *reader, const char *name, const char *kind, const char *resource)
{
	static const char *const unknown[] = { "state", "pending", "scheduled", "dead", "stuck",
		"oldest_ms", "events", "rate", "backlog", "lag_ms", "epoch", "seq", "holder",
		"last_error", "last_error_at", "updated_at", "paused_at", "paused_by",
		"paused_why" };
	json_t *item =
		json_pack("{so ss so so}", "name", cmd_json_text(name), "kind", kind, "database",
			cmd_json_text(db_label(reader->db)), "resource", cmd_json_text(resource));

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		json_object_set_new(item, unknown[i], json_null());
	json_object_set_new(item, "state", json_string("never ran"));
	json_array_append_new(reader->result, item);
	return item;
}

static void add_report(const struct reader *reader, json_t *item, size_t row)
{
	const struct db_rows *rows = &reader->pipelines;

	json_object_set_new(item, "state", cmd_json_text(state_of(reader, row)));
	json_object_set_new(item, "stuck", whole(db_cell(rows, row, PIPELINE_STUCK)));
	json_object_set_new(item, "events", whole(db_cell(rows, row, PIPELINE_EVENTS)));
	json_object_set_new(item, "rate", real(db_cell(rows, row, PIPELINE_RATE)));
	json_object_set_new(item, "backlog", whole(db_cell(rows, row, PIPELINE_BACKLOG)));
	json_object_set_new(item, "lag_ms", whole(db_cell(rows, row, PIPELINE_LAG)));
	json_object_set_new(item, "holder", cmd_json_text(db_cell(rows, row, PIPELINE_HOLDER)));
	json_object_set_new(
		item, "last_error", cmd_json_text(db_cell(rows, row, PIPELINE_LAST_ERROR)));
	json_object_set_new(
		item, "last_error_at", cmd_json_text(db_cell(rows, row, PIPELINE_LAST_ERROR_AT)));
	json_object_set_new(
		item, "updated_at", cmd_json_text(db_cell(rows, row, PIPELINE_UPDATED_AT)));
}

/* Of a table that Dray did not make only the failed rows are known. */
static bool add_borrowed(struct reader *reader, json_t *item, const char *table)
{
	struct db_rows rows;

	if (!db_run(reader->db, SQL_STATUS_BORROWED, NULL, &table, 1, &reader->arena, &rows,
		    reader->err))
		return false;
	json_object_set_new(item, "dead", whole(db_cell(&rows, 0, 0)));
	json_object_set_new(item, "stuck", whole(db_cell(&rows, 0, 1)));
	return true;
}

static bool add_outbox(struct reader *reader, json_t *item, const char *table)
{
	struct db_rows rows;

	if (!db_run(reader->db, SQL_STATUS_OUTBOX, table, NULL, 0, &reader->arena, &rows,
		    reader->err))
		return false;
	json_object_set_new(item, "pending", whole(db_cell(&rows, 0, OUTBOX_PENDING)));
	json_object_set_new(item, "scheduled", whole(db_cell(&rows, 0, OUTBOX_SCHEDULED)));
	json_object_set_new(item, "dead", whole(db_cell(&rows, 0, OUTBOX_DEAD)));
	json_object_set_new(item, "stuck", whole(db_cell(&rows, 0, OUTBOX_STUCK)));
	json_object_set_new(item, "oldest_ms", whole(db_cell(&rows, 0, OUTBOX_OLDEST)));
	return true;
}

static bool add_sink(struct reader *reader, json_t *item, const char *name, const char *stream)
{
	const char *parameters[] = { name, stream };
	struct db_rows rows;

	if (!db_run(reader->db, SQL_STATUS_SINK, NULL, parameters, 2, &reader->arena, &rows,
		    reader->err))
		return false;
	json_object_set_new(item, "dead", whole(db_cell(&rows, 0, SINK_DEAD)));
	json_object_set_new(item, "epoch", whole(db_cell(&rows, 0, SINK_EPOCH)));
	json_object_set_new(item, "seq", whole(db_cell(&rows, 0, SINK_SEQ)));
	return true;
}

static bool add_pause(struct reader *reader, json_t *item, const char *kind, const char *of)
{
	struct lease lease;
	char name[256];
	bool free;

	snprintf(name, sizeof(name), "%s:%s", kind, of);
	lease_init(&lease, name, 0);
	if (!lease_is_free(reader->db, &lease, &free, reader->err))
		return false;
	if (!lease.pause.on)
		return true;
	json_object_set_new(item, "state", json_string("paused"));
	json_object_set_new(item, "paused_at", cmd_json_text(lease.pause.at));
	json_object_set_new(item, "paused_by", cmd_json_text(lease.pause.by));
	if (*lease.pause.why)
		json_object_set_new(item, "paused_why", cmd_json_text(lease.pause.why));
	return true;
}

static bool is_borrowed(const struct reader *reader, const char *table)
{
	for (size_t row = 0; row < reader->versions.rows; row++)
		if (strcmp(db_cell(&reader->versions, row, VERSION_NAME), "outbox") == 0 &&
			strcmp(db_cell(&reader->versions, row, VERSION_TARGET), table) == 0)
			return false;
	return !reader->configured || reader->borrowed;
}

static bool add_pipeline(
	struct reader *reader, const char *name, const char *kind, const char *resource)
{
	json_t *item = new_item(reader, name, kind, resource);
	bool relay = strcmp(kind, "relay") == 0;

	for (size_t row = 0; row < reader->pipelines.rows; row++)
		if (strcmp(db_cell(&reader->pipelines, row, PIPELINE_NAME), name) == 0 &&
			strcmp(db_cell(&reader->pipelines, row, PIPELINE_KIND), kind) == 0)
			add_report(reader, item, row);
	return add_pause(reader, item, relay ? "outbox" : "sink", relay ? resource : name) &&
		(!relay ? add_sink(reader, item, name, resource)
				: is_borrowed(reader, resource)
				? add_borrowed(reader, item, resource)
				: add_outbox(reader, item, resource));
}

static bool open_reader(struct reader *reader, const char *url, struct stop *stop)
{
	reader->db = db_create(url, "dray", stop, reader->err);
	return reader->db && db_open(reader->db, false, reader->err) &&
		migrate_check(reader->db, MIGRATE_CORE, NULL, reader->err) &&
		db_run(reader->db, SQL_STATUS_PIPELINES, NULL, NULL, 0, &reader->arena,
			&reader->pipelines, reader->err) &&
		db_run(reader->db, SQL_SCHEMA_VERSIONS, NULL, NULL, 0, &reader->arena,
			&reader->versions, reader->err);
}

static void read_one(const char *url, const char *name, const char *kind, const char *resource,
	bool borrowed, struct stop *stop, json_t *result, status_failed_fn *failed, void *context)
{
	struct error err = { 0 };
	struct reader reader = {
		.result = result, .err = &err, .configured = true, .borrowed = borrowed
	};

	arena_init(&reader.arena);
	if (!open_reader(&reader, url, stop) || !add_pipeline(&reader, name, kind, resource)) {
		error_prefix(&err, "%s", name);
		failed(context, &err);
	}
	arena_finish(&reader.arena);
	db_destroy(reader.db);
}

json_t *status_of_config(
	const struct config *config, struct stop *stop, status_failed_fn *failed, void *context)
{
	json_t *result = json_array();

	for (size_t i = 0; i < config->relay_count; i++)
		read_one(config->relays[i].database, config->relays[i].name, "relay",
			config->relays[i].table, config->relays[i].borrowed.id != NULL, stop,
			result, failed, context);
	for (size_t i = 0; i < config->sink_count; i++)
		read_one(config->sinks[i].database, config->sinks[i].name, "sink",
			config->sinks[i].stream, false, stop, result, failed, context);
	return result;
}

static bool is_relayed(const struct reader *reader, const char *table)
{
	for (size_t row = 0; row < reader->pipelines.rows; row++)
		if (strcmp(db_cell(&reader->pipelines, row, PIPELINE_KIND), "relay") == 0 &&
			strcmp(db_cell(&reader->pipelines, row, PIPELINE_RESOURCE), table) == 0)
			return true;
	return false;
}

static bool add_idle_outboxes(struct reader *reader)
{
	for (size_t row = 0; row < reader->versions.rows; row++) {
		const char *table = db_cell(&reader->versions, row, VERSION_TARGET);
		if (strcmp(db_cell(&reader->versions, row, VERSION_NAME), "outbox") != 0 ||
			is_relayed(reader, table))
			continue;
		if (!add_outbox(reader, new_item(reader, NULL, "relay", table), table))
			return false;
	}
	return true;
}

static bool add_known(struct reader *reader)
{
	for (size_t row = 0; row < reader->pipelines.rows; row++)
		if (!add_pipeline(reader, db_cell(&reader->pipelines, row, PIPELINE_NAME),
			    db_cell(&reader->pipelines, row, PIPELINE_KIND),
			    db_cell(&reader->pipelines, row, PIPELINE_RESOURCE)))
			return false;
	return add_idle_outboxes(reader);
}

json_t *status_of_database(const char *url, status_failed_fn *failed, void *context)
{
	struct error err = { 0 };
	struct reader reader = { .result = json_array(), .err = &err };

	arena_init(&reader.arena);
	if (!open_reader(&reader, url, NULL) || !add_known(&reader))
		failed(context, &err);
	arena_finish(&reader.arena);
	db_destroy(reader.db);
	return reader.result;
}
