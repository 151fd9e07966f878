/*
 * What nobody knows for certain: was a row stored before the crash, before the outage, before the database
 * went back to what it was? It is looked up in the stream, whose duplicate window is over long since.
 */
#include "stage.h"

#include <stdio.h>
#include <sys/stat.h>

#include <sqlite3.h>

#define WINDOW_1S "\"duplicate_window\":1000000000"

/* Stored, not settled, killed; the server is away until the window is over. */
static void test_an_outage_longer_than_the_window(void **state)
{
	static const char *const points[] = { "relay.before_settle=kill",
		"relay.after_acknowledgement=kill", "relay.after_settle=kill" };
	struct stage s = stage_set(*state, "window", WINDOW_1S, true);

	for (int turn = 0; turn < 3; turn++) {
		stage_emit(&s, 30 * turn + 1, 30 * turn + 30, 9);
		stage_run(&s, points[turn]);
		stage_is_killed(&s);
		nats_server_end(&nats);
		stage_run(&s, NULL);
		nap(1300);
		nats_server_again(&nats);
		jetstream_close(s.js);
		s.js = jetstream_open(nats.url);
		stage_exact(&s);
		stage_stop(&s);
	}
	assert_int_equal(stage_attempts(&s), 0);
	stage_end(&s);
}

/* --- a database that is an earlier one again --- */

/*
 * A copy with rows 1..30 delivered and 31..40 pending. Then those are delivered too, and 41..60, which the
 * copy will know nothing of. copy is called while the relay has the table open.
 */
static void write_a_future(struct stage *s, void (*copy)(struct stage *s))
{
	stage_run(s, NULL);
	stage_emit(s, 1, 30, 7);
	stage_delivered(s);
	nats_server_pause(&nats);
	stage_emit(s, 31, 40, 7);
	copy(s);
	nats_server_resume(&nats);
	stage_delivered(s);
	stage_emit(s, 41, 60, 7);
	stage_delivered(s);
	stage_archives(s, 60);
	STAGE_FORGOTTEN();
	s->log_from = strlen(proc_log(s->daemon));
}

/* 61..80 are other events than 41..60, whose ids they take again where the database gives them so. */
static void check_the_present(struct stage *s)
{
	stage_emit(s, 61, 80, 7);
	stage_delivered(s);
	stage_archives(s, 80);
	assert_int_equal(stage_rows(s), 60);
	struct oracle_counts counts = stage_count_stream(s);
	assert_int_equal(counts.expected, 60);
	assert_int_equal(counts.leaked, 20); /* the rows that the copy knows nothing of */
	assert_int_equal(counts.lost + counts.duplicated + counts.reordered + counts.altered, 0);
	assert_int_equal(jetstream_count(s->js, s->stream), 80);
	assert_int_equal(stage_attempts(s), 0);
}

static char *copy_path(const struct stage *s)
{
	return scratch_path("%s.copy", s->name);
}

static void copy_file(struct stage *s)
{
	testdb_exec(s->outbox, "VACUUM INTO '%s'", copy_path(s));
}

static void move_file_back(struct stage *s)
{
	const char *path = s->from + strlen("sqlite:");

	testdb_close(s->outbox);
	stage_remove(text("%s-wal", path));
	stage_remove(text("%s-shm", path));
	assert_int_equal(rename(copy_path(s), path), 0);
	s->outbox = testdb_open(s->from);
}

static void test_a_file_put_back(void **state)
{
	struct stage s = stage_set("sqlite", "back", NULL, *state != NULL);

	write_a_future(&s, copy_file);
	stage_stop(&s);
	move_file_back(&s);
	stage_run(&s, NULL);
	check_the_present(&s);
	stage_end(&s);
}

static void test_a_file_moved_under_a_relay(void **state)
{
	struct stage s = stage_set("sqlite", "moved", NULL, *state != NULL);

	write_a_future(&s, copy_file);
	move_file_back(&s);
	stage_says(&s, "warning", "the file was replaced by another");
	check_the_present(&s);
	stage_end(&s);
}

/* As sqlite3's .restore does it: page by page, in a transaction. */
static void restore_pages(struct stage *s)
{
	sqlite3 *from, *to;

	assert_int_equal(sqlite3_open(copy_path(s), &from), SQLITE_OK);
	assert_int_equal(sqlite3_open(s->from + strlen("sqlite:"), &to), SQLITE_OK);
	sqlite3_busy_timeout(to, 10000);
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	assert_non_null(backup);
	int code;
	do {
		code = sqlite3_backup_step(backup, -1);
		if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
			nap(5);
	} while (code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_OK);
	assert_int_equal(code, SQLITE_DONE);
	sqlite3_backup_finish(backup);
	sqlite3_close(from);
	sqlite3_close(to);
}

