/*
 * The roles of docs/postgresql-roles.sql and the users of docs/nats-server.conf: they suffice for all work,
 * also after a crash, and for nothing else.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>

static struct testdb *owner;

static int start(void **state)
{
	const char *suffix = *state ? *state : "limits";

	nats_server_start(
		&nats, text("nats_%s", suffix), file_read(project_path("docs/nats-server.conf")));
	pg_server_start(&pg, text("pg_%s", suffix), NULL);
	pg_server_make_database(&pg, "shop");
	owner = testdb_open(pg_server_url(&pg, "shop"));
	return 0;
}

static int end(void **state)
{
	(void)state;
	testdb_close(owner);
	nats_server_kill(&nats);
	pg_server_kill(&pg);
	return 0;
}

static char *as(const char *role)
{
	char *url = pg_server_url(&pg, "shop"), *user = strstr(url, "user=");

	*user = '\0';
	return text("%suser=%s", url, role);
}

/* A config whose users on both sides are these. */
static char *config_of(const char *name, const char *user, const char *pipelines)
{
	char *path = scratch_path("%s.yaml", name);

	file_write(path,
		text("nats: { url: \"nats://127.0.0.1:%d\", user: %s, password: %s-password }\n"
		     "streams: [ { name: SHOP, subjects: [\"shop.>\"] } ]\n%s",
			nats.port, user, user, pipelines));
	return path;
}

static char *relay_config(const char *role, const char *user)
{
	return config_of(text("relay_%s", role), user,
		text("relays: [ { name: out, database: \"%s\", stream: SHOP, lease: 1s } ]\n",
			as(role)));
}

static char *sink_config(const char *role, const char *consumer)
{
	return config_of("sink", "sink",
		text("sinks: [ { name: in, database: \"%s\", stream: SHOP, lease: 1s %s } ]\n",
			as(role), consumer));
}

/* What an owner does once. */
static void set_up(const char *retention)
{
	struct jetstream *js =
		jetstream_open(text("nats://owner:owner-password@127.0.0.1:%d", nats.port));

	if (strcmp(retention, "limits") != 0)
		jetstream_make(js, "SHOP", "\"shop.>\"", text("\"retention\":\"%s\"", retention));
	jetstream_close(js);
	dray_expect(0, "migrate", "-c", relay_config("postgres", "owner"));
	dray_expect(0, "migrate", pg_server_url(&pg, "shop"));
	for (int times = 0; times < 2; times++)
		testdb_exec(owner, "%s", file_read(project_path("docs/postgresql-roles.sql")));
	testdb_exec(owner,
		"CREATE ROLE relay LOGIN IN ROLE dray_relay; CREATE ROLE sink LOGIN IN ROLE dray_sink; "
		"CREATE ROLE app LOGIN IN ROLE dray_writer; CREATE ROLE eye LOGIN IN ROLE dray_watcher");
}

static void writes(struct testdb *app, int from, int to)
{
	for (int i = from; i <= to; i++) {
		testdb_exec(app, "SELECT dray.emit('shop.order', '{\"id\":%d}'::jsonb, 'k%d')", i,
			i % 5);
		testdb_exec(app,
			"INSERT INTO dray.outbox (subject, key, payload, available_at) VALUES "
			"('shop.click', 'k%d', 'x', now() + interval '1 ms') RETURNING event_id",
			i % 7);
	}
}

static int64_t archived(void)
{
	return testdb_int(owner, "SELECT count(*) FROM dray.events");
}

static void may_not(struct testdb *db, const char *sql)
{
	char *words = NULL;

	assert_false(testdb_try(db, &words, sql));
	assert_contains(words, "permission denied");
}

static void nothing_else(void)
{
	struct testdb *app = testdb_open(as("app")), *relay = testdb_open(as("relay")),
		      *sink = testdb_open(as("sink")), *eye = testdb_open(as("eye"));

	may_not(app, "SELECT payload FROM dray.outbox");
	may_not(app, "UPDATE dray.outbox SET subject = 'shop.x'");
	may_not(app, "INSERT INTO dray.outbox (subject, payload, state) VALUES ('s', 'x', 'dead')");
	may_not(app, "SELECT * FROM dray.events");
	may_not(relay, "UPDATE dray.outbox SET payload = 'x'");
	may_not(relay, "INSERT INTO dray.outbox (subject, payload) VALUES ('s', 'x')");
	may_not(relay, "SELECT * FROM dray.events");
	may_not(sink, "SELECT * FROM dray.outbox");
	may_not(sink, "DELETE FROM dray.events");
	may_not(sink, "UPDATE dray.events SET payload = 'x'");
	may_not(eye, "UPDATE dray.pipeline SET state = 'x'");
	testdb_close(app);
	testdb_close(relay);
	testdb_close(sink);
	testdb_close(eye);
}

/* The sink's user may not publish, the relay's nowhere else. */
static void nats_denies(const char *user, const char *subject)
{
	struct jetstream *js =
		jetstream_open(text("nats://%s:%s-password@127.0.0.1:%d", user, user, nats.port));
	uint64_t seq;

	assert_false(jetstream_try_publish(js, subject, "id", "x", &seq));
	jetstream_close(js);
}

static void test_all_work(void **state)
{
	char *relay = relay_config("relay", "relay");
	char *sink = sink_config("sink", *state ? ", consumer: dray" : "");

	set_up(*state ? "workqueue" : "limits");
	dray_expect(0, "check", "-c", relay);
	dray_expect(0, "check", "-c", sink);
	struct proc *storing = dray_start("sink", NULL, "run", "-c", sink);
	struct testdb *app = testdb_open(as("app"));
	writes(app, 1, 50);
	struct proc *first = dray_start("relay", "relay.before_settle=kill", "run", "-c", relay);
	assert_int_equal(proc_wait(first, 30000), 128 + SIGKILL);
	struct proc *second = dray_start("relay", NULL, "run", "-c", relay);
	writes(app, 51, 60);
	WAIT_UNTIL(40000, archived() == 120);
	WAIT_UNTIL(10000, testdb_in_state(owner, "delivered") == 120);
	dray_stop(second);
	dray_stop(storing);
	struct result shown = dray_expect(0, "status", "--database", as("eye"), "--json");
	assert_contains(shown.out, "\"name\":\"out\"");
	assert_lacks(proc_log(second), "denied");
	assert_lacks(proc_log(second), "ermission");
	assert_lacks(proc_log(storing), "ermission");
	nothing_else();
	nats_denies("sink", "shop.order");
	nats_denies("relay", "other.order");
	testdb_close(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_work, start, end),
		{ "test_all_work (workqueue)", test_all_work, start, end,
			(void *)(uintptr_t)"workqueue" },
	};

	only_named_tests();
	return cmocka_run_group_tests_name("least rights", tests, NULL, NULL);
}
