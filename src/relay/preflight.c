/* What would go wrong with a relay, or weaken its promise: both ends, every problem at once. */
#include "relay/preflight.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/units.h"
#include "db/migrate.h"
#include "nats/stream.h"
#include "relay/borrowed_sql.h"
#include "relay/streams.h"

struct checked {
	const struct config_relay *relay;
	struct findings *findings;
};

#define SAY(c, level, ...) \
	findings_add((c)->findings, level, ERROR_SCHEMA, (c)->relay->name, __VA_ARGS__)

static void problem(const struct checked *c, const struct error *err)
{
	findings_add(c->findings, FINDING_PROBLEM, err->kind, c->relay->name, "%s", err->text);
}

static void check_setting(const struct checked *c, const char *name, const char *value)
{
	if (strcmp(name, "max_prepared_transactions") == 0) {
		if (atoi(value) > 0 && c->relay->wakeup == WAKEUP_NOTIFY)
			SAY(c, FINDING_WARNING,
				"the server allows prepared transactions; PREPARE TRANSACTION after an "
				"insert fails while the relay sleeps: set wakeup: poll if you use it");
		return;
	}
	if (strcmp(value, "off") != 0)
		return;
	if (strcmp(name, "synchronous_commit") == 0)
		SAY(c, FINDING_WARNING,
			"synchronous_commit is off: a crash of the server can take back rows whose events "
			"were published");
	else
		SAY(c, FINDING_WARNING, "%s is off: a power cut can destroy the database", name);
}

static void check_postgres(const struct checked *c, struct db *db)
{
	struct arena arena;
	struct db_rows rows;
	const char *parameters[] = { c->relay->table };

	arena_init(&arena);
	if (db_run(db, SQL_CHECK_DURABILITY, NULL, NULL, 0, &arena, &rows, NULL))
		for (size_t i = 0; i < rows.rows; i++)
			check_setting(c, db_cell(&rows, i, 0), db_cell(&rows, i, 1));
	if (db_run(db, SQL_CHECK_SEQUENCE, NULL, parameters, 1, &arena, &rows, NULL) &&
		rows.rows == 1 && atoi(db_cell(&rows, 0, 0)) > 1)
		SAY(c, FINDING_WARNING,
			"ids of %s are drawn %s at a time: rows of a key can then be read in another order "
			"than they were committed; use CACHE 1",
			c->relay->table, db_cell(&rows, 0, 0));
	arena_finish(&arena);
}

/* What becomes of delivered rows. */
static void check_retention(const struct checked *c, struct db *db)
{
	struct arena arena;
	struct db_rows rows;
	char after[32];

	if (c->relay->retention_ms == 0)
		return;
	units_format_duration(c->relay->retention_ms, after);
	SAY(c, FINDING_OK, "delivered rows are deleted after %s", after);
	if (c->relay->on_delivered == ON_DELIVERED_DELETE)
		SAY(c, FINDING_WARNING,
			"retention has nothing to do: on_delivered: delete leaves no delivered rows");
	arena_init(&arena);
	if (db_kind(db) == DB_SQLITE &&
		db_run(db, SQL_PRUNE_FREE, NULL, NULL, 0, &arena, &rows, NULL) &&
		db_cell(&rows, 0, 0)[0] != '2')
		SAY(c, FINDING_OK,
			"the file keeps its size, and uses the pages of deleted rows again; to let it "
			"shrink, once and while nobody works with it: PRAGMA auto_vacuum = "
			"INCREMENTAL; VACUUM;");
	arena_finish(&arena);
}

/* What stands in the way of marking, as PostgreSQL's catalogue has it. */
static void check_rights(const struct checked *c, struct db *db)
{
	const struct config_borrowed *b = &c->relay->borrowed;
	bool erase = c->relay->on_delivered == ON_DELIVERED_DELETE;
	char *quoted = db_quote_table(c->relay->table, NULL);
	struct buf marked = { 0 };
	struct arena arena;
	struct db_rows rows;

	if (!erase && b->state)
		borrowed_list_add(&marked, b->state);
	if (!erase && b->delivered_at)
		borrowed_list_add(&marked, b->delivered_at);
	if (erase && b->dead_state)
		borrowed_list_add(&marked, b->state);
	const char *parameters[] = { quoted, borrowed_list_end(&marked) };
	arena_init(&arena);
	if (db_run(db, SQL_BORROWED_RIGHTS, NULL, parameters, 2, &arena, &rows, NULL)) {
		const char *user = db_cell(&rows, 0, 3), *no_update = db_cell(&rows, 0, 2);
		if (db_cell(&rows, 0, 0)[0] != 't')
			SAY(c, FINDING_PROBLEM, "%s: GRANT SELECT ON %s TO %s", db_label(db),
				c->relay->table, user);
		if (erase && db_cell(&rows, 0, 1)[0] != 't')
			SAY(c, FINDING_PROBLEM, "%s: GRANT DELETE ON %s TO %s", db_label(db),
				c->relay->table, user);
		if (no_update)
			SAY(c, FINDING_PROBLEM, "%s: GRANT UPDATE (%s) ON %s TO %s", db_label(db),
				no_update, c->relay->table, user);
	}
	arena_finish(&arena);
	buf_finish(&marked);
	free(quoted);
}

