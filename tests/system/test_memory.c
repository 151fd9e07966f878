/*
 * A sink's memory is bounded by its settings, whatever the stream holds: by batch_bytes where events are
 * large, though the batch could hold thousands of them.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_large_events),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("memory", tests, fixture_start, NULL);
}
