/*
 * Bad input: what a person reads, the exit status or the row's last_error, and that everybody else's rows
 * went through. The assertions are on the words that help, not on whole sentences.
 */
#include "fixture.h"

static char *plain_config(const char *name, const char *database)
{
	return fixture_config(name,
		"streams: [ { name: %s, subjects: [\"%s.>\"] } ]\n"
		"relays:\n"
		"  - name: shop\n"
		"    database: \"%s\"\n"
		"    retry: { initial: 50ms, max: 200ms, max_attempts: 4 }\n",
		name, name, database);
}

static char *bad_config(const char *line)
{
	return fixture_config("bad",
		"relays:\n"
		"  - name: shop\n"
		"    database: sqlite:bad.db\n"
		"%s\n",
		line);
}

/* The command line and the config: 2, and the place. */

static void test_a_missing_config(void **state)
{
	char *nowhere = scratch_path("nowhere.yaml");

	(void)state;
	assert_contains(dray_expect(2, "run", "-c", nowhere).err, nowhere);
	assert_contains(dray_expect(2, "check", "-c", nowhere).err, nowhere);
	/* Without -c it says where it looked. */
	struct result none = dray_expect(2, "run");
	assert_contains(none.err, "dray.yaml");
	assert_contains(none.err, "dray init");
}

static void test_an_unreadable_config(void **state)
{
	(void)state;
	assert_contains(dray_expect(2, "run", "-c", scratch()).err, scratch());
}

static void test_an_unknown_key(void **state)
{
	char *config = bad_config("    bacth: 100");

	(void)state;
	struct result said = dray_expect(2, "run", "-c", config);
	assert_contains(said.err, "bad.yaml:5");
	assert_contains(said.err, "bacth");
	assert_contains(said.err, "batch");
}

static void test_a_bad_duration(void **state)
{
	char *config = bad_config("    poll_interval: 5 parsecs\n    lease: 3");

	(void)state;
	struct result said = dray_expect(2, "check", "-c", config);
	char *all = text("%s%s", said.out, said.err);
	assert_contains(all, "bad.yaml:5");
	assert_contains(all, "5 parsecs");
	assert_contains(all, "250ms");
	assert_contains(all, "bad.yaml:6"); /* every problem at once */
}

static void test_an_unset_variable(void **state)
{
	char *config = bad_config("    table: ${DRAY_TEST_UNSET}");

	(void)state;
	struct result said = dray_expect(2, "run", "-c", config);
	assert_contains(said.err, "bad.yaml:5");
	assert_contains(said.err, "DRAY_TEST_UNSET");
}

static void test_what_is_not_a_config(void **state)
{
	char *config = scratch_path("not.yaml");

	(void)state;
	file_write(config, "relays: [\n");
	assert_contains(dray_expect(2, "run", "-c", config).err, "not.yaml:");
	file_write(config, "a: &a [*a]\n");
	assert_contains(dray_expect(2, "run", "-c", config).err, "not.yaml:1");
}

static void test_a_bad_command_line(void **state)
{
	(void)state;
	assert_contains(dray_expect(2, "rleay").err, "relay");
	assert_contains(dray_expect(2, "relay").err, "DATABASE");
	assert_contains(dray_expect(2, "relay", "mysql:shop").err, "mysql:shop");
	assert_contains(dray_expect(2, "emit", "a", "--heeder", "k=v").err, "--header");
}

/* Servers that are away: 3, or waited for. */

