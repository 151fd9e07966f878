/*
 * Permissions that are taken away while everything runs, and given back: relay and sink say once what is
 * missing, wait, and go on by themselves. No row's attempts grow, nothing is lost or sent twice.
 */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTHING_DENIED ""

/* The users of nats-server: the tests' own may do everything, Dray's what is not denied. */
static char *users(const char *password, const char *denied)
{
	return text(
		"authorization { users: [ { user: test, password: test },\n"
		"  { user: dray, password: \"%s\", permissions: { publish: { allow: [\">\"] %s } "
		"} } ] }\n",
		password, denied);
}

static void reload(const char *password, const char *denied)
{
	char *config = file_read(nats.config), *old = strstr(config, "authorization {");

	assert_non_null(old);
	*old = '\0';
	size_t before = occurrences(proc_log(nats.proc), "Reloaded");
	file_write(nats.config, text("%s%s", config, users(password, denied)));
	proc_signal(nats.proc, SIGHUP);
	WAIT_UNTIL(10000, occurrences(proc_log(nats.proc), "Reloaded") > before);
}

static int start(void **state)
{
	char *url;

	nats_server_start(&nats, "nats", users("right", NOTHING_DENIED));
	url = nats.url;
	nats.url = text("nats://test:test@%s", url + strlen("nats://"));
	dray_environment("NATS_URL", nats.url);
	pg_server_start(&pg, "pg", NULL);
	(void)state;
	return 0;
}

/* Both work, as the user whose permissions are at stake. */
static struct stage begin(const char *kind, const char *name)
{
	char *url = nats.url;

	reload("right", NOTHING_DENIED);
	nats.url = text("nats://dray:right@127.0.0.1:%d", nats.port);
	struct stage s = stage_set(kind, name, NULL, true);
	nats.url = url;
	jetstream_close(s.js);
	s.js = jetstream_open(nats.url);
	stage_run(&s, NULL);
	stage_emit(&s, 1, 30, 7);
	stage_exact(&s);
	nap(300);
	s.log_from = strlen(proc_log(s.daemon));
	return s;
}

/* The config of a test may be read by everybody, which is no trouble here. */
static size_t warnings(struct stage *s)
{
	return lines_with(proc_log(s->daemon), s->log_from, "Z warning ", "") +
		lines_with(proc_log(s->daemon), s->log_from, "Z error ", "") -
		lines_with(proc_log(s->daemon), s->log_from, "holds a secret", "");
}

/* At most a line for what broke and one for what is missing, a pipeline; and everything arrives. */
static void is_well_again(struct stage *s)
{
	stage_exact(s);
	assert_int_equal(stage_attempts(s), 0);
	assert_int_equal(testdb_in_state(s->outbox, "dead"), 0);
	size_t lines = warnings(s);
	if (lines > 4)
		give_up("%zu lines of trouble:\n%s", lines, proc_log(s->daemon) + s->log_from);
	stage_emit(s, 61, 70, 7);
	stage_exact(s);
	stage_end(s);
}

/* The server reads what Dray may do; both notice; it may do so again. */
static void nats_denies(const char *kind, const char *name, const char *password,
	const char *denied, const char *says)
{
	struct stage s = begin(kind, name);

	reload(password, denied);
	stage_emit(&s, 31, 60, 7);
	stage_says(&s, "warning", says);
	nap(1500);
	reload("right", NOTHING_DENIED);
	is_well_again(&s);
}

static void test_publishing_is_denied(void **state)
{
	nats_denies(*state, "publish", "right", text(", deny: [\"publish_%s.>\"]", (char *)*state),
		"Permissions Violation");
}

static void test_the_api_is_denied(void **state)
{
	nats_denies(*state, "api", "right", ", deny: [\"$JS.API.>\"]", "Permissions Violation");
}

static void test_inboxes_are_denied(void **state)
{
	nats_denies(*state, "inbox", "right", "}, subscribe: { deny: [\"_INBOX.>\"]",
		"Permissions Violation");
}

static void test_the_password_is_changed(void **state)
{
	nats_denies(*state, "password", "wrong", NOTHING_DENIED, "uth");
}

/* --- PostgreSQL --- */

static char *as_role(const char *url)
{
	char *copy = text("%s", url), *user = strstr(copy, "user=");

	*user = '\0';
	return text("%suser=role_of_dray", copy);
}

