/*
 * The main job, whole: from a table of each database into JetStream, and from there into a table of the
 * other one. Needs no failpoints, so that it also runs on the program as users get it.
 */
#include "fixture.h"

#define TRANSACTIONS 120
#define KEYS	     20

static char *write_config(const char *kind, const char *outbox, const char *archive)
{
	return fixture_config(text("main_%s", kind),
		"streams:\n"
		"  - { name: MAIN_%s, subjects: [\"main_%s.>\"] }\n"
		"relays:\n"
		"  - { name: shop, database: \"%s\", stream: MAIN_%s }\n"
		"sinks:\n"
		"  - { name: archive, database: \"%s\", stream: MAIN_%s }\n",
		kind, kind, outbox, kind, archive, kind);
}

/* Five rows over all keys; every tenth transaction is rolled back. */
static void write_transaction(struct testdb *db, const char *kind, int number)
{
	testdb_exec(db, "BEGIN");
	for (int i = 0; i < 5; i++) {
		int key = (number * 5 + i) % KEYS;
		testdb_emit(db, text("main_%s.k%d", kind, key), text("key-%d", key),
			"{\"Shop\":\"north\"}",
			text("{\"transaction\":%d,\"row\":%d,\"path\":\"C:\\\\temp\"}", number, i));
	}
	testdb_exec(db, number % 10 == 9 ? "ROLLBACK" : "COMMIT");
}

static void write_transactions(struct testdb *db, const char *kind, int from, int to)
{
	for (int number = from; number < to; number++)
		write_transaction(db, kind, number);
}

/* Payloads that something on the way might change: each byte value, nothing at all, many, no key. */
static void write_odd_payloads(struct testdb *db, const char *kind)
{
	char *subject = text("main_%s.odd", kind), *large = calloc(1, 300000);
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	testdb_emit_bytes(db, subject, "odd key: é/≠", NULL, all, sizeof(all));
	testdb_emit_bytes(db, subject, NULL, "{}", "", 0);
	testdb_emit_bytes(db, subject, "large", NULL, large, 300000);
	testdb_emit(db, subject, NULL,
		"{\"Many\":[\"one\",\"two\"],\"Content-Type\":\"text/plain\"}", "headers");
	free(large);
}

/* The convenience that PostgreSQL's applications get; a bare literal must arrive as it is written. */
static void call_emit(struct testdb *db)
{
	if (!testdb_is_postgres(db))
		return;
	testdb_exec(db, "SELECT dray.emit('main_postgres.emit', '{\"path\":\"C:\\\\temp\"}')");
	testdb_exec(db,
		"SELECT dray.emit('main_postgres.emit', '{\"a\": 1}'::jsonb, 'key-1', "
		"'{\"Shop\":\"south\"}')");
	testdb_exec(db, "SELECT dray.emit('main_postgres.emit', '\\x00ff'::bytea)");
}

static int64_t archived(struct testdb *db)
{
	return testdb_int(db, "SELECT count(*) FROM %s", testdb_table(db, "events"));
}

static void wait_until_crossed(struct testdb *outbox, struct testdb *archive)
{
	WAIT_UNTIL(60000, testdb_in_state(outbox, "pending") == 0);
	WAIT_UNTIL(60000, archived(archive) == testdb_in_state(outbox, "delivered"));
}

static void check_both_sides(
	struct testdb *outbox, struct testdb *archive, struct jetstream *js, const char *stream)
{
	struct oracle *oracle = oracle_from_outbox(outbox, "TRUE");

	oracle_require(oracle_see_stream(oracle, js, stream));
	oracle_require(oracle_see_archive(oracle, archive));
	oracle_destroy(oracle);
}

static struct jetstream_message *with_payload(struct jetstream_messages *all, const char *payload)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].payload, payload) == 0)
			return &all->items[i];
	give_up("no message has the payload %s", payload);
}

static void check_headers(struct jetstream *js, const char *stream)
{
	struct jetstream_messages all = jetstream_read(js, stream);
	natsMsg *message = with_payload(&all, "headers")->message;
	const char **values = NULL;
	int count = 0;

	assert_string_equal(jetstream_header(message, "Content-Type"), "text/plain");
	assert_int_equal(natsMsgHeader_Values(message, "Many", &values, &count), NATS_OK);
	assert_int_equal(count, 2);
	assert_string_equal(values[0], "one");
	assert_string_equal(values[1], "two");
	free(values);
	assert_string_equal(jetstream_header(message, "Dray-Key"), "");
	message = with_payload(&all, "{\"transaction\":1,\"row\":0,\"path\":\"C:\\\\temp\"}")
			  ->message;
	assert_string_equal(jetstream_header(message, "Shop"), "north");
	jetstream_free(&all);
}

static void check_settled_rows(struct testdb *outbox, const char *stream)
{
	const char *table = testdb_table(outbox, "outbox");

	assert_int_equal(
		testdb_int(outbox,
			"SELECT count(*) FROM %s WHERE attempts <> 0 OR last_error IS NOT NULL OR "
			"stream IS NULL OR stream <> '%s' OR stream_seq IS NULL OR delivered_at "
			"IS NULL",
			table, stream),
		0);
	assert_int_equal(testdb_int(outbox, "SELECT count(DISTINCT stream_seq) FROM %s", table),
		testdb_int(outbox, "SELECT count(*) FROM %s", table));
}

