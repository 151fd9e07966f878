/* Outboxes that Dray did not make: Debezium's, and others, relayed as they stand. */
#include "fixture.h"

#include <pthread.h>

#define WRITERS 4

/* A database with somebody's table in it, and a stream. */
struct scene {
	const char *kind;
	char *name, *url, *config, *stream;
	struct testdb *db;
	struct jetstream *js;
};

static struct scene make(const char *kind, const char *name, const char *tables, const char *window)
{
	struct scene s = {
		.kind = kind, .name = text("%s_%s", name, kind), .url = fixture_database(kind, name)
	};

	s.stream = text("BORROWED_%s", s.name);
	s.db = testdb_open(s.url);
	testdb_exec(s.db, "%s", tables);
	s.js = jetstream_open(nats.url);
	jetstream_make(
		s.js, s.stream, text("\"%s.>\", \"outbox.event.%s\"", s.name, s.name), window);
	return s;
}

static void configure(struct scene *s, const char *url, const char *settings)
{
	s->config = fixture_config(s->name,
		"relays: [ { name: shop, database: \"%s\", stream: %s, poll_interval: 50ms, %s } ]\n",
		url, s->stream, settings);
}

static void end(struct scene *s)
{
	testdb_close(s->db);
	jetstream_close(s->js);
}

/* Debezium's, with ids without order and a column that has one; and what was committed, in its order. */
static const char *debezium_tables(const char *kind)
{
	bool postgres = strcmp(kind, "postgres") == 0;

	return postgres
		? "CREATE TABLE outboxevent (id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL, "
		  "aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb, "
		  "at timestamptz DEFAULT clock_timestamp());"
		  "CREATE TABLE ledger (n bigint GENERATED ALWAYS AS IDENTITY, id text, key text, payload text)"
		: "PRAGMA journal_mode = WAL;"
		  "CREATE TABLE outboxevent (id TEXT PRIMARY KEY, aggregatetype TEXT NOT NULL, "
		  "aggregateid TEXT NOT NULL, type TEXT NOT NULL, payload TEXT, at INTEGER);"
		  "CREATE TABLE ledger (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, key TEXT, payload TEXT)";
}

struct author {
	pthread_t thread;
	const struct scene *scene;
	int number, transactions;
};

static char *uuid(uint32_t *random)
{
	uint32_t a = fixture_random(random), b = fixture_random(random);
	uint32_t c = fixture_random(random), d = fixture_random(random);

	return text("%08x-%04x-4%03x-8%03x-%08x%04x", a, b >> 16, b & 0xfff, c & 0xfff, d, c >> 16);
}

static void write_event(struct testdb *db, const struct scene *s, const char *key, char *id, int n)
{
	char *payload = text("{\"n\": %d}", n);

	testdb_exec(db, "INSERT INTO ledger (id, key, payload) VALUES ('%s', '%s', '%s')", id, key,
		payload);
	testdb_exec(db,
		"INSERT INTO outboxevent (id, aggregatetype, aggregateid, type, payload%s) "
		"VALUES ('%s', '%s', '%s', 'Made', '%s'%s)",
		testdb_pick(db, ", at", ""), id, s->name, key, payload,
		testdb_pick(db, ", last_insert_rowid()", ""));
}

/* One connection, with keys of its own. */
static void *write_all(void *context)
{
	const struct author *author = context;
	struct testdb *db = testdb_open(author->scene->url);
	uint32_t random = 77 + (uint32_t)author->number;

	for (int i = 0; i < author->transactions; i++) {
		char *key = text("k%d-%u", author->number, fixture_random(&random) % 3);
		testdb_exec(db, "%s", testdb_pick(db, "BEGIN IMMEDIATE", "BEGIN"));
		for (uint32_t k = fixture_random(&random) % 4; k < 4; k++)
			write_event(db, author->scene, key, uuid(&random), i);
		nap(fixture_random(&random) % 8);
		testdb_exec(db, fixture_random(&random) % 8 ? "COMMIT" : "ROLLBACK");
	}
	testdb_close(db);
	return NULL;
}

static void write_by_several(struct scene *s, struct author *authors)
{
	for (int i = 0; i < WRITERS; i++) {
		authors[i] = (struct author){ .scene = s, .number = i, .transactions = 60 };
		pthread_create(&authors[i].thread, NULL, write_all, &authors[i]);
	}
}

