/* Migrations: the same cases on both databases, each case in a database of its own. */
#include "both.h"

#include <pthread.h>

#include "db/migrate.h"

static int databases;

/* A fresh, empty database, and how to look into it. */
struct fresh {
	char *url;
	struct testdb *look;
	struct db *db;
	const char *outbox, *events;
};

static struct fresh make(bool postgres)
{
	struct fresh fresh;
	struct error err;
	char *name = text("fresh%d", ++databases);

	if (postgres)
		pg_server_make_database(&server, name);
	fresh.url = postgres ? pg_server_url(&server, name)
			     : text("sqlite:%s", scratch_path("%s.db", name));
	fresh.db = db_create(fresh.url, "test", NULL, &err);
	if (!fresh.db || !db_open(fresh.db, true, &err))
		give_up("%s", err.text);
	fresh.look = testdb_open(fresh.url);
	fresh.outbox = postgres ? "dray.outbox" : "dray_outbox";
	fresh.events = postgres ? "dray.events" : "dray_events";
	return fresh;
}

static void drop(struct fresh *fresh)
{
	testdb_close(fresh->look);
	db_destroy(fresh->db);
}

static struct migrate_report apply(
	const struct fresh *fresh, enum migrate_target target, const char *table)
{
	struct migrate_report report;
	struct error err;

	if (!migrate_apply(fresh->db, target, table, &report, &err))
		give_up("%s", err.text);
	return report;
}

static void good(const struct fresh *fresh, enum migrate_target target, const char *table)
{
	struct error err;

	if (!migrate_check(fresh->db, target, table, &err))
		give_up("%s", err.text);
}

static void refused(const struct fresh *fresh, enum migrate_target target, const char *table,
	const char *wanted)
{
	struct error err;

	if (migrate_check(fresh->db, target, table, &err))
		give_up("%s: %s was found good", fresh->url, table ? table : "the core");
	assert_int_equal(err.kind, ERROR_SCHEMA);
	assert_contains(err.text, wanted);
}