/* What cannot be said of a stream, a file or a server is told apart, with what to do. */
static void test_what_is_no_place(void **state)
{
	const char *folder = scratch();

	(void)state;
	assert_contains(dray_expect(2, "tail", "a b").err, "SUBJECT: \"a b\" is not a subject");
	assert_contains(dray_expect(2, "tail", "a", "--since", "nope").err,
		"--since: \"nope\" is no place in a stream; it is all, new, seq:N");
	assert_contains(dray_expect(2, "tail", "a", "--count", "0").err, "--count: \"0\" is not");
	assert_contains(dray_expect(3, "migrate", text("sqlite:%s", folder)).err,
		": is a folder; name a file in it");
	assert_contains(dray_expect(3, "migrate", text("sqlite:%s/none/x.db", folder)).err,
		"/none/x.db: No such file or directory; its folder must be there");
	assert_contains(dray_expect(3, "tail", "a", "--nats", "nats://127.0.0.1:1").err,
		"nats://127.0.0.1:1: no server answers there");
	file_write(text("%s/tab.yaml", folder), "relays:\n\t- name: a\n");
	assert_contains(dray_expect(2, "check", "-c", text("%s/tab.yaml", folder)).err, "a tab");
}

static void test_an_unreachable_nats(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "away");
	int port = free_port();
	char *config = scratch_path("away.yaml");

	dray_expect(0, "migrate", database);
	file_write(config,
		text("nats: { url: \"nats://127.0.0.1:%d\" }\nrelays: [ { name: shop, "
		     "database: \"%s\" } ]\n",
			port, database));
	struct result said = dray_expect(3, "check", "-c", config);
	assert_contains(text("%s%s", said.out, said.err), text("127.0.0.1:%d", port));
	assert_contains(
		dray_expect(3, "tail", "x", "--nats", text("nats://127.0.0.1:%d", port)).err,
		text("127.0.0.1:%d", port));

	/* run names it once, says that it goes on trying, and can be ended. */
	struct proc *daemon = dray_start(text("away_%s", kind), NULL, "run", "-c", config);
	WAIT_UNTIL(30000, strstr(proc_log(daemon), text("127.0.0.1:%d", port)));
	nap(3000);
	char *log = proc_log(daemon);
	assert_int_equal(occurrences(log, text("127.0.0.1:%d", port)), 1);
	assert_true(strstr(log, "trying") || strstr(log, "try again") || strstr(log, "retry"));
	dray_stop(daemon);
}

static void test_an_unreachable_database(void **state)
{
	int port = free_port();
	char *url = text("postgresql://dray:hunter2@127.0.0.1:%d/shop", port);
	char *config =
		fixture_config("nodb", "relays: [ { name: shop, database: \"%s\" } ]\n", url);

	(void)state;
	assert_contains(dray_expect(3, "migrate", url).err, text("%d", port));
	struct result said = dray_expect(3, "check", "-c", config);
	assert_contains(text("%s%s", said.out, said.err), text("%d", port));
	assert_lacks(text("%s%s", said.out, said.err), "hunter2");
	struct proc *daemon = dray_start("nodb", NULL, "run", "-c", config);
	WAIT_UNTIL(30000, strstr(proc_log(daemon), text("%d", port)));
	nap(3000);
	assert_lacks(proc_log(daemon), "hunter2");
	assert_int_equal(lines_with(proc_log(daemon), 0, "shop", text("%d", port)), 1);
	dray_stop(daemon);
	assert_contains(dray_expect(3, "emit", "a", "b", "--database", "sqlite:absent.db").err,
		"absent.db");
}

/* Tables that are not as they must be: the pipeline stops, says so, and run ends with 1. */

static char *stopped_by_schema(const char *kind, const char *name, const char *config)
{
	struct proc *daemon = dray_start(text("%s_%s", name, kind), NULL, "run", "-c", config);

	assert_int_equal(proc_wait(daemon, 30000), 1);
	assert_contains(proc_log(daemon), "shop");
	return proc_log(daemon);
}

static void test_a_missing_table(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "untouched");
	char *config = plain_config(text("untouched_%s", kind), database);

	testdb_close(testdb_open(database)); /* SQLite: the file is there, empty */
	if (strcmp(kind, "sqlite") == 0) {
		struct testdb *db = testdb_open(database);
		testdb_exec(db, "CREATE TABLE other (id INT)");
		testdb_close(db);
	}
	assert_contains(stopped_by_schema(kind, "untouched", config), "migrate");
	struct result said = dray_expect(1, "check", "-c", config);
	assert_contains(text("%s%s", said.out, said.err), "migrate");
}