static void test_a_file_restored_under_a_relay(void **state)
{
	struct stage s = stage_set("sqlite", "pages", NULL, *state != NULL);

	write_a_future(&s, copy_file);
	restore_pages(&s);
	stage_says(&s, "warning", "the database went back to an earlier state");
	check_the_present(&s);
	stage_end(&s);
}

/* The archive goes back to 30 events under the sink, which stores the others again from the stream. */
static void test_a_file_moved_under_a_sink(void **state)
{
	struct stage s = stage_set("sqlite", "archive", NULL, *state != NULL);
	const char *path = s.to + strlen("sqlite:");

	stage_run(&s, NULL);
	stage_emit(&s, 1, 30, 7);
	stage_archives(&s, 30);
	testdb_exec(s.archive, "VACUUM INTO '%s'", copy_path(&s));
	stage_emit(&s, 31, 60, 7);
	stage_archives(&s, 60);
	testdb_close(s.archive);
	stage_remove(text("%s-wal", path));
	stage_remove(text("%s-shm", path));
	assert_int_equal(rename(copy_path(&s), path), 0);
	s.archive = testdb_open(s.to);
	assert_int_equal(stage_archived(&s), 30);
	stage_archives(&s, 60); /* also when nothing new comes */
	stage_says(&s, "warning", "the file was replaced by another");
	stage_emit(&s, 61, 70, 7);
	stage_exact(&s);
	stage_end(&s);
}

/* What a workqueue let go of cannot be stored again; at least it is said. */
static void test_a_file_behind_a_workqueue(void **state)
{
	struct stage s = stage_set(
		"sqlite", "queue", "\"retention\":\"workqueue\"," STAGE_WINDOW, *state == NULL);
	const char *path = s.to + strlen("sqlite:");

	stage_run(&s, NULL);
	stage_emit(&s, 1, 30, 7);
	stage_archives(&s, 30);
	testdb_exec(s.archive, "VACUUM INTO '%s'", copy_path(&s));
	stage_emit(&s, 31, 60, 7);
	stage_archives(&s, 60);
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 0);
	stage_stop(&s);
	testdb_close(s.archive);
	stage_remove(text("%s-wal", path));
	stage_remove(text("%s-shm", path));
	assert_int_equal(rename(copy_path(&s), path), 0);
	s.archive = testdb_open(s.to);
	stage_run(&s, NULL);
	stage_says(&s, "error",
		"up to sequence 60 of stream queue_sqlite was acknowledged, and only up to 30");
	stage_last_error(&s, false, "the database went back");
	stage_emit(&s, 61, 70, 7);
	stage_archives(&s, 40);
	stage_stop(&s);
	s.log_from = strlen(proc_log(s.daemon));
	stage_run(&s, NULL);
	stage_emit(&s, 71, 80, 7);
	stage_archives(&s, 50);
	assert_null(strstr(proc_log(s.daemon) + s.log_from, "went back")); /* said once */
	stage_end(&s);
}

static void connect_anew(struct stage *s)
{
	testdb_try(s->outbox, NULL, "SELECT 1");
	testdb_try(s->archive, NULL, "SELECT 1");
}

static void copy_data(struct stage *s)
{
	pg_server_end(&pg);
	stage_copy(pg.data, copy_path(s));
	pg_server_again(&pg);
	connect_anew(s);
}

/* As from a backup of the machine: everything in it is an earlier one, the archive too. */
static void test_a_data_folder_put_back(void **state)
{
	struct stage s = stage_set("postgres", "folder", NULL, *state == NULL);

	write_a_future(&s, copy_data);
	pg_server_kill(&pg);
	stage_copy(copy_path(&s), pg.data);
	pg_server_again(&pg);
	connect_anew(&s);
	check_the_present(&s);
	stage_end(&s);
}

static char *program(const char *name)
{
	return text("%s/%s", pg.bin, name);
}

static void dump(struct stage *s)
{
	const char *argv[] = { program("pg_dump"), "-Fc", "-f", copy_path(s), s->from, NULL };
	struct result result = command_run(&(struct launch){ .argv = argv }, 60000);

	if (result.status != 0)
		give_up("pg_dump: %s", result.err);
}

/* Into the database as it is, as pg_restore --clean does it. */
static void load_dump(struct stage *s)
{
	const char *argv[] = { program("pg_restore"), "--clean", "-1", "-d", s->from, copy_path(s),
		NULL };

	testdb_close(s->outbox);
	struct result result = command_run(&(struct launch){ .argv = argv }, 60000);
	if (result.status != 0)
		give_up("pg_restore: %s", result.err);
	s->outbox = testdb_open(s->from);
}

