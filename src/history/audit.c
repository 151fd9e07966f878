/* An audit: the streams of an outbox, one after another. */
#include "history/audit_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "db/migrate.h"

#define PATIENCE_MS  ((int64_t)3600 * 1000) /* of a sort of many rows */
#define UNMARKED_MAX "100000"
#define LEASE_MS     30000

bool audit_keep(struct audit *audit, struct error *err)
{
	if (audit->options->stop && stop_requested(audit->options->stop))
		return error_set(err, ERROR_STOPPED, "stopped");
	return !audit->writer || clock_now_ms() < lease_renew_at_ms(&audit->lease) ||
		lease_renew(audit->writer, &audit->lease, err);
}

/* Two that heal the same rows would publish them twice. */
static bool take_right(struct audit *audit, struct error *err)
{
	const struct config_relay *relay = audit->options->relay;
	char resource[256];

	if (!audit->options->heal)
		return true;
	snprintf(resource, sizeof(resource), "audit:%s", relay->table);
	lease_init(&audit->lease, resource, LEASE_MS);
	audit->writer = db_create(relay->database, "dray audit", audit->options->stop, err);
	return audit->writer && db_open(audit->writer, false, err) &&
		lease_acquire(audit->writer, &audit->lease, err);
}

static bool open_both(struct audit *audit, struct error *err)
{
	const struct audit_options *options = audit->options;
	const struct config_relay *relay = options->relay;

	if (relay->on_delivered == ON_DELIVERED_DELETE)
		return error_set(err, ERROR_USAGE,
			"relay %s deletes delivered rows (on_delivered: delete): there is nothing to "
			"compare the stream with",
			relay->name);
	audit->db = db_create(relay->database, "dray audit", options->stop, err);
	audit->link = link_create(&options->config->nats, "dray audit", options->stop);
	if (!audit->db || !db_open(audit->db, false, err) ||
		!migrate_check(audit->db, MIGRATE_OUTBOX, relay->table, err))
		return false;
	db_be_patient(audit->db, PATIENCE_MS);
	return take_right(audit, err) && link_connect(audit->link, err);
}

static bool read_unmarked(struct audit *audit, struct error *err)
{
	const char *parameter = UNMARKED_MAX;
	struct db_rows rows;

	if (!db_run(audit->db, SQL_AUDIT_OPEN, audit->options->relay->table, &parameter, 1,
		    &audit->arena, &rows, err))
		return false;
	audit->unmarked = arena_new(&audit->arena, (rows.rows + 1) * sizeof(*audit->unmarked));
	audit->unmarked_count = rows.rows;
	for (size_t i = 0; i < rows.rows; i++) {
		audit->unmarked[i] = (struct audit_unmarked){ .id = atoll(db_cell(&rows, i, 0)),
			.event_id = db_cell(&rows, i, 1) };
		map_put(&audit->unmarked_ids, hash_slice(slice_of(audit->unmarked[i].event_id)), i);
	}
	return true;
}

static bool find_streams(struct audit *audit, struct db_rows *streams, struct error *err)
{
	const struct audit_options *options = audit->options;
	char from[24];
	const char *parameters[] = { from, options->since };

	snprintf(from, sizeof(from), "%" PRId64, options->from_id);
	if (!db_run(audit->db, SQL_AUDIT_STREAMS, options->relay->table, parameters, 2,
		    &audit->arena, streams, err))
		return false;
	for (size_t i = 0; i < streams->rows; i++)
		audit->total += atoll(db_cell(streams, i, 1));
	return true;
}

/* The relay's own stream is looked into also where no row was delivered. */
static bool walk_all(struct audit *audit, const struct db_rows *streams, struct error *err)
{
	const char *own = audit->options->relay->stream;
	bool seen = !own || audit->unmarked_count == 0;

	for (size_t i = 0; i < streams->rows; i++) {
		const char *stream = db_cell(streams, i, 0);
		seen = seen || (stream && strcmp(stream, own) == 0);
		if (stream && !audit_stream(audit, stream, err))
			return false;
	}
	return seen || audit_stream(audit, own, err);
}

bool audit_run(const struct audit_options *options, int64_t *missing, struct error *err)
{
	struct audit audit = { .options = options };
	struct db_rows streams;

	arena_init(&audit.arena);
	arena_init(&audit.suspects.arena);
	bool ok = open_both(&audit, err) && read_unmarked(&audit, err) &&
		find_streams(&audit, &streams, err) && walk_all(&audit, &streams, err);
	*missing = audit.missing;
	if (audit.writer)
		lease_release(audit.writer, &audit.lease);
	db_destroy(audit.writer);
	db_destroy(audit.db);
	link_destroy(audit.link);
	map_finish(&audit.unmarked_ids);
	map_finish(&audit.suspects.ids);
	free(audit.suspects.items);
	arena_finish(&audit.suspects.arena);
	arena_finish(&audit.arena);
	return ok;
}