static void wait_for(struct author *authors)
{
	for (int i = 0; i < WRITERS; i++)
		pthread_join(authors[i].thread, NULL);
}

static void require_all(struct scene *s)
{
	struct oracle *oracle = oracle_from_query(s->db,
		text("SELECT n, id, 'outbox.event.%s', key, %s FROM ledger", s->name,
			testdb_pick(s->db, "lower(hex(payload))",
				"encode(convert_to(payload, 'UTF8'), 'hex')")));

	oracle_require(oracle_see_stream(oracle, s->js, s->stream));
	oracle_destroy(oracle);
}

static int64_t left(struct scene *s)
{
	return testdb_int(s->db, "SELECT count(*) FROM outboxevent");
}

/* As it stands, from several connections, through kills: each once, in the order of its key; the rows are gone. */
static void test_debezium(void **state)
{
	struct scene s =
		make(*state, "debezium", debezium_tables(*state), "\"duplicate_window\":100000000");
	struct author authors[WRITERS];

	configure(&s, s.url,
		"table: outboxevent, preset: debezium, columns: { order: at }, on_delivered: delete, lease: 1s");
	dray_expect(0, "migrate", "-c", s.config);
	struct proc *daemon =
		dray_start(s.name, "relay.before_settle=kill@1", "run", "-c", s.config);
	write_by_several(&s, authors);
	WAIT_UNTIL(30000, !proc_running(daemon));
	nap(300);
	daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	wait_for(authors);
	WAIT_UNTIL(60000, left(&s) == 0);
	dray_stop(daemon);
	require_all(&s);
	struct jetstream_messages messages = jetstream_read(s.js, s.stream);
	natsMsg *first = messages.items[0].message;
	assert_string_equal(jetstream_header(first, "type"), "Made");
	assert_string_equal(jetstream_header(first, "id"), messages.items[0].id);
	jetstream_free(&messages);
	end(&s);
}

static const char *status_tables(const char *kind)
{
	return strcmp(kind, "postgres") == 0
		? "CREATE TYPE progress AS ENUM ('NEW', 'SENT', 'FAILED');"
		  "CREATE TABLE \"Out\" (nr bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text, who text, "
		  "body bytea, status progress DEFAULT 'NEW', sent timestamptz)"
		: "PRAGMA journal_mode = WAL;"
		  "CREATE TABLE \"Out\" (nr INTEGER PRIMARY KEY, topic TEXT, who TEXT, body BLOB, "
		  "status TEXT DEFAULT 'NEW', sent TEXT)";
}

static void put(struct scene *s, const char *topic, const char *who)
{
	testdb_exec(s->db, "INSERT INTO \"Out\" (topic, who, body) VALUES ('%s', %s, %s)", topic,
		who ? text("'%s'", who) : "NULL", testdb_pick(s->db, "x'00ff'", "'\\x00ff'"));
}

static int64_t in_status(struct scene *s, const char *status)
{
	return testdb_int(s->db, "SELECT count(*) FROM \"Out\" WHERE status = '%s'", status);
}

/* Marked by a status and a time; a row that no stream takes holds its key, and is given up on where one can see it. */
static void test_a_status(void **state)
{
	struct scene s = make(*state, "status", status_tables(*state), NULL);

	configure(&s, s.url,
		text("table: Out, columns: { id: nr, subject: \"%s.{topic}\", event_id: \"out-{nr}\", key: \"{who}\", "
		     "headers: { ce-id: \"{nr}\", ce-type: \"a{{b}}\" }, payload: body, state: status, delivered_at: sent }, "
		     "states: { pending: NEW, delivered: SENT, dead: FAILED }, "
		     "retry: { initial: 500ms, max: 500ms, max_attempts: 2 }",
			s.name));
	dray_expect(0, "migrate", "-c", s.config);
	put(&s, "a", "k");
	put(&s, "b.*", "k");
	put(&s, "c", NULL);
	assert_contains(
		dray_expect(0, "check", "-c", s.config).out, "with the columns that are named");
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, in_status(&s, "SENT") == 2 && in_status(&s, "FAILED") == 1);
	put(&s, "d", "k");
	WAIT_UNTIL(30000, in_status(&s, "SENT") == 3);
	assert_int_equal(
		testdb_int(s.db, "SELECT count(*) FROM \"Out\" WHERE sent IS NOT NULL"), 3);
	assert_contains(testdb_text(s.db, "SELECT last_error FROM %s WHERE row_id = '2' AND dead",
				testdb_table(s.db, "borrowed_row")),
		"wildcard");
	struct jetstream_messages messages = jetstream_read(s.js, s.stream);
	assert_int_equal(messages.count, 3);
	assert_string_equal(messages.items[0].id, "out-1");
	assert_string_equal(messages.items[0].key, "k");
	assert_int_equal(messages.items[0].size, 2);
	assert_string_equal(jetstream_header(messages.items[0].message, "ce-type"), "a{b}");
	jetstream_free(&messages);
	/* It is repaired, and goes out. */
	testdb_exec(s.db, "UPDATE \"Out\" SET topic = 'b', status = 'NEW' WHERE nr = 2");
	testdb_exec(s.db, "DELETE FROM %s", testdb_table(s.db, "borrowed_row"));
	WAIT_UNTIL(30000, in_status(&s, "SENT") == 4);
	dray_stop(daemon);
	end(&s);
}