static void test_a_dump_loaded(void **state)
{
	struct stage s = stage_set("postgres", "dump", NULL, *state == NULL);

	write_a_future(&s, dump);
	stage_stop(&s);
	load_dump(&s);
	stage_run(&s, NULL);
	check_the_present(&s);
	stage_end(&s);
}

/* In one transaction, so that the relay never misses a table. */
static void test_a_dump_loaded_under_a_relay(void **state)
{
	struct stage s = stage_set("postgres", "under", NULL, *state == NULL);

	write_a_future(&s, dump);
	load_dump(&s);
	stage_says(&s, "warning", "the database went back to an earlier state");
	check_the_present(&s);
	stage_end(&s);
}

/* --- a standby that lacks the last transactions --- */

static struct pg_server standby;

static void run_as_owner(const char *const *argv)
{
	struct result result = command_run(
		&(struct launch){ .argv = argv, .folder = "/", .user = "postgres" }, 60000);

	if (result.status != 0)
		give_up("%s: %s", argv[0], result.err);
}

static void start_standby(void)
{
	standby = (struct pg_server){ .name = text("standby"), .bin = pg.bin, .port = free_port() };
	standby.folder = scratch_path("standby");
	standby.data = text("%s/data", standby.folder);
	mkdir(standby.folder, 0777);
	chmod(standby.folder, 0777);
	const char *argv[] = { program("pg_basebackup"), "-D", standby.data, "-R", "-c", "fast",
		"--no-sync", "-h", pg.folder, "-p", text("%d", pg.port), "-U", "postgres", NULL };
	run_as_owner(argv);
	pg_server_again(&standby);
}

static char *both_servers(const struct pg_server *a, const struct pg_server *b, const char *url)
{
	const char *database = url + strlen("postgresql:///");

	return text("postgresql:///%.*s?host=%s,%s&port=%d,%d&user=postgres"
		    "&target_session_attrs=read-write",
		(int)strcspn(database, "?"), database, a->folder, b->folder, a->port, b->port);
}

/* The standby has all that was committed until now, and gets nothing any more. */
static void cut_standby_off(struct stage *s)
{
	char *at = testdb_text(s->outbox, "SELECT pg_current_wal_insert_lsn()");
	struct testdb *look = testdb_open(pg_server_url(&standby, "postgres"));

	WAIT_UNTIL(
		20000, testdb_int(look, "SELECT (pg_last_wal_replay_lsn() >= '%s')::int", at) == 1);
	testdb_close(look);
	pg_server_end(&standby);
}

static void fail_over(struct stage *s)
{
	pg_server_kill(&pg);
	pg_server_again(&standby);
	struct testdb *look = testdb_open(pg_server_url(&standby, "postgres"));
	testdb_exec(look, "SELECT pg_promote()");
	testdb_close(look);
	testdb_close(s->outbox);
	testdb_close(s->archive);
	s->outbox = testdb_open(s->from);
	s->archive = testdb_open(s->to);
}

static void test_a_standby_promoted(void **state)
{
	struct stage s = stage_set("postgres", "standby", NULL, *state == NULL);

	start_standby();
	s.from = both_servers(&pg, &standby, s.from);
	s.to = both_servers(&pg, &standby, s.to);
	stage_configure(&s, *state == NULL);
	write_a_future(&s, cut_standby_off);
	fail_over(&s);
	assert_int_equal(stage_rows(&s), 40);
	check_the_present(&s);
	stage_end(&s);
	pg_server_end(&standby);
	pg_server_again(&pg);
}

/* What runs always, and what runs where the long runs are asked for. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_an_outage_longer_than_the_window, "postgres"),
		cmocka_unit_test(test_a_file_moved_under_a_relay),
		cmocka_unit_test(test_a_file_restored_under_a_relay),
		cmocka_unit_test(test_a_file_moved_under_a_sink),
		cmocka_unit_test(test_a_file_behind_a_workqueue),
	};
	const struct CMUnitTest more[] = {
		FOR_ONE(test_an_outage_longer_than_the_window, "sqlite"),
		cmocka_unit_test(test_a_file_put_back),
		cmocka_unit_test(test_a_standby_promoted),
		cmocka_unit_test(test_a_data_folder_put_back),
		cmocka_unit_test(test_a_dump_loaded),
		cmocka_unit_test(test_a_dump_loaded_under_a_relay),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("uncertain", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("uncertain, more", more, NULL, NULL);
	return failed;
}
