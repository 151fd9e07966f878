/* Delivered rows go after their retention, while a relay and writers work, and nobody waits for it. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define LONGEST_WAIT_MS 200 /* and PostgreSQL's log names every lock that is waited for longer */

struct scene {
	char *name, *config;
	const char *table;
	struct testdb *db;
};

static struct scene make(const char *kind, const char *name, const char *retention)
{
	struct scene s = { .name = text("%s_%s", name, kind) };
	char *database = fixture_database(kind, name);

	s.config = fixture_config(s.name,
		"streams: [ { name: PRUNE_%s, subjects: [\"%s.>\"] } ]\n"
		"relays: [ { name: shop, database: \"%s\", stream: PRUNE_%s, retention: %s } ]\n",
		s.name, s.name, database, s.name, retention);
	dray_expect(0, "migrate", "-c", s.config);
	s.db = testdb_open(database);
	s.table = testdb_table(s.db, "outbox");
	return s;
}

/* Rows that were delivered long ago. */
static void fill(struct scene *s, int64_t rows)
{
	fixture_bulk(s->db, text("'%s.old'", s->name), 1, rows, 10);
	testdb_exec(s->db,
		"UPDATE %s SET state = 'delivered', created_at = '2020-01-01T00:00:00.000Z', "
		"delivered_at = '2020-01-01T00:00:00.000Z'",
		s->table);
}

static int64_t old_ones(struct scene *s)
{
	return testdb_int(
		s->db, "SELECT count(*) FROM %s WHERE delivered_at < '2021-01-01'", s->table);
}

/* An application that measures how long its transactions take. */
struct measure {
	pthread_t thread;
	char *url, *subject;
	atomic_bool ending;
	_Atomic int64_t longest_ms, transactions;
};

static void *write_and_measure(void *context)
{
	struct measure *m = context;
	struct testdb *db = testdb_open(m->url);

	while (!atomic_load(&m->ending)) {
		int64_t began = now_ms();
		testdb_exec(db, "%s", testdb_pick(db, "BEGIN IMMEDIATE", "BEGIN"));
		testdb_emit(db, m->subject, "k", NULL, "payload");
		testdb_exec(db, "COMMIT");
		if (now_ms() - began > m->longest_ms)
			m->longest_ms = now_ms() - began;
		m->transactions++;
		nap(2);
	}
	testdb_close(db);
	return NULL;
}

/* Gives how long the writer's longest transaction took. */
static int64_t prune_beside_a_writer(struct scene *s, int64_t rows)
{
	struct measure m = { .url = text("%s", testdb_url(s->db)),
		.subject = text("%s.new", s->name) };
	int64_t last = testdb_int(s->db, "SELECT max(id) FROM %s", s->table);

	pthread_create(&m.thread, NULL, write_and_measure, &m);
	struct proc *daemon = dray_start(s->name, NULL, "run", "-c", s->config);
	int64_t began = now_ms();
	WAIT_UNTIL(long_run() ? 600000 : 60000, old_ones(s) == 0);
	int64_t took = now_ms() - began;
	WAIT_UNTIL(20000, testdb_int(s->db, "SELECT min(id) FROM %s", s->table) > last + 1);
	atomic_store(&m.ending, true);
	pthread_join(m.thread, NULL);
	say("%lld rows deleted in %lld ms beside %lld transactions, of which the longest took %lld ms",
		(long long)rows, (long long)took, (long long)m.transactions,
		(long long)m.longest_ms);
	WAIT_UNTIL(20000, testdb_in_state(s->db, "pending") == 0);
	assert_int_equal(testdb_in_state(s->db, "dead"), 0);
	dray_stop(daemon);
	return m.longest_ms;
}

/*
 * The old rows go while a relay and a writer work; no lock is waited for longer than 200 ms. On a machine that has
 * other things to do a writer may be late without any lock: then it is tried again.
 */
static void test_nobody_waits_for_it(void **state)
{
	struct scene s = make(*state, "busy", "2s");
	int64_t rows = number_from("DRAY_ROWS", long_run() ? 1000000 : 20000), longest = INT64_MAX;
	size_t log_from = strlen(file_read(scratch_path("pg.log")));

	for (int i = 0; i < 4 && longest >= LONGEST_WAIT_MS; i++) {
		fill(&s, rows);
		longest = prune_beside_a_writer(&s, rows);
	}
	assert_true(longest < patience(LONGEST_WAIT_MS));
	assert_lacks(file_read(scratch_path("pg.log")) + log_from, "still waiting for");
	testdb_close(s.db);
}