static void grant(struct testdb *db)
{
	testdb_exec(db, "GRANT USAGE ON SCHEMA dray TO role_of_dray");
	testdb_exec(db,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dray TO role_of_dray");
}

static struct stage begin_as_role(void)
{
	reload("right", NOTHING_DENIED);
	struct stage s = stage_set("postgres", "role", NULL, true);

	testdb_exec(s.outbox, "CREATE ROLE role_of_dray LOGIN");
	grant(s.outbox);
	grant(s.archive);
	s.dray_from = as_role(s.from);
	s.dray_to = as_role(s.to);
	stage_configure(&s, true);
	stage_run(&s, NULL);
	return s;
}

static void terminate(struct testdb *db)
{
	testdb_exec(db,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
		"'role_of_dray'");
}

static void test_a_role_loses_its_rights(void **state)
{
	static const struct {
		bool relay;
		const char *take, *give, *says;
	} cases[] = {
		{ true, "REVOKE UPDATE ON dray.outbox FROM role_of_dray",
			"GRANT UPDATE ON dray.outbox TO role_of_dray",
			"permission denied for table outbox" },
		{ true, "REVOKE SELECT ON dray.outbox FROM role_of_dray",
			"GRANT SELECT ON dray.outbox TO role_of_dray",
			"permission denied for table outbox" },
		{ true, "REVOKE ALL ON dray.relay_position FROM role_of_dray",
			"GRANT ALL ON dray.relay_position TO role_of_dray",
			"permission denied for table relay_position" },
		{ true, "REVOKE ALL ON dray.lease FROM role_of_dray",
			"GRANT ALL ON dray.lease TO role_of_dray",
			"permission denied for table lease" },
		{ true, "REVOKE USAGE ON SCHEMA dray FROM role_of_dray",
			"GRANT USAGE ON SCHEMA dray TO role_of_dray",
			"permission denied for schema dray" },
		{ false, "REVOKE INSERT ON dray.events FROM role_of_dray",
			"GRANT INSERT ON dray.events TO role_of_dray",
			"permission denied for table events" },
		{ false, "REVOKE UPDATE ON dray.sink_position FROM role_of_dray",
			"GRANT UPDATE ON dray.sink_position TO role_of_dray",
			"permission denied for table sink_position" },
		{ true, "ALTER ROLE role_of_dray NOLOGIN", "ALTER ROLE role_of_dray LOGIN",
			"not permitted to log in" },
	};
	struct stage s = begin_as_role();

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct testdb *db = cases[i].relay ? s.outbox : s.archive;
		stage_emit(&s, 20 * i + 1, 20 * i + 10, 7);
		stage_exact(&s);
		nap(300);
		s.log_from = strlen(proc_log(s.daemon));
		testdb_exec(db, "%s", cases[i].take);
		if (i == 7)
			terminate(db);
		stage_emit(&s, 20 * i + 11, 20 * i + 20, 7);
		stage_says(&s, "warning", cases[i].says);
		nap(1000);
		testdb_exec(db, "%s", cases[i].give);
		stage_exact(&s);
		assert_int_equal(stage_attempts(&s), 0);
		if (warnings(&s) > (i == 7 ? 4 : 1))
			give_up("%zu lines of trouble:\n%s", warnings(&s),
				proc_log(s.daemon) + s.log_from);
	}
	stage_end(&s);
}

/* --- SQLite --- */

static void set_mode(const char *url, mode_t mode)
{
	const char *path = url + strlen("sqlite:");

	chmod(path, mode);
	chmod(text("%s-wal", path), mode);
	chmod(text("%s-shm", path), mode);
}

/* A file that is open stays open to whoever has it; the rights count when it is opened again. */
static void test_a_file_that_may_not_be_written(void **state)
{
	struct stage s = stage_set("sqlite", "rights", NULL, true);

	(void)state;
	reload("right", NOTHING_DENIED);
	dray_user(geteuid() == 0 ? "nobody" : NULL);
	testdb_int(s.archive, "SELECT count(*) FROM dray_events"); /* so that it has its -wal */
	stage_emit(&s, 1, 10, 7);
	chmod(scratch(), 0777);
	set_mode(s.to, 0666);
	set_mode(s.from, 0444);
	stage_run(&s, NULL);
	stage_says(&s, "warning", "readonly database");
	nap(1000);
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 10);
	set_mode(s.from, 0666);
	stage_exact(&s);
	assert_int_equal(warnings(&s), 1);
	stage_end(&s);
	dray_user(NULL);
}

/* What runs always, and what runs where the long runs are asked for. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_the_password_is_changed, "sqlite"),
		cmocka_unit_test(test_a_file_that_may_not_be_written),
	};
	const struct CMUnitTest more[] = {
		FOR_BOTH(test_publishing_is_denied),
		FOR_BOTH(test_the_api_is_denied),
		FOR_BOTH(test_inboxes_are_denied),
		FOR_ONE(test_the_password_is_changed, "postgres"),
		cmocka_unit_test(test_a_role_loses_its_rights),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("permissions", tests, start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("permissions, more", more, NULL, NULL);
	return failed;
}