static void test_a_missing_column(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "column");
	char *config = plain_config(text("column_%s", kind), database);
	struct testdb *db;

	dray_expect(0, "migrate", "-c", config);
	db = testdb_open(database);
	testdb_exec(db, "ALTER TABLE %s DROP COLUMN last_error", testdb_table(db, "outbox"));
	assert_contains(stopped_by_schema(kind, "column", config), "last_error");
	struct result said = dray_expect(1, "check", "-c", config);
	assert_contains(text("%s%s", said.out, said.err), "last_error");
	testdb_close(db);
}

static void test_a_schema_newer_than_the_program(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "newer");
	char *config = plain_config(text("newer_%s", kind), database);
	struct testdb *db;

	dray_expect(0, "migrate", "-c", config);
	db = testdb_open(database);
	testdb_exec(db,
		"INSERT INTO %s (version, target, name, checksum) SELECT 99, target, 'later', 'x' "
		"FROM %s WHERE version = 1",
		testdb_table(db, "schema_version"), testdb_table(db, "schema_version"));
	assert_contains(stopped_by_schema(kind, "newer", config), "newer");
	assert_contains(dray_expect(1, "migrate", "-c", config).err, "newer");
	testdb_close(db);
}

/* One pipeline's trouble is not another's. */
static void test_the_other_pipelines_go_on(void **state)
{
	const char *kind = *state;
	char *good = fixture_database(kind, "good"), *bad = fixture_database(kind, "bad");
	char *config = fixture_config(text("others_%s", kind),
		"streams: [ { name: OTHERS_%s, subjects: [\"others_%s.>\"] } ]\n"
		"relays:\n"
		"  - { name: broken, database: \"%s\" }\n"
		"  - { name: sound, database: \"%s\" }\n",
		kind, kind, bad, good);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(bad);
	testdb_exec(db, "ALTER TABLE %s DROP COLUMN last_error", testdb_table(db, "outbox"));
	testdb_close(db);
	struct proc *daemon = dray_start(text("others_%s", kind), NULL, "run", "-c", config);
	WAIT_UNTIL(30000, lines_with(proc_log(daemon), 0, "broken", "last_error") == 1);
	db = testdb_open(good);
	testdb_emit(db, text("others_%s.a", kind), NULL, NULL, "x");
	WAIT_UNTIL(30000, testdb_in_state(db, "delivered") == 1);
	testdb_close(db);
	dray_stop(daemon);
}

/* Rows: each bad one ends as dead with its reason, and holds nobody for good. */

struct bad_row {
	const char *subject; /* NULL: the good one */
	size_t subject_size; /* 0: strlen */
	const char *key, *headers;
	size_t payload; /* bytes */
	const char *reason; /* in last_error */
	bool sqlite_only; /* PostgreSQL's types keep it out */
};

#define S(literal) literal, sizeof(literal) - 1