static void check_archived_headers(struct testdb *archive)
{
	const char *value =
		testdb_pick(archive, "json_extract(headers, '$.Shop')", "headers->>'Shop'");
	const char *many =
		testdb_pick(archive, "json_extract(headers, '$.Many[1]')", "headers->'Many'->>1");

	assert_int_equal(testdb_int(archive, "SELECT count(*) FROM %s WHERE %s = 'north'",
				 testdb_table(archive, "events"), value),
		(TRANSACTIONS - TRANSACTIONS / 10) * 5);
	assert_int_equal(testdb_int(archive, "SELECT count(*) FROM %s WHERE %s = 'two'",
				 testdb_table(archive, "events"), many),
		1);
}

static void test_events_cross_both_ways(void **state)
{
	const char *kind = *state;
	char *stream = text("MAIN_%s", kind);
	char *from = fixture_database(kind, "main"),
	     *to = fixture_database(other_kind(kind), "archive");
	char *config = write_config(kind, from, to);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *outbox = testdb_open(from), *archive = testdb_open(to);
	write_transactions(outbox, kind, 0, TRANSACTIONS / 2);
	write_odd_payloads(outbox, kind);

	struct proc *daemon = dray_start(text("run_%s", kind), NULL, "run", "-c", config);
	WAIT_UNTIL(30000, testdb_in_state(outbox, "delivered") > 0);
	write_transactions(outbox, kind, TRANSACTIONS / 2, TRANSACTIONS);
	call_emit(outbox);
	wait_until_crossed(outbox, archive);
	dray_stop(daemon);

	struct jetstream *js = jetstream_open(nats.url);
	check_both_sides(outbox, archive, js, stream);
	check_headers(js, stream);
	check_settled_rows(outbox, stream);
	check_archived_headers(archive);
	jetstream_close(js);
	testdb_close(outbox);
	testdb_close(archive);
}

/* What is there is left alone: neither sent nor stored again, and what comes later goes on from there. */
static void test_a_restart_goes_on(void **state)
{
	const char *kind = *state;
	char *stream = text("MAIN_again_%s", kind);
	char *from = fixture_database(kind, "again"), *to = fixture_database(kind, "again_archive");
	char *config = fixture_config(text("again_%s", kind),
		"streams: [ { name: %s, subjects: [\"again_%s.>\"] } ]\n"
		"relays: [ { name: shop, database: \"%s\" } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: %s } ]\n",
		stream, kind, from, to, stream);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *outbox = testdb_open(from), *archive = testdb_open(to);
	struct jetstream *js = jetstream_open(nats.url);
	for (int run = 1; run <= 3; run++) {
		testdb_emit(outbox, text("again_%s.a", kind), "k", NULL, text("before %d", run));
		struct proc *daemon = dray_start(text("again_%s", kind), NULL, "run", "-c", config);
		testdb_emit(outbox, text("again_%s.a", kind), "k", NULL, text("after %d", run));
		WAIT_UNTIL(30000, testdb_in_state(outbox, "delivered") == 2 * run);
		wait_until_crossed(outbox, archive);
		dray_stop(daemon);
		assert_int_equal(jetstream_last(js, stream), 2 * run);
	}
	check_both_sides(outbox, archive, js, stream);
	jetstream_close(js);
	testdb_close(outbox);
	testdb_close(archive);
}

/* on_delivered: delete leaves nothing behind but the events. */
static void test_delivered_rows_may_be_deleted(void **state)
{
	const char *kind = *state;
	char *from = fixture_database(kind, "deleted");
	char *config = fixture_config(text("delete_%s", kind),
		"streams: [ { name: DELETE_%s, subjects: [\"delete_%s.>\"] } ]\n"
		"relays: [ { name: shop, database: \"%s\", on_delivered: delete, ordering: none } ]\n",
		kind, kind, from);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *outbox = testdb_open(from);
	for (int i = 0; i < 50; i++)
		testdb_emit(outbox, text("delete_%s.a", kind), NULL, NULL, text("event %d", i));
	struct oracle *oracle = oracle_from_outbox(outbox, "TRUE");
	struct proc *daemon = dray_start(text("delete_%s", kind), NULL, "run", "-c", config);
	WAIT_UNTIL(30000,
		testdb_int(outbox, "SELECT count(*) FROM %s", testdb_table(outbox, "outbox")) == 0);
	dray_stop(daemon);
	struct jetstream *js = jetstream_open(nats.url);
	oracle_require(oracle_see_stream(oracle, js, text("DELETE_%s", kind)));
	jetstream_close(js);
	oracle_destroy(oracle);
	testdb_close(outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_events_cross_both_ways),
		FOR_BOTH(test_a_restart_goes_on),
		FOR_BOTH(test_delivered_rows_may_be_deleted),
	};

	return cmocka_run_group_tests_name("main job", tests, fixture_start, NULL);
}
