/*
 * Migrations. Each runs in one transaction together with its row in schema_version. A migration that
 * fails is looked for once more: somebody else may have been faster.
 */
#include "db/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "db/embedded.h"

#define WAL_TRIES   50
#define WAL_WAIT_MS 100

/* What one call works on; the rows of schema_version as they were last read. */
struct migrate {
	struct db *db;
	enum migrate_target target;
	const char *table; /* NULL: the core only */
	struct arena arena;
	struct db_rows rows;
};

enum column { COLUMN_VERSION, COLUMN_TARGET, COLUMN_CHECKSUM };

static const char *const outbox_columns[] = { "id", "event_id", "subject", "key", "headers",
	"payload", "created_at", "available_at", "state", "attempts", "retry_at", "last_error",
	"delivered_at", "stream", "stream_seq", NULL };
static const char *const events_columns[] = { "stream", "epoch", "seq", "subject", "key", "msg_id",
	"headers", "payload", "published_at", NULL };

static const struct embedded_migration *list_of(const struct db *db)
{
	return db_kind(db) == DB_SQLITE ? embedded_migrations_sqlite : embedded_migrations_postgres;
}

static enum migrate_target target_of(const struct embedded_migration *migration)
{
	if (strncmp(migration->name, "outbox", 6) == 0)
		return MIGRATE_OUTBOX;
	return strncmp(migration->name, "events", 6) == 0 ? MIGRATE_EVENTS : MIGRATE_CORE;
}

static bool is_wanted(const struct migrate *work, const struct embedded_migration *migration)
{
	enum migrate_target target = target_of(migration);

	return target == MIGRATE_CORE || (work->table && target == work->target);
}

/* What schema_version calls it: the table, or "". */
static const char *target_name(
	const struct migrate *work, const struct embedded_migration *migration)
{
	return target_of(migration) == MIGRATE_CORE ? "" : work->table;
}

static void checksum_of(const struct embedded_migration *migration, char text[20])
{
	snprintf(text, 20, "%016" PRIx64, hash_slice(slice_of(migration->text)));
}

/* A schema that a newer program made must not be touched. */
static bool check_newest(const struct migrate *work, struct error *err)
{
	int known = 0, found = 0;

	for (const struct embedded_migration *one = list_of(work->db); one->version; one++)
		known = one->version > known ? one->version : known;
	for (size_t i = 0; i < work->rows.rows; i++) {
		int version = atoi(db_cell(&work->rows, i, COLUMN_VERSION));
		found = version > found ? version : found;
	}
	return found <= known ||
		error_set(err, ERROR_SCHEMA,
			"%s: the tables are version %d, this program knows %d: use a newer dray",
			db_label(work->db), found, known);
}

static bool read_versions(struct migrate *work, struct error *err)
{
	struct db_rows found;

	arena_reset(&work->arena);
	work->rows = (struct db_rows){ 0 };
	if (!db_run(work->db, SQL_SCHEMA_EXISTS, NULL, NULL, 0, &work->arena, &found, err))
		return false;
	if (strcmp(db_cell(&found, 0, 0), "0") == 0)
		return true;
	return db_run(work->db, SQL_SCHEMA_VERSIONS, NULL, NULL, 0, &work->arena, &work->rows,
		       err) &&
		check_newest(work, err);
}

static bool is_applied(const struct migrate *work, const struct embedded_migration *migration,
	bool *applied, struct error *err)
{
	char checksum[20];

	*applied = false;
	checksum_of(migration, checksum);
	for (size_t i = 0; i < work->rows.rows; i++) {
		if (atoi(db_cell(&work->rows, i, COLUMN_VERSION)) != migration->version ||
			strcmp(db_cell(&work->rows, i, COLUMN_TARGET),
				target_name(work, migration)) != 0)
			continue;
		*applied = true;
		return strcmp(db_cell(&work->rows, i, COLUMN_CHECKSUM), checksum) == 0 ||
			error_set(err, ERROR_SCHEMA,
				"%s: migration %d (%s) was applied with another text than this "
				"program's; use the dray that made the tables, or a released one",
				db_label(work->db), migration->version, migration->name);
	}
	return true;
}

static void add_migration(
	const struct migrate *work, const struct embedded_migration *migration, struct buf *script)
{
	if (target_of(migration) == MIGRATE_CORE) {
		buf_add_text(script, migration->text);
		return;
	}
	char *quoted = db_quote_table(work->table, NULL);
	char *text = db_expand(migration->text, quoted);
	buf_add_text(script, text);
	free(text);
	free(quoted);
}

/* The names in the last line are Dray's own or a checked table's: nothing in them needs quoting. */
static bool run_migration(
	const struct migrate *work, const struct embedded_migration *migration, struct error *err)
{
	bool postgres = db_kind(work->db) == DB_POSTGRES;
	struct buf script = { 0 };
	char checksum[20];

	checksum_of(migration, checksum);
	if (postgres) {
		char *lock = db_statement_text(DB_POSTGRES, SQL_SCHEMA_LOCK, NULL);
		buf_add_text(&script, lock);
		free(lock);
	}
	add_migration(work, migration, &script);
	buf_format(&script,
		"\nINSERT INTO %s (version, target, name, checksum) VALUES (%d, '%s', '%s', '%s');",
		postgres ? "dray.schema_version" : "dray_schema_version", migration->version,
		target_name(work, migration), migration->name, checksum);
	bool ok = db_script(work->db, script.data, err);
	buf_finish(&script);
	return ok;
}