static const struct bad_row bad_rows[] = {
	{ S("elsewhere.a"), "b0", NULL, 2, "stream", false },
	{ S("rows.large"), "b1", NULL, 100000, "payload", false },
	{ S("rows.h"), "b2", "{\"A\": ", 2, "malformed JSON", true },
	{ S("rows.h"), "b3", "[\"A\"]", 2, "not a JSON object", false },
	{ S("rows.h"), "b4", "{\"A\": 1}", 2, "'A'", false },
	{ S("rows.h"), "b5", "{\"Nats-Msg-Id\": \"mine\"}", 2, "reserved", false },
	{ S("rows.h"), "b6", "{\"dray-key\": \"mine\"}", 2, "reserved", false },
	{ S("rows.h"), "b7", "{\"A: b\": \"x\"}", 2, "name 'A: b'", false },
	{ S("rows.h"), "b8", "{\"A\": \"x\\r\\nB: y\"}", 2, "line break", false },
	{ S("rows.a\r\nPUB rows.evil 0\r\n"), "b9", NULL, 2, "line break", false },
	{ S("rows.a b"), "b10", NULL, 2, "space", false },
	{ S("rows.*"), "b11", NULL, 2, "wildcard", false },
	{ S("rows.>"), "b12", NULL, 2, "wildcard", false },
	{ S("rows..a"), "b13", NULL, 2, "empty token", false },
	{ S("rows."), "b14", NULL, 2, "empty token", false },
	{ S(""), "b15", NULL, 2, "empty", false },
	{ S("rows.a\0b"), "b16", NULL, 2, "NUL", true },
	{ S("$JS.API.STREAM.DELETE.rows"), "b17", NULL, 2, "server's own", false },
	{ S("rows.k"), "b18\r\nX: y", NULL, 2, "key", false },
	{ S("rows.\xff"), "b19", NULL, 2, "UTF-8", true },
};

#define BAD_ROWS (sizeof(bad_rows) / sizeof(bad_rows[0]))

/* Text of any bytes: what an application's mistake may bind. */
static const char *as_text(struct testdb *db, const char *bytes, size_t size)
{
	if (!bytes)
		return "NULL";
	if (testdb_is_postgres(db))
		return text("convert_from(decode('%s', 'hex'), 'UTF8')", text_hex(bytes, size));
	return text("CAST(x'%s' AS TEXT)", text_hex(bytes, size));
}

static const char *payload_of(struct testdb *db, size_t size)
{
	if (testdb_is_postgres(db))
		return text("convert_to(repeat('x', %zu), 'UTF8')", size);
	return text("zeroblob(%zu)", size);
}

static void insert_bad_row(struct testdb *db, const struct bad_row *row)
{
	const char *key = as_text(db, row->key, strlen(row->key));

	testdb_exec(db, "INSERT INTO %s (subject, key, headers, payload) VALUES (%s, %s, %s%s, %s)",
		testdb_table(db, "outbox"), as_text(db, row->subject, row->subject_size), key,
		as_text(db, row->headers, row->headers ? strlen(row->headers) : 0),
		testdb_pick(db, "", "::jsonb"), payload_of(db, row->payload));
	/* The next row of its key, which a given-up one lets pass; and a row of nobody. */
	testdb_exec(db, "INSERT INTO %s (subject, key, payload) VALUES ('rows.good', %s, %s)",
		testdb_table(db, "outbox"), strpbrk(row->key, "\r") ? "'b18'" : key,
		testdb_pick(db, "x'00'", "'\\x00'"));
	testdb_emit(db, "rows.good", NULL, NULL, "");
}

static bool applies(struct testdb *db, const struct bad_row *row)
{
	return !(row->sqlite_only && testdb_is_postgres(db));
}

static void check_bad_row(struct testdb *db, const struct bad_row *row)
{
	const char *outbox = testdb_table(db, "outbox");
	const char *key = as_text(db, row->key, strlen(row->key));

	char *state = testdb_text(
		db, "SELECT state FROM %s WHERE key = %s ORDER BY id LIMIT 1", outbox, key);
	char *error = testdb_text(
		db, "SELECT last_error FROM %s WHERE key = %s ORDER BY id LIMIT 1", outbox, key);
	if (strcmp(state, "dead") != 0 || !strstr(error, row->reason))
		give_up("row of key %s is %s with last_error \"%s\", not dead with \"%s\"",
			row->key, state, error, row->reason);
}