/* All that has to be said of a table is which column its id is, and where its rows go. */
static void test_nothing_but_an_id(void **state)
{
	struct scene s = make(*state, "bare", status_tables(*state), NULL);

	configure(&s, s.url,
		text("table: Out, columns: { id: nr, subject: \"%s.x\" }, on_delivered: delete",
			s.name));
	dray_expect(0, "migrate", "-c", s.config);
	put(&s, "a", "k");
	put(&s, "b", NULL);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, testdb_int(s.db, "SELECT count(*) FROM \"Out\"") == 0);
	struct jetstream_messages messages = jetstream_read(s.js, s.stream);
	assert_int_equal(messages.count, 2);
	assert_string_equal(messages.items[0].id, "1");
	assert_int_equal(messages.items[0].size, 0);
	jetstream_free(&messages);
	dray_stop(daemon);
	end(&s);
}

/* A row that no stream takes holds its key while it is tried, over a restart too; then it is given up. */
static void test_a_failing_row(void **state)
{
	struct scene s = make(*state, "failing", status_tables(*state), NULL);
	const char *noted = testdb_table(s.db, "borrowed_row");

	configure(&s, s.url,
		"table: Out, columns: { id: nr, subject: \"{topic}\", key: \"{who}\", payload: body, delivered_at: sent }, "
		"retry: { initial: 1s, max: 1s, jitter: 0, max_attempts: 3 }");
	dray_expect(0, "migrate", "-c", s.config);
	put(&s, text("nowhere.%s", s.name), "k");
	put(&s, text("%s.behind", s.name), "k");
	put(&s, text("%s.other", s.name), "l");
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(
		30000, testdb_int(s.db, "SELECT count(*) FROM %s WHERE attempts = 1", noted) == 1);
	WAIT_UNTIL(30000, jetstream_count(s.js, s.stream) == 1);
	dray_stop(daemon);
	daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, jetstream_count(s.js, s.stream) == 2);
	assert_int_equal(
		testdb_int(s.db, "SELECT attempts FROM %s WHERE dead AND row_id = '1'", noted), 3);
	assert_contains(testdb_text(s.db, "SELECT last_error FROM %s", noted), "stream");
	assert_contains(dray_expect(0, "status", "-c", s.config).out, " 1 ");
	/* It is there, and is not to be delivered any more. */
	assert_int_equal(testdb_int(s.db, "SELECT count(*) FROM \"Out\" WHERE sent IS NULL"), 1);
	dray_stop(daemon);
	end(&s);
}

/* A transaction that took its place early and commits late is found behind the cursor. */
static void test_a_late_commit(void **state)
{
	struct scene s = make("postgres", "late", debezium_tables("postgres"), NULL);
	struct testdb *slow = testdb_open(s.url);

	(void)state;
	configure(&s, s.url,
		"table: outboxevent, preset: debezium, columns: { order: at }, on_delivered: delete");
	dray_expect(0, "migrate", "-c", s.config);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	uint32_t random = 5;
	testdb_exec(slow, "BEGIN");
	write_event(slow, &s, "slow", uuid(&random), 1);
	write_event(s.db, &s, "quick", uuid(&random), 2);
	WAIT_UNTIL(30000, jetstream_count(s.js, s.stream) == 1);
	testdb_exec(slow, "COMMIT");
	WAIT_UNTIL(5000, jetstream_count(s.js, s.stream) == 2);
	WAIT_UNTIL(5000, left(&s) == 0);
	dray_stop(daemon);
	testdb_close(slow);
	end(&s);
}

