/*
 * Memory is bounded by the settings, whatever the stream or the table holds: a sink's by batch_bytes where events are
 * large, though the batch could hold thousands of them; a relay's by max_in_flight_bytes, though a key fails.
 */
#include "fixture.h"
#include "support/fake_clock.h"

#include <stdio.h>

#define EVENTS	   60
#define EVENT_SIZE 1000000 /* near what a server takes by default */
#define BATCH	   "batch: 10000, batch_bytes: 2MiB"
#define LIMIT_KIB \
	(36 * 1024) /* a batch, three on their way, the same in the database's protocol, the rest */

static int64_t memory_kib(const struct proc *proc)
{
	const char *status = file_read(text("/proc/%d/status", (int)proc->pid));
	const char *line = strstr(status, "RssAnon:");

	return line ? atoll(line + strlen("RssAnon:")) : 0;
}

/* Sanitizers keep what was freed, and shadows of everything. */
static bool tells_memory(void)
{
	return fake_clock_moves_dray();
}

static void test_large_events(void **state)
{
	char *name = text("large_%s", (const char *)*state);
	char *database = fixture_database(*state, name), *payload = malloc(EVENT_SIZE + 1);
	struct jetstream *js = jetstream_open(nats.url);
	int64_t most = 0;

	memset(payload, 'x', EVENT_SIZE);
	payload[EVENT_SIZE] = '\0';
	jetstream_make(js, name, text("\"%s.>\"", name), NULL);
	for (int i = 0; i < EVENTS; i++)
		jetstream_publish(js, text("%s.a", name), NULL, payload);
	free(payload);
	char *config = fixture_config(name,
		"sinks: [ { name: in, database: \"%s\", stream: %s, " BATCH " } ]\n", database,
		name);
	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	struct proc *daemon = dray_start(name, NULL, "run", "-c", config);
	const char *count = text("SELECT count(*) FROM %s", testdb_table(db, "events"));
	int64_t until = now_ms() + patience(60000);
	while (testdb_int(db, "%s", count) < EVENTS && now_ms() < until) {
		int64_t now = memory_kib(daemon);
		most = now > most ? now : most;
		nap(2);
	}
	assert_int_equal(testdb_int(db, "%s", count), EVENTS);
	say("%s: %d events of %d bytes with " BATCH ": RssAnon %lld KiB at most", name, EVENTS,
		EVENT_SIZE, (long long)most);
	if (tells_memory())
		assert_in_range(most, 1, LIMIT_KIB);
	dray_stop(daemon);
	jetstream_delete(js, name);
	jetstream_close(js);
	testdb_close(db);
}

#define ROWS	  2000
#define ROW_SIZE  16384
#define IN_FLIGHT "max_in_flight_bytes: 4MiB, retry: { initial: 200ms, max: 1s, max_attempts: 0 }"
#define RELAY_LIMIT_KIB \
	(14 * 1024) /* in flight, a quarter more as it is read; some 7 MiB for the rest */

/* Every tenth row is of a key whose events no stream takes, and another tenth of one key. */
static void put_rows(struct testdb *db, const char *name)
{
	testdb_exec(db,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO %s (subject, key, payload) SELECT CASE i %% 10 WHEN 0 THEN "
		"'nobody.listens' ELSE '%s.a' END, 'k' || CASE WHEN i %% 10 < 2 THEN i %% 10 ELSE i "
		"END, %s FROM n",
		ROWS, testdb_table(db, "outbox"), name,
		testdb_pick(db, "zeroblob(16384)", "decode(repeat('00', 16384), 'hex')"));
}

static void test_large_rows(void **state)
{
	char *name = text("rows_%s", (const char *)*state);
	char *database = fixture_database(*state, name);
	struct jetstream *js = jetstream_open(nats.url);
	int64_t most = 0, until = now_ms() + patience(60000);

	jetstream_make(js, name, text("\"%s.>\"", name), NULL);
	char *config = fixture_config(
		name, "relays: [ { name: out, database: \"%s\", " IN_FLIGHT " } ]\n", database);
	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	put_rows(db, name);
	struct proc *daemon = dray_start(name, NULL, "run", "-c", config);
	while (testdb_in_state(db, "pending") > ROWS / 10 && now_ms() < until) {
		int64_t now = memory_kib(daemon);
		most = now > most ? now : most;
		nap(2);
	}
	assert_int_equal(testdb_in_state(db, "delivered"), ROWS - ROWS / 10);
	say("%s: %d rows of %d bytes with " IN_FLIGHT ": RssAnon %lld KiB at most", name, ROWS,
		ROW_SIZE, (long long)most);
	if (tells_memory())
		assert_in_range(most, 1, RELAY_LIMIT_KIB);
	dray_stop(daemon);
	jetstream_delete(js, name);
	jetstream_close(js);
	testdb_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_large_events),
		FOR_BOTH(test_large_rows),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("memory", tests, fixture_start, NULL);
}