static void tables_are_made_once(bool postgres)
{
	struct fresh fresh = make(postgres);

	refused(&fresh, MIGRATE_CORE, NULL, "migration 1 (core) is missing; run \"dray migrate\"");
	refused(&fresh, MIGRATE_OUTBOX, fresh.outbox,
		text("the table %s does not exist; run \"dray migrate\"", fresh.outbox));
	struct migrate_report report = apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	assert_int_equal(report.applied, postgres ? 10 : 9);
	assert_int_equal(report.switched_to_wal, !postgres);
	good(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	refused(&fresh, MIGRATE_EVENTS, fresh.events, "does not exist");
	report = apply(&fresh, MIGRATE_EVENTS, fresh.events);
	assert_int_equal(report.applied, 1);
	assert_false(report.switched_to_wal);
	report = apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	assert_int_equal(report.applied, 0);
	good(&fresh, MIGRATE_EVENTS, fresh.events);
	testdb_emit(fresh.look, "a", "k", "{\"h\":\"v\"}", "x");
	assert_int_equal(testdb_in_state(fresh.look, "pending"), 1);
	drop(&fresh);
}

/* Two outboxes in one database are two targets of the same migration. */
static void each_table_is_a_target(bool postgres)
{
	struct fresh fresh = make(postgres);

	apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	struct migrate_report report = apply(&fresh, MIGRATE_OUTBOX, "second");
	assert_int_equal(report.applied, 1);
	good(&fresh, MIGRATE_OUTBOX, "second");
	refused(&fresh, MIGRATE_EVENTS, "second", "lacks the column epoch");
	assert_int_equal(testdb_int(fresh.look, "SELECT count(*) FROM %s WHERE version = 2",
				 testdb_table(fresh.look, "schema_version")),
		2);
	drop(&fresh);
}

static void what_is_missing_is_named(bool postgres)
{
	struct fresh fresh = make(postgres);

	apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	testdb_exec(fresh.look, "ALTER TABLE %s DROP COLUMN last_error", fresh.outbox);
	refused(&fresh, MIGRATE_OUTBOX, fresh.outbox,
		text("the table %s lacks the column last_error", fresh.outbox));
	testdb_exec(fresh.look, "DROP TABLE %s", fresh.outbox);
	refused(&fresh, MIGRATE_OUTBOX, fresh.outbox, "does not exist");
	drop(&fresh);
}

static void a_newer_schema_is_left_alone(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct migrate_report report;
	struct error err;

	apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	testdb_exec(fresh.look,
		"INSERT INTO %s (version, target, name, checksum) VALUES (99, '', 'later', 'x')",
		testdb_table(fresh.look, "schema_version"));
	refused(&fresh, MIGRATE_OUTBOX, fresh.outbox,
		text("the tables are version 99, this program knows %d: use a newer dray",
			postgres ? 11 : 10));
	assert_false(migrate_apply(fresh.db, MIGRATE_EVENTS, fresh.events, &report, &err));
	assert_contains(err.text, "use a newer dray");
	assert_int_equal(report.applied, 0);
	drop(&fresh);
}

static void another_text_is_noticed(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct migrate_report report;
	struct error err;

	apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	testdb_exec(fresh.look, "UPDATE %s SET checksum = 'x' WHERE version = 2",
		testdb_table(fresh.look, "schema_version"));
	refused(&fresh, MIGRATE_OUTBOX, fresh.outbox,
		"migration 2 (outbox) was applied with another");
	assert_false(migrate_apply(fresh.db, MIGRATE_OUTBOX, fresh.outbox, &report, &err));
	assert_contains(err.text, "migration 2 (outbox) was applied with another");
	drop(&fresh);
}

/* A migration that fails leaves nothing behind, and works once the cause is gone. */
static void a_failure_changes_nothing(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct migrate_report report;
	struct error err;

	apply(&fresh, MIGRATE_CORE, NULL);
	testdb_exec(fresh.look, "CREATE TABLE %s (id int)", fresh.outbox);
	assert_false(migrate_apply(fresh.db, MIGRATE_OUTBOX, fresh.outbox, &report, &err));
	assert_contains(err.text, text("migration 2 (outbox of %s)", fresh.outbox));
	assert_contains(err.text, "already exists");
	assert_int_equal(testdb_int(fresh.look, "SELECT count(*) FROM %s WHERE version = 2",
				 testdb_table(fresh.look, "schema_version")),
		0);
	testdb_exec(fresh.look, "DROP TABLE %s", fresh.outbox);
	apply(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	good(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	drop(&fresh);
}

static void bad_names_are_refused(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct migrate_report report;
	struct error err;

	assert_false(migrate_apply(fresh.db, MIGRATE_OUTBOX, "a; DROP TABLE b", &report, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_contains(err.text, "is not a table name");
	assert_false(migrate_check(fresh.db, MIGRATE_OUTBOX, "a'b", &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	drop(&fresh);
}

#define AT_ONCE 6

struct racer {
	pthread_t thread;
	const struct fresh *fresh;
	int applied;
	struct error err;
};

static void *race(void *argument)
{
	struct racer *racer = argument;
	struct db *db = db_create(racer->fresh->url, "racer", NULL, &racer->err);
	struct migrate_report report = { 0 };

	if (db && db_open(db, true, &racer->err) &&
		migrate_apply(db, MIGRATE_OUTBOX, racer->fresh->outbox, &report, &racer->err))
		racer->err.kind = ERROR_NONE;
	racer->applied = report.applied;
	db_destroy(db);
	return NULL;
}

/* Each migration is applied by exactly one of them, and none fails. */
static void several_at_once_are_fine(bool postgres)
{
	struct fresh fresh = make(postgres);
	struct racer racers[AT_ONCE];
	int applied = 0;

	for (int i = 0; i < AT_ONCE; i++) {
		racers[i] = (struct racer){ .fresh = &fresh };
		pthread_create(&racers[i].thread, NULL, race, &racers[i]);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		pthread_join(racers[i].thread, NULL);
		if (racers[i].err.kind != ERROR_NONE)
			give_up("%s", racers[i].err.text);
		applied += racers[i].applied;
	}
	assert_int_equal(applied, postgres ? 10 : 9);
	good(&fresh, MIGRATE_OUTBOX, fresh.outbox);
	drop(&fresh);
}

ON_BOTH(tables_are_made_once)
ON_BOTH(each_table_is_a_target)
ON_BOTH(what_is_missing_is_named)
ON_BOTH(a_newer_schema_is_left_alone)
ON_BOTH(another_text_is_noticed)
ON_BOTH(a_failure_changes_nothing)
ON_BOTH(bad_names_are_refused)
ON_BOTH(several_at_once_are_fine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(tables_are_made_once),
		BOTH(each_table_is_a_target),
		BOTH(what_is_missing_is_named),
		BOTH(a_newer_schema_is_left_alone),
		BOTH(another_text_is_noticed),
		BOTH(a_failure_changes_nothing),
		BOTH(bad_names_are_refused),
		BOTH(several_at_once_are_fine),
	};

	return cmocka_run_group_tests(tests, server_start, server_stop);
}