static void test_bad_rows(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "rows"), *stream = text("ROWS_%s", kind);
	char *config = fixture_config(text("rows_%s", kind),
		"relays:\n"
		"  - name: shop\n"
		"    database: \"%s\"\n"
		"    retry: { initial: 50ms, max: 200ms, max_attempts: 4 }\n",
		database);
	struct jetstream *js = jetstream_open(nats.url);
	int64_t bad = 0;

	jetstream_make(js, stream, "\"rows.>\"", NULL);
	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	for (size_t i = 0; i < BAD_ROWS; i++) {
		if (!applies(db, &bad_rows[i]))
			continue;
		insert_bad_row(db, &bad_rows[i]);
		bad++;
	}
	struct proc *daemon = dray_start(text("rows_%s", kind), NULL, "run", "-c", config);
	WAIT_UNTIL(30000, testdb_in_state(db, "pending") == 0);
	for (size_t i = 0; i < BAD_ROWS; i++)
		if (applies(db, &bad_rows[i]))
			check_bad_row(db, &bad_rows[i]);
	assert_int_equal(testdb_in_state(db, "dead"), bad);
	assert_int_equal(testdb_in_state(db, "delivered"), 2 * bad);
	/* Only what nobody took was tried again. */
	assert_int_equal(
		testdb_int(db, "SELECT attempts FROM %s WHERE key = 'b0' AND state = 'dead'",
			testdb_table(db, "outbox")),
		4);

	struct oracle *oracle = oracle_from_outbox(db, "state = 'delivered'");
	oracle_require(oracle_see_stream(oracle, js, stream));
	oracle_destroy(oracle);
	dray_stop(daemon);
	jetstream_delete(js, stream);
	jetstream_close(js);
	testdb_close(db);
}

/* The stream would swallow the second as a duplicate: it must be seen and said. */
static void test_an_event_id_used_twice(void **state)
{
	static const char id[] = "5f0c2a34-8a1e-4a52-9d0a-0123456789ab";
	const char *kind = *state;
	char *database = fixture_database(kind, "twice");
	char *name = text("twice_%s", kind), *config = plain_config(name, database);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	const char *outbox = testdb_table(db, "outbox");
	for (int i = 0; i < 3; i++) {
		testdb_emit(db, text("%s.a", name), text("k%d", i), NULL, text("payload %d", i));
		testdb_exec(
			db, "UPDATE %s SET event_id = '%s' WHERE key IN ('k0', 'k1')", outbox, id);
	}
	struct proc *daemon = dray_start(name, NULL, "run", "-c", config);
	WAIT_UNTIL(30000, testdb_in_state(db, "pending") == 0);
	dray_stop(daemon);
	assert_int_equal(testdb_in_state(db, "delivered"), 2);
	assert_int_equal(testdb_in_state(db, "dead"), 1);
	assert_contains(testdb_text(db, "SELECT last_error FROM %s WHERE state = 'dead'", outbox),
		"event_id");
	struct jetstream *js = jetstream_open(nats.url);
	assert_int_equal(jetstream_count(js, name), 2);
	jetstream_close(js);
	testdb_close(db);
}

static void test_an_empty_payload_is_legal(void **state)
{
	const char *kind = *state;
	char *database = fixture_database(kind, "empty");
	char *name = text("empty_%s", kind), *config = plain_config(name, database);

	dray_expect(0, "migrate", "-c", config);
	struct testdb *db = testdb_open(database);
	testdb_emit(db, text("%s.a", name), NULL, NULL, "");
	struct proc *daemon = dray_start(name, NULL, "run", "-c", config);
	WAIT_UNTIL(30000, testdb_in_state(db, "delivered") == 1);
	dray_stop(daemon);
	struct jetstream *js = jetstream_open(nats.url);
	struct jetstream_messages all = jetstream_read(js, name);
	assert_int_equal(all.count, 1);
	assert_int_equal(all.items[0].size, 0);
	jetstream_free(&all);
	jetstream_close(js);
	testdb_close(db);
}

/* What emit refuses before it is written. */