static char *as_role(const char *url)
{
	char *copy = text("%s", url), *user = strstr(copy, "user=");

	*user = '\0';
	return text("%suser=borrower", copy);
}

/* SELECT and DELETE are enough; check names what is missing. */
static void test_least_rights(void **state)
{
	struct scene s = make("postgres", "rights", debezium_tables("postgres"), NULL);
	const char *settings =
		"table: outboxevent, preset: debezium, columns: { order: at }, on_delivered: delete";
	uint32_t random = 9;

	(void)state;
	configure(&s, s.url, settings);
	dray_expect(0, "migrate", "-c", s.config);
	testdb_exec(s.db, "CREATE ROLE borrower LOGIN");
	testdb_exec(s.db, "GRANT USAGE ON SCHEMA dray TO borrower");
	testdb_exec(s.db,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dray TO borrower");
	configure(&s, as_role(s.url), settings);
	struct result checked = dray_expect(1, "check", "-c", s.config);
	assert_contains(checked.out, "GRANT SELECT ON outboxevent TO borrower");
	assert_contains(checked.out, "GRANT DELETE ON outboxevent TO borrower");
	testdb_exec(s.db, "GRANT SELECT, DELETE ON outboxevent TO borrower");
	dray_expect(0, "check", "-c", s.config);
	write_event(s.db, &s, "k", uuid(&random), 1);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, left(&s) == 0 && jetstream_count(s.js, s.stream) == 1);
	dray_stop(daemon);
	end(&s);
}

static void refused(struct scene *s, const char *settings, int status, const char *wanted)
{
	configure(s, s->url, settings);
	struct result shown = dray_expect(status, "check", "-c", s->config);

	assert_contains(text("%s%s", shown.out, shown.err), wanted);
}

static void test_what_does_not_fit_is_named(void **state)
{
	struct scene s = make(*state, "fit", debezium_tables(*state), NULL);

	refused(&s, "table: outboxevent, preset: debezium", 2,
		"nothing says how a delivered row is marked");
	refused(&s, "preset: debezium, on_delivered: delete", 2, "needs table:");
	refused(&s, "table: t, columns: { subject: a }", 2, "columns.subject: needs columns.id");
	refused(&s, "table: t, columns: { id: a, subject: \"a{b\" }", 2,
		"is no text with {COLUMN} in it");
	refused(&s, "table: t, columns: { id: a, subject: b, state: c }", 2,
		"needs states.delivered");
	refused(&s, "table: t, columns: { id: a, subject: b }, on_delivered: delete, retention: 1d",
		2, "retention: not for a table");
	refused(&s,
		"table: t, columns: { id: a, subject: b, delivered_at: c }, audit: { every: 1h }",
		2, "audit: a table that Dray did not make");
	configure(&s, s.url, "table: outboxevent, preset: debezium, on_delivered: delete");
	dray_expect(0, "migrate", "-c", s.config);
	refused(&s, "table: outboxevent, preset: debezium, on_delivered: delete", 0,
		"tell no order");
	refused(&s, "table: nowhere, preset: debezium, on_delivered: delete", 1,
		"there is no table nowhere");
	refused(&s,
		"table: outboxevent, preset: debezium, columns: { key: \"{gone}\" }, on_delivered: delete",
		1, "columns.key: the table outboxevent has no column gone");
	assert_contains(
		dray_expect(2, "emit", "a", "b", "-c", s.config).err, "write into it with SQL");
	assert_contains(dray_expect(2, "dead", "list", "-c", s.config).err, "borrowed_row");
	assert_contains(dray_expect(2, "audit", "-c", s.config).err, "did not make");
	assert_contains(
		dray_expect(2, "replay", "--pipeline", "shop", "-c", s.config).err, "did not make");
	dray_expect(0, "status", "-c", s.config);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_debezium),
		FOR_BOTH(test_a_status),
		FOR_BOTH(test_nothing_but_an_id),
		FOR_BOTH(test_a_failing_row),
		cmocka_unit_test(test_a_late_commit),
		cmocka_unit_test(test_least_rights),
		FOR_BOTH(test_what_does_not_fit_is_named),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("borrowed", tests, fixture_start, NULL);
}