/* A table that Dray did not make. */
static void check_borrowed(const struct checked *c, struct db *db)
{
	struct borrowed_sql sql = { 0 };
	struct error err = { 0 };

	if (!migrate_check(db, MIGRATE_CORE, NULL, &err) ||
		!borrowed_sql_make(&sql, db, c->relay, &err)) {
		problem(c, &err);
		return;
	}
	SAY(c, FINDING_OK, "%s: %s is there, with the columns that are named", db_label(db),
		c->relay->table);
	if (!sql.sorts)
		SAY(c, FINDING_WARNING,
			"%s: ids of type %s tell no order: name columns.order, or events of a key "
			"that are read together can be turned around",
			c->relay->table, sql.id_type);
	if (db_kind(db) == DB_POSTGRES)
		check_rights(c, db);
	borrowed_sql_finish(&sql);
}

static void check_database(const struct checked *c)
{
	struct error err = { 0 };
	struct db *db = db_create(c->relay->database, "dray check", NULL, &err);

	if (c->relay->borrowed.id && db && db_open(db, false, &err)) {
		check_borrowed(c, db);
		if (db_kind(db) == DB_POSTGRES)
			check_postgres(c, db);
		db_destroy(db);
		return;
	}
	if (err.kind != ERROR_NONE || !db || !db_open(db, false, &err) ||
		!migrate_check(db, MIGRATE_OUTBOX, c->relay->table, &err)) {
		problem(c, &err);
		db_destroy(db);
		return;
	}
	SAY(c, FINDING_OK, "%s: %s is there", db_label(db), c->relay->table);
	if (db_kind(db) == DB_POSTGRES)
		check_postgres(c, db);
	check_retention(c, db);
	db_destroy(db);
}

static void check_window(const struct checked *c, const struct stream_info *info)
{
	int64_t window = info->duplicate_window_ns / 1000000;
	int64_t needed = c->relay->lease_ms + LINK_WRITE_DEADLINE_MS;
	char has[32], needs[32];

	units_format_duration(window, has);
	units_format_duration(needed, needs);
	if (window < needed)
		SAY(c, FINDING_PROBLEM,
			"stream %s: duplicate_window is %s; it must be longer than the lease and the write "
			"deadline together (%s), or a relay that was paused can send an event twice",
			info->name, has, needs);
}

static void check_erasing(const struct checked *c, const struct stream_info *info)
{
	if (info->retention != STREAM_LIMITS)
		SAY(c, FINDING_WARNING,
			"stream %s erases what is consumed (%s retention): what is uncertain after a crash "
			"may be sent again",
			info->name, info->retention == STREAM_WORKQUEUE ? "workqueue" : "interest");
	if (info->max_age_ns > 0 || info->max_msgs > 0 || info->max_bytes > 0)
		SAY(c, FINDING_OK, "stream %s keeps events within limits of age, number or size",
			info->name);
	if (info->max_msgs_per_subject > 0)
		SAY(c, FINDING_WARNING,
			"stream %s keeps %" PRId64
			" messages a subject: what is uncertain after a crash may "
			"be sent again",
			info->name, info->max_msgs_per_subject);
	if (info->memory)
		SAY(c, FINDING_WARNING,
			"stream %s is held in memory: a restart of the server loses what it acknowledged",
			info->name);
}

static void check_stream(const struct checked *c, struct link *link)
{
	struct stream_info info;
	struct error err = { 0 };

	if (!stream_get_info(link, c->relay->stream, &info, NULL, &err) ||
		!streams_check(&info, c->relay->ordering == ORDERING_STREAM, &err)) {
		problem(c, &err);
		stream_info_finish(&info);
		return;
	}
	SAY(c, FINDING_OK, "stream %s is there, with %" PRIu64 " messages", info.name,
		info.messages);
	if (c->relay->ordering != ORDERING_STREAM) /* the chain does without */
		check_window(c, &info);
	check_erasing(c, &info);
	stream_info_finish(&info);
}

static void check_nats(const struct checked *c, const struct config *config)
{
	struct link *link = link_create(&config->nats, "dray check", NULL);
	struct error err = { 0 };

	if (!link_connect(link, &err))
		problem(c, &err);
	else if (c->relay->stream)
		check_stream(c, link);
	else
		SAY(c, FINDING_WARNING,
			"no stream: is set, so an acknowledgement of any stream counts; name it");
	link_destroy(link);
}

void relay_preflight(
	const struct config *config, const struct config_relay *relay, struct findings *findings)
{
	struct checked c = { relay, findings };

	check_database(&c);
	check_nats(&c, config);
}