static bool apply_one(struct migrate *work, const struct embedded_migration *migration,
	struct migrate_report *report, struct error *err)
{
	struct error other;
	bool applied;

	if (!read_versions(work, err) || !is_applied(work, migration, &applied, err))
		return false;
	if (applied)
		return true;
	if (run_migration(work, migration, err)) {
		report->applied++;
		return true;
	}
	if (db_is_open(work->db) && read_versions(work, &other) &&
		is_applied(work, migration, &applied, &other) && applied)
		return true;
	return error_prefix(err, "migration %d (%s%s%s)", migration->version, migration->name,
		*target_name(work, migration) ? " of " : "", target_name(work, migration));
}

static bool journal_mode(
	struct migrate *work, enum statement statement, bool *wal, struct error *err)
{
	struct db_rows rows;

	if (!db_run(work->db, statement, NULL, NULL, 0, &work->arena, &rows, err))
		return false;
	*wal = rows.rows == 1 && strcmp(db_cell(&rows, 0, 0), "wal") == 0;
	return true;
}

/* The switch needs the file for itself, and does not wait for it: try for a while. */
static bool switch_to_wal(struct migrate *work, struct migrate_report *report, struct error *err)
{
	bool wal;

	if (!journal_mode(work, SQL_JOURNAL_MODE, &wal, err))
		return false;
	if (wal)
		return true;
	for (int i = 0; !journal_mode(work, SQL_JOURNAL_WAL, &wal, err); i++) {
		if (err->kind != ERROR_UNAVAILABLE || i == WAL_TRIES)
			return error_prefix(err, "switching to WAL");
		clock_sleep_ms(WAL_WAIT_MS);
	}
	if (!wal)
		return error_set(err, ERROR_SCHEMA,
			"%s: cannot be switched to WAL; it must be a file on a local disk",
			db_label(work->db));
	report->switched_to_wal = true;
	return true;
}

static bool apply_all(struct migrate *work, struct migrate_report *report, struct error *err)
{
	if (db_kind(work->db) == DB_SQLITE && !switch_to_wal(work, report, err))
		return false;
	for (const struct embedded_migration *one = list_of(work->db); one->version; one++)
		if (is_wanted(work, one) && !apply_one(work, one, report, err))
			return false;
	return true;
}

static bool check_table_name(const char *table, struct error *err)
{
	char *quoted = table ? db_quote_table(table, err) : NULL;

	free(quoted);
	return !table || quoted;
}

bool migrate_apply(struct db *db, enum migrate_target target, const char *table,
	struct migrate_report *report, struct error *err)
{
	struct migrate work = { .db = db, .target = target, .table = table };
	struct error local;

	*report = (struct migrate_report){ 0 };
	if (!check_table_name(table, err))
		return false;
	arena_init(&work.arena);
	bool ok = apply_all(&work, report, err ? err : &local);
	arena_finish(&work.arena);
	return ok;
}

static bool has_column(const struct db_rows *columns, const char *name)
{
	for (size_t i = 0; i < columns->rows; i++)
		if (strcmp(db_cell(columns, i, 0), name) == 0)
			return true;
	return false;
}

static bool lacks(const struct migrate *work, const char *column, struct error *err)
{
	return error_set(err, ERROR_SCHEMA,
		"%s: the table %s lacks the column %s; it is not Dray's", db_label(work->db),
		work->table, column);
}

static bool compare_columns(
	const struct migrate *work, const struct db_rows *columns, struct error *err)
{
	bool outbox = work->target == MIGRATE_OUTBOX;
	const char *const *name = outbox ? outbox_columns : events_columns;

	if (columns->rows == 0)
		return error_set(err, ERROR_SCHEMA,
			"%s: the table %s does not exist; run \"dray migrate\"", db_label(work->db),
			work->table);
	for (; *name; name++)
		if (!has_column(columns, *name))
			return lacks(work, *name, err);
	if (outbox && db_kind(work->db) == DB_POSTGRES && !has_column(columns, "txid"))
		return lacks(work, "txid", err);
	return true;
}

static bool check_columns(struct migrate *work, struct error *err)
{
	struct db_rows columns;

	return db_columns(work->db, work->table, &work->arena, &columns, err) &&
		compare_columns(work, &columns, err);
}

static bool check_versions(struct migrate *work, struct error *err)
{
	for (const struct embedded_migration *one = list_of(work->db); one->version; one++) {
		bool applied = true;
		if (is_wanted(work, one) && !is_applied(work, one, &applied, err))
			return false;
		if (!applied)
			return error_set(err, ERROR_SCHEMA,
				"%s: migration %d (%s%s%s) is missing; run \"dray migrate\"",
				db_label(work->db), one->version, one->name,
				*target_name(work, one) ? " of " : "", target_name(work, one));
	}
	return true;
}

bool migrate_check(struct db *db, enum migrate_target target, const char *table, struct error *err)
{
	struct migrate work = { .db = db, .target = target, .table = table };

	if (!check_table_name(table, err))
		return false;
	arena_init(&work.arena);
	bool ok = read_versions(&work, err) && (!table || check_columns(&work, err)) &&
		check_versions(&work, err);
	arena_finish(&work.arena);
	return ok;
}