static void test_off_unless_asked_for(void **state)
{
	struct scene s = make(*state, "off", "off");

	fill(&s, 100);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	testdb_emit(s.db, text("%s.x", s.name), NULL, NULL, "x");
	WAIT_UNTIL(30000, testdb_in_state(s.db, "delivered") == 101);
	nap(1500);
	assert_int_equal(old_ones(&s), 100);
	dray_stop(daemon);
	assert_contains(
		dray_expect(2, "prune", "-c", s.config).err, "nothing says how long rows stay");
	testdb_close(s.db);
}

static void test_the_command(void **state)
{
	struct scene s = make(*state, "command", "7d");
	const char *url = testdb_url(s.db);

	fill(&s, 3000);
	testdb_emit(s.db, text("%s.x", s.name), NULL, NULL, "x");
	testdb_exec(s.db, "UPDATE %s SET state = 'dead' WHERE id = 5", s.table);
	assert_contains(
		dray_expect(0, "check", "-c", s.config).out, "delivered rows are deleted after 7d");
	assert_contains(dray_expect(0, "prune", "--dry-run", "-c", s.config).out,
		"2999 rows would be deleted");
	assert_int_equal(old_ones(&s), 3000);
	assert_contains(dray_expect(0, "prune", "-c", s.config).out, "shop: ");
	assert_int_equal(testdb_int(s.db, "SELECT count(*) FROM %s", s.table), 2);
	dray_expect(0, "dead", "discard", "5", "--reason", "x", "-c", s.config);
	assert_contains(dray_expect(0, "prune", "--database", url, "--discarded", "1h").out,
		": 0 discarded forgotten");
	nap(20);
	assert_contains(
		dray_expect(0, "prune", "--database", url, "--discarded", "0", "--dry-run").out,
		": 1 discarded would be forgotten");
	assert_contains(
		dray_expect(0, "prune", "--database", url, "--discarded", "0", "--json").out,
		"\"discarded_forgotten\":1");
	assert_contains(dray_expect(0, "prune", "--database", url, "--older", "0", "--json").out,
		"\"deleted\":0,\"dry_run\":false");
	assert_contains(dray_expect(2, "prune", "--older", "soon", "-c", s.config).err, "--older");
	assert_int_equal(testdb_in_state(s.db, "pending"), 1);
	testdb_close(s.db);
}

static int64_t versions(struct testdb *db)
{
	return testdb_int(db, "SELECT count(*) FROM %s", testdb_table(db, "sink_version"));
}

static char *sink_config(const char *kind, const char *name, const char *to, const char *retention)
{
	return fixture_config(text("%s_%s", name, retention),
		"sinks: [ { name: keys, database: \"%s\", stream: KEYS_%s, table: t, mode: upsert, "
		"key: [k], columns: { k: \"@subject[1]\" }, tombstones: true, retention: %s } ]\n",
		to, kind, retention);
}

/* Deleted keys go, by the command and by the sink itself. */
static void test_deleted_keys(void **state)
{
	const char *kind = *state;
	char *to = fixture_database(kind, "keys"), *name = text("keys_%s", kind);
	char *forever = sink_config(kind, name, to, "off");
	struct jetstream *js = jetstream_open(nats.url);
	struct testdb *db = testdb_open(to);

	jetstream_make(js, text("KEYS_%s", kind), text("\"keys_%s.>\"", kind), NULL);
	testdb_exec(db, "CREATE TABLE t (k text PRIMARY KEY)");
	dray_expect(0, "migrate", "-c", forever);
	for (int i = 0; i < 3; i++)
		jetstream_publish(js, text("keys_%s.%d", kind, i), NULL, "");
	struct proc *daemon = dray_start(name, NULL, "run", "-c", forever);
	WAIT_UNTIL(30000, versions(db) == 3);
	dray_stop(daemon);
	assert_contains(dray_expect(2, "prune", "-c", forever).err, "nothing says how long");
	assert_contains(dray_expect(0, "prune", "--tombstones", "1h", "-c", forever).out,
		"keys: 0 deleted keys forgotten");
	assert_contains(
		dray_expect(0, "prune", "--tombstones", "0", "--dry-run", "-c", forever).out,
		"keys: 3 deleted keys would be forgotten");
	assert_contains(
		dray_expect(2, "prune", "--database", to, "--tombstones", "1h").err, "-c FILE");
	assert_int_equal(versions(db), 3);
	daemon = dray_start(name, NULL, "run", "-c", sink_config(kind, name, to, "1s"));
	WAIT_UNTIL(30000, versions(db) == 0);
	dray_stop(daemon);
	jetstream_close(js);
	testdb_close(db);
}

static int start(void **state)
{
	fixture_start_nats(state);
	pg_server_start(&pg, "pg",
		(const char *const[]){ "log_lock_waits=on", "deadlock_timeout=200ms", NULL });
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_nobody_waits_for_it),
		FOR_BOTH(test_off_unless_asked_for),
		FOR_BOTH(test_the_command),
		FOR_BOTH(test_deleted_keys),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("prune", tests, start, NULL);
}
