/*
 * Ways to PostgreSQL that do not lead to the primary itself: a pooler is refused, a standby is waited for until
 * it is promoted, and of several hosts the one that can be written to is found.
 */
#include "fixture.h"

#include "support/pg_standby.h"
#include "support/pgbouncer.h"

static char *config(const char *name, const char *kind, const char *url)
{
	return fixture_config(
		name, "%s: [ { name: it, database: \"%s\", stream: WAYS } ]\n", kind, url);
}

static int make_stream(void **state)
{
	if (fixture_start(state) != 0)
		return -1;
	struct jetstream *js = jetstream_open(nats.url);
	jetstream_make(js, "WAYS", "\"ways.>\"", NULL);
	jetstream_close(js);
	pg_server_make_database(&pg, "pooled");
	dray_expect(0, "migrate", pg_server_url(&pg, "pooled"));
	return 0;
}

static void test_a_pooler_is_refused(void **state)
{
	static const char *const modes[] = { "transaction", "session" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *url = pgbouncer_start(&pg, modes[i], "pooled");
		struct testdb *through = testdb_open(url); /* writers may use it */
		testdb_emit(through, "ways.a", "k", NULL, "x");
		testdb_close(through);
		for (int sinks = 0; sinks < 2; sinks++) {
			char *path = config(modes[i], sinks ? "sinks" : "relays", url);
			struct result run = dray_expect(1, "run", "-c", path);
			assert_contains(
				run.err, "a pooler is between; connect to PostgreSQL directly");
			struct result check = dray_expect(1, "check", "-c", path);
			assert_contains(check.out, "a pooler is between");
		}
	}
	struct testdb *db = testdb_open(pg_server_url(&pg, "pooled"));
	assert_int_equal(testdb_in_state(db, "pending"), 2);
	assert_int_equal(testdb_int(db, "SELECT count(*) FROM dray.lease"), 0);
	testdb_close(db);
}

/* A primary of its own, whose standby follows it; there is a database `shop` with an outbox. */
struct pair {
	struct pg_server primary, standby;
	struct testdb *db;
	struct proc *relay;
};

static void pair_start(struct pair *pair, const char *name)
{
	pg_server_start(&pair->primary, name, NULL);
	pg_server_make_database(&pair->primary, "shop");
	dray_expect(0, "migrate", pg_server_url(&pair->primary, "shop"));
	pg_standby_start(&pair->standby, text("%s_standby", name), &pair->primary);
	pair->db = testdb_open(pg_server_url(&pair->primary, "shop"));
}

static void relay_start(struct pair *pair, const char *url)
{
	char *name = text("%s_relay", pair->primary.name);

	pair->relay = dray_start(name, NULL, "run", "-c", config(name, "relays", url));
}

static void pair_end(struct pair *pair)
{
	dray_stop(pair->relay);
	testdb_close(pair->db);
	pg_server_kill(&pair->primary);
	pg_server_end(&pair->standby);
}

static void delivers(struct testdb *db)
{
	char *id = testdb_emit(db, "ways.a", "k", NULL, "x");

	WAIT_UNTIL(60000,
		testdb_int(db,
			"SELECT count(*) FROM dray.outbox WHERE event_id = '%s' AND "
			"state = 'delivered'",
			id) == 1);
}

/* Everybody goes over to the standby. */
static void fail_over(struct pair *pair)
{
	testdb_close(pair->db);
	pg_standby_promote(&pair->standby);
	pair->db = testdb_open(pg_server_url(&pair->standby, "shop"));
}

static void test_a_standby_is_waited_for(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, "single");
	pg_standby_catch_up(&pair.standby, &pair.primary);
	relay_start(&pair, pg_server_tcp_url(&pair.standby, "shop"));
	WAIT_UNTIL(20000, strstr(proc_log(pair.relay), "waiting: ") != NULL);
	assert_contains(proc_log(pair.relay), "the database is in recovery; name the primary");
	struct result check = dray_expect(3, "check", "-c",
		config("single_check", "sinks", pg_server_url(&pair.standby, "shop")));
	assert_contains(check.out, "the database is in recovery; name the primary");
	fail_over(&pair);
	delivers(pair.db);
	assert_contains(proc_log(pair.relay), "working again");
	pair_end(&pair);
}

/* Of two hosts the one that can be written to, also when the first one just stays silent. */
static void test_a_fail_over(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, "pair");
	struct proxy *way = proxy_start(pair.primary.port);
	relay_start(&pair,
		text("postgresql://postgres@127.0.0.1:%d,127.0.0.1:%d/shop", proxy_port(way),
			pair.standby.port));
	delivers(pair.db);
	pg_standby_catch_up(&pair.standby, &pair.primary);
	proxy_hold(way, PROXY_BOTH);
	proxy_cut(way);
	int64_t began = now_ms();
	fail_over(&pair);
	delivers(pair.db);
	say("a silent primary, a promoted standby: delivers again after %lld ms",
		(long long)(now_ms() - began));
	pair_end(&pair);
}

/* The standby is named first, and the primary crashes. */
static void test_a_fail_over_after_a_crash(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair, "crash");
	relay_start(&pair,
		text("postgresql://postgres@127.0.0.1:%d,127.0.0.1:%d/shop", pair.standby.port,
			pair.primary.port));
	delivers(pair.db);
	pg_standby_catch_up(&pair.standby, &pair.primary);
	int64_t began = now_ms();
	pg_server_kill(&pair.primary);
	fail_over(&pair);
	delivers(pair.db);
	say("a crashed primary, a promoted standby: delivers again after %lld ms",
		(long long)(now_ms() - began));
	pair_end(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pooler_is_refused),
		cmocka_unit_test(test_a_standby_is_waited_for),
		cmocka_unit_test(test_a_fail_over),
		cmocka_unit_test(test_a_fail_over_after_a_crash),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("not the primary", tests, make_stream, NULL);
}