static void test_emit_refuses(void **state)
{
	char *database = fixture_database(*state, "emit");

	dray_expect(0, "migrate", database);
	struct testdb *db = testdb_open(database);
	assert_contains(
		dray_expect(2, "emit", "shop.*", "x", "--database", database).err, "wildcard");
	assert_contains(dray_expect(2, "emit", "shop.a", "x", "--header", "Nats-Msg-Id=1",
				"--database", database)
				.err,
		"reserved");
	assert_int_equal(testdb_int(db, "SELECT count(*) FROM %s", testdb_table(db, "outbox")), 0);
	testdb_close(db);
}

/* Events that a table cannot hold. */

static void publish_raw(const char *subject, const char *header, const char *value)
{
	natsConnection *connection = NULL;
	natsMsg *message = NULL;

	assert_int_equal(natsConnection_ConnectTo(&connection, nats.url), NATS_OK);
	assert_int_equal(natsMsg_Create(&message, subject, NULL, "x", 1), NATS_OK);
	if (header)
		assert_int_equal(natsMsgHeader_Set(message, header, value), NATS_OK);
	assert_int_equal(natsConnection_PublishMsg(connection, message), NATS_OK);
	assert_int_equal(natsConnection_Flush(connection), NATS_OK);
	natsMsg_Destroy(message);
	natsConnection_Destroy(connection);
}

static void test_an_event_that_postgres_cannot_hold(void **state)
{
	char *database = fixture_database("postgres", "unfit");
	char *config = fixture_config("unfit",
		"streams: [ { name: UNFIT, subjects: [\"unfit.>\"] } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: UNFIT } ]\n",
		database);

	(void)state;
	dray_expect(0, "migrate", "-c", config);
	publish_raw("unfit.a", NULL, NULL);
	publish_raw("unfit.b", "Dray-Key", "not UTF-8: \xff");
	publish_raw("unfit.c", "Shop", "north");
	struct testdb *db = testdb_open(database);
	struct proc *daemon = dray_start("unfit", NULL, "run", "-c", config);
	WAIT_UNTIL(30000, testdb_int(db, "SELECT max(seq) FROM dray.sink_position") == 3);
	dray_stop(daemon);
	assert_int_equal(testdb_int(db, "SELECT count(*) FROM dray.events"), 2);
	assert_int_equal(testdb_int(db, "SELECT seq FROM dray.sink_dead"), 2);
	assert_contains(testdb_text(db, "SELECT error FROM dray.sink_dead"), "UTF");
	testdb_close(db);
}

static int start(void **state)
{
	(void)state;
	nats_server_start(&nats, "nats", "max_payload: 65536");
	dray_environment("NATS_URL", nats.url);
	pg_server_start(&pg, "pg", NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_missing_config),
		cmocka_unit_test(test_an_unreadable_config),
		cmocka_unit_test(test_an_unknown_key),
		cmocka_unit_test(test_a_bad_duration),
		cmocka_unit_test(test_an_unset_variable),
		cmocka_unit_test(test_what_is_not_a_config),
		cmocka_unit_test(test_a_bad_command_line),
		cmocka_unit_test(test_what_is_no_place),
		FOR_BOTH(test_an_unreachable_nats),
		cmocka_unit_test(test_an_unreachable_database),
		FOR_BOTH(test_a_missing_table),
		FOR_BOTH(test_a_missing_column),
		FOR_BOTH(test_a_schema_newer_than_the_program),
		FOR_BOTH(test_the_other_pipelines_go_on),
		FOR_BOTH(test_bad_rows),
		FOR_BOTH(test_an_event_id_used_twice),
		FOR_BOTH(test_an_empty_payload_is_legal),
		FOR_BOTH(test_emit_refuses),
		cmocka_unit_test(test_an_event_that_postgres_cannot_hold),
	};

	return cmocka_run_group_tests_name("bad input", tests, start, NULL);
}
