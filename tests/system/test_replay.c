/*
 * dray replay: history into NATS again, each event once and those of a key in their order, whatever ends the
 * process or the server meanwhile; and nothing in the tables changes.
 */
#include <signal.h>
#include <sys/resource.h>

#include "fixture.h"

#define KEYS 200

struct scene {
	const char *kind;
	char *url, *target, *file;
	struct testdb *db;
	struct jetstream *js;
	int64_t rows;
	struct proc *proc;
};

static void open_scene(struct scene *s, const char *kind, const char *name)
{
	*s = (struct scene){ .kind = kind, .url = fixture_database(kind, name) };
	s->target = text("AGAIN_%s_%s", name, kind);
	s->file = scratch_path("%s_%s.json", name, kind);
	s->js = jetstream_open(nats.url);
	dray_expect(0, "migrate", s->url);
	s->db = testdb_open(s->url);
	/* It forgets ids at once, so that nothing leans on that. */
	jetstream_make(
		s->js, s->target, text("\"%s.>\"", s->target), "\"duplicate_window\":100000000");
}

static void close_scene(struct scene *s)
{
	proc_kill(s->proc);
	jetstream_close(s->js);
	testdb_close(s->db);
}

/* An archive as a sink leaves it, in two epochs; some events have no id, and one is of a replay. */
static void fill_archive(struct scene *s, int64_t rows)
{
	long long half = rows / 2;
	const char *table = testdb_table(s->db, "events");

	s->rows = half * 2;
	testdb_exec(s->db, "BEGIN");
	for (int epoch = 0; epoch < 2; epoch++)
		testdb_exec(s->db,
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
			"INSERT INTO %s SELECT 'SHOP', %d, i, 'shop.k' || (i %% %d), CASE WHEN i %% 10 > 0 "
			"THEN 'k' || (i %% %d) END, CASE WHEN i %% 7 > 0 THEN 'id-%d-' || i END, CASE WHEN i "
			"%% 3 = 0 THEN CAST('{\"Color\":\"red\",\"Nats-Expected-Last-Subject-Sequence\":\"7\"}' "
			"AS %s) END, %s('%d/' || i%s), CAST('2026-01-01T00:00:00.000Z' AS %s) FROM n",
			half, table, epoch, KEYS, KEYS, epoch, testdb_pick(s->db, "TEXT", "jsonb"),
			testdb_pick(s->db, "CAST", "convert_to"), epoch,
			testdb_pick(s->db, " AS BLOB", ", 'UTF8'"),
			testdb_pick(s->db, "TEXT", "timestamptz"));
	testdb_exec(s->db,
		"INSERT INTO %s SELECT stream, epoch, seq + %lld, subject, key, 'again', "
		"'{\"Dray-Replay\":\"other\"}', payload, published_at FROM %s WHERE epoch = 1 AND seq = 1",
		testdb_table(s->db, "events"), half, testdb_table(s->db, "events"));
	testdb_exec(s->db, "COMMIT");
}

/* What the run is called: in its file, until it is complete. */
static char *run_of(const struct scene *s)
{
	char *from = strstr(file_read(s->file), "\"run\": \"");

	if (!from)
		return "";
	from += strlen("\"run\": \"");
	return text("%.*s", (int)strcspn(from, "\""), from);
}

static struct oracle *archive_oracle(struct scene *s, const char *run)
{
	const char *payload = testdb_pick(s->db, "lower(hex(payload))", "encode(payload, 'hex')");

	return oracle_from_query(s->db,
		text("SELECT epoch * 1000000000 + seq, coalesce(msg_id, stream || ':' || epoch || ':' || "
		     "seq) || '.%s', '%s.' || subject, key, %s FROM %s WHERE coalesce(msg_id, '') <> "
		     "'again'",
			run, s->target, payload, testdb_table(s->db, "events")));
}

static void require_once(struct scene *s, const char *run)
{
	struct oracle *oracle = archive_oracle(s, run);
	struct oracle_counts counts = oracle_see_stream(oracle, s->js, s->target);

	oracle_require(counts);
	assert_int_equal(counts.expected, s->rows);
	oracle_destroy(oracle);
}

static void await_count(struct scene *s, int64_t count)
{
	int64_t end = now_ms() + patience(60000);

	while (jetstream_count(s->js, s->target) < count)
		if (now_ms() > end)
			give_up("%lld of %lld messages",
				(long long)jetstream_count(s->js, s->target), (long long)count);
}

static void replay_archive(struct scene *s, const char *name, const char *failpoints, char *rate)
{
	s->proc = dray_start(name, failpoints, "replay", "--database", s->url, "--table",
		testdb_table(s->db, "events"), "--to", text("%s.{subject}", s->target), "--file",
		s->file, "--rate", rate);
}

/* How many events a second came between two moments. */
static double rate_now(struct scene *s, int64_t ms)
{
	int64_t count = jetstream_count(s->js, s->target), began = now_ms();

	nap(ms);
	count = jetstream_count(s->js, s->target) - count;
	return (double)count * 1000 / (double)(now_ms() - began);
}

/* A million events of an archive: capped, killed, at full rate, killed in the middle of noting, to the end. */
static void test_each_event_once_through_kills(void **state)
{
	struct scene s;

	open_scene(&s, *state, "once");
	fill_archive(&s, number_from("DRAY_ROWS", long_run() ? 1000000 : 20000));
	int64_t cap = s.rows / 4 < 20000 ? s.rows / 4 : 20000;
	replay_archive(&s, "once", NULL, text("%lld", (long long)cap));
	await_count(&s, cap / 10);
	double rate = rate_now(&s, 700);
	proc_kill(s.proc);
	int64_t first = jetstream_count(s.js, s.target);
	char *run = run_of(&s);
	s.proc = dray_start("once",
		long_run() ? "history.before_place=kill@100" : "history.before_place=kill@2",
		"replay", "--resume", s.file, "--rate", "0");
	assert_int_equal(proc_wait(s.proc, 60000), 128 + SIGKILL);
	int64_t second = jetstream_count(s.js, s.target);
	int64_t began = now_ms();
	s.proc = dray_start("once", NULL, "replay", "--resume", s.file);
	assert_int_equal(proc_wait(s.proc, 300000), 0);
	say("%s: %lld events, %.0f/s of %lld/s, killed after %lld and %lld, the rest in %lld ms",
		s.kind, (long long)s.rows, rate, (long long)cap, (long long)first,
		(long long)second, (long long)(now_ms() - began));
	assert_true(rate < (double)cap * 1.3);
	assert_true(first > 0 && first < second && second < s.rows);
	assert_contains(proc_log(s.proc),
		text("%lld of %lld events replayed as %s", (long long)s.rows, (long long)s.rows,
			run));
	assert_string_equal(file_read(s.file), "");
	require_once(&s, run);
	close_scene(&s);
}

/* The server is killed while events are on their way: what is uncertain is looked up. */
static void test_an_outage(void **state)
{
	struct scene s;

	open_scene(&s, *state, "outage");
	fill_archive(&s, 8000);
	replay_archive(&s, "outage", NULL, "4000");
	await_count(&s, 1000);
	char *run = run_of(&s);
	for (int i = 0; i < 2; i++) {
		jetstream_close(s.js);
		nats_server_kill(&nats);
		nats_server_again(&nats);
		s.js = jetstream_open(nats.url);
		await_count(&s, jetstream_count(s.js, s.target) + 500);
	}
	assert_int_equal(proc_wait(s.proc, 60000), 0);
	require_once(&s, run);
	close_scene(&s);
}

static void test_what_an_event_carries(void **state)
{
	struct scene s;

	open_scene(&s, *state, "carries");
	fill_archive(&s, 6);
	struct result end = dray_expect(0, "replay", "--database", s.url, "--table",
		testdb_table(s.db, "events"), "--to", text("%s.{subject}.x", s.target), "--json");
	struct jetstream_messages all = jetstream_read(s.js, s.target);
	assert_int_equal(all.count, 6);
	const char *run = jetstream_header(all.items[2].message, "Dray-Replay");
	assert_contains(end.out,
		text("\"run\":\"%s\",\"events\":6,\"done\":6,\"refused\":0,\"resume\":null", run));
	assert_string_equal(all.items[2].subject, text("%s.shop.k3.x", s.target));
	assert_string_equal(all.items[2].id, text("id-0-3.%s", run));
	assert_string_equal(all.items[2].key, "k3");
	assert_string_equal(all.items[2].payload, "0/3");
	assert_string_equal(jetstream_header(all.items[2].message, "Color"), "red");
	assert_string_equal(
		jetstream_header(all.items[2].message, "Nats-Expected-Last-Subject-Sequence"), "");
	assert_string_equal(all.items[5].payload, "1/3");
	jetstream_free(&all);
	dray_expect(0, "replay", "--database", s.url, "--table", testdb_table(s.db, "events"),
		"--to", text("%s.{subject}.x", s.target));
	assert_int_equal(jetstream_count(s.js, s.target), 12); /* another run has other ids */
	close_scene(&s);
}

/* An outbox with four kinds of rows. */
static void fill_outbox(struct scene *s)
{
	const char *table = testdb_table(s->db, "outbox");

	fixture_bulk(s->db, text("'%s.' || key || '.x'", s->target), 1, 100, 10);
	testdb_exec(s->db, "UPDATE %s SET state = 'delivered' WHERE id <= 60", table);
	testdb_exec(s->db, "UPDATE %s SET state = 'dead' WHERE id > 90", table);
	testdb_exec(s->db, "UPDATE %s SET created_at = '2026-01-01T00:00:00.000Z' WHERE id <= 20",
		table);
	testdb_exec(s->db,
		"UPDATE %s SET created_at = '2026-01-01T00:00:00.500Z' WHERE id > 20 AND id <= 30",
		table);
}

static int64_t would(struct scene *s, const char *const *options)
{
	const char *arguments[24] = { "replay", "--database", s->url, "--dry-run", "--json" };
	size_t count = 5;

	while (*options)
		arguments[count++] = *options++;
	struct result result = dray_run(arguments, NULL);
	if (result.status != 0)
		give_up("%s%s", result.out, result.err);
	assert_contains(result.out, "{\"events\":");
	return atoll(result.out + strlen("{\"events\":"));
}

#define WOULD(...) would(&s, (const char *const[]){ __VA_ARGS__, NULL })

static void test_what_is_asked_for(void **state)
{
	struct scene s;

	open_scene(&s, *state, "asked");
	fill_outbox(&s);
	assert_int_equal(WOULD("--state", "delivered"), 60);
	assert_int_equal(WOULD("--state", "all"), 100);
	assert_int_equal(WOULD("--state", "dead"), 10);
	assert_int_equal(WOULD("--since", "id:11", "--until", "id:20"), 10);
	assert_int_equal(WOULD("--key", "k3"), 6);
	assert_int_equal(WOULD("--subject", text("%s.k3.*", s.target)), 6);
	assert_int_equal(WOULD("--subject", text("%s.>", s.target)), 60);
	assert_int_equal(WOULD("--subject", text("%s.*", s.target)), 0);
	assert_int_equal(WOULD("--subject", "*.k1.x"), 6);
	assert_int_equal(WOULD("--since", "time:2026-01-01T00:00:00Z", "--until",
				 "time:2026-01-01T00:00:00.500Z"),
		20);
	assert_int_equal(WOULD("--since", "time:2026-01-01T00:00:00.5Z", "--until", "1m"), 10);
	assert_int_equal(WOULD("--since", "1h"), 30);
	assert_int_equal(jetstream_count(s.js, s.target), 0);
	close_scene(&s);
}

static char *fingerprint(struct scene *s)
{
	return testdb_text(s->db, "%s",
		testdb_pick(s->db,
			"SELECT group_concat(id || state || attempts || coalesce(stream_seq, '-') || "
			"coalesce(delivered_at, '-'), ';') FROM dray_outbox",
			"SELECT string_agg(o::text || xmin, ';' ORDER BY id) FROM dray.outbox o"));
}

/* Nothing but reading is needed, and nothing is changed. */
static void test_rows_stay_as_they_are(void **state)
{
	struct scene s;
	char *url;

	open_scene(&s, *state, "stay");
	fill_outbox(&s);
	char *before = fingerprint(&s);
	url = s.url;
	if (testdb_is_postgres(s.db)) {
		testdb_exec(s.db, "DROP ROLE IF EXISTS reader");
		testdb_exec(s.db,
			"CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA dray TO reader; "
			"GRANT SELECT ON dray.outbox TO reader");
		url = text("%s%suser=reader", s.url, strchr(s.url, '?') ? "&" : "?");
	}
	struct result end =
		dray_expect(0, "replay", "--database", url, "--subject", text("%s.k1.x", s.target));
	assert_contains(end.out, "6 of 6 events replayed");
	assert_int_equal(jetstream_count(s.js, s.target), 6);
	assert_string_equal(fingerprint(&s), before);
	close_scene(&s);
}

/* An event that cannot be published is said and passed over; one that nobody takes ends the run. */
static void test_events_that_cannot_go(void **state)
{
	struct scene s;

	open_scene(&s, *state, "cannot");
	fill_outbox(&s);
	testdb_exec(s.db, "UPDATE %s SET subject = 'not a subject' WHERE id = 5",
		testdb_table(s.db, "outbox"));
	struct result end = dray_expect(1, "replay", "--database", s.url, "--until", "id:10");
	assert_contains(end.err, "row 5 is dead: subject has a space");
	assert_contains(end.out, "9 of 10 events replayed");
	assert_contains(end.out, "1 refused");
	end = dray_expect(1, "replay", "--database", s.url, "--until", "id:3", "--to",
		"nobody.{subject}", "--file", s.file);
	assert_contains(end.err, "no stream listens to subject");
	assert_contains(end.out, text("go on with: dray replay --resume %s", s.file));
	close_scene(&s);
}

/* The one event after which a stream that is filled as a whole cannot go on. */
static void test_a_stream_of_one_relay(void **state)
{
	struct scene s;
	const char *refused = "ordering: stream";

	open_scene(&s, *state, "alone");
	fill_outbox(&s);
	char *config = fixture_config(text("alone_%s", s.kind),
		"relays: [ { name: whole, database: \"%s\", stream: %s, ordering: stream } ]\n",
		s.url, s.target);
	assert_contains(dray_expect(2, "replay", "-c", config).err, refused);
	struct proc *relay = dray_start("whole", NULL, "run", "-c", config);
	WAIT_UNTIL(20000, testdb_in_state(s.db, "pending") == 0);
	dray_stop(relay);
	int64_t before = jetstream_count(s.js, s.target);
	assert_contains(dray_expect(2, "replay", "--database", s.url).err, refused);
	assert_int_equal(jetstream_count(s.js, s.target), before);
	close_scene(&s);
}

static void test_one_process_a_replay(void **state)
{
	struct scene s;

	open_scene(&s, *state, "lock");
	fill_archive(&s, 2000);
	replay_archive(&s, "lock", NULL, "200");
	await_count(&s, 100);
	assert_contains(dray_expect(1, "replay", "--resume", s.file).err,
		"another process works on this replay");
	proc_signal(s.proc, SIGINT);
	assert_int_equal(proc_wait(s.proc, 20000), 1);
	assert_contains(proc_log(s.proc), "go on with: dray replay --resume");
	char *run = run_of(&s);
	dray_expect(0, "replay", "--resume", s.file, "--rate", "0");
	require_once(&s, run);
	close_scene(&s);
}

/* CloudEvents in binary mode and W3C trace context are headers: through relay, archive and replay as they are. */
static void test_headers_of_other_standards(void **state)
{
	static const char *const names[] = { "ce-specversion", "ce-id", "ce-type", "ce-source",
		"Content-Type", "traceparent" };
	static const char *const values[] = { "1.0", "order-1-created", "com.example.order.created",
		"/shop", "application/json",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
	struct scene s;
	char *headers = "{";

	open_scene(&s, *state, "ce");
	for (size_t i = 0; i < 6; i++)
		headers = text("%s%s\"%s\":\"%s\"", headers, i ? "," : "", names[i], values[i]);
	testdb_emit(s.db, text("%s.order", s.target), "order-1", text("%s}", headers), "{}");
	s.proc = dray_start("ce", NULL, "run", "-c",
		fixture_config(text("ce_%s", s.kind),
			"relays: [ { name: shop, database: \"%s\" } ]\n"
			"sinks: [ { name: archive, database: \"%s\", stream: %s } ]\n",
			s.url, s.url, s.target));
	WAIT_UNTIL(20000,
		testdb_int(s.db, "SELECT count(*) FROM %s", testdb_table(s.db, "events")) == 1);
	dray_stop(s.proc);
	dray_expect(0, "replay", "--database", s.url, "--table", testdb_table(s.db, "events"));
	struct jetstream_messages all = jetstream_read(s.js, s.target);
	assert_int_equal(all.count, 2);
	for (size_t i = 0; i < 12; i++)
		assert_string_equal(
			jetstream_header(all.items[i / 6].message, names[i % 6]), values[i % 6]);
	jetstream_free(&all);
	close_scene(&s);
}

static int64_t cpu_of_programs_ms(void)
{
	struct rusage used;

	getrusage(RUSAGE_CHILDREN, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
		(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Between two events of a slow replay there is nothing to do. */
static void test_a_slow_replay_rests(void **state)
{
	struct scene s;

	open_scene(&s, *state, "slow");
	fill_outbox(&s);
	int64_t began = now_ms(), before = cpu_of_programs_ms();
	dray_expect(0, "replay", "--database", s.url, "--subject", text("%s.k1.x", s.target),
		"--rate", "2");
	int64_t took = now_ms() - began, cpu = cpu_of_programs_ms() - before;
	if (took < 2000 || cpu > took / 3)
		give_up("%lld ms, of them %lld ms of CPU", (long long)took, (long long)cpu);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_each_event_once_through_kills),
		FOR_ONE(test_an_outage, "sqlite"),
		FOR_BOTH(test_what_an_event_carries),
		FOR_BOTH(test_what_is_asked_for),
		FOR_BOTH(test_rows_stay_as_they_are),
		FOR_ONE(test_events_that_cannot_go, "sqlite"),
		FOR_ONE(test_a_stream_of_one_relay, "postgres"),
		FOR_ONE(test_headers_of_other_standards, "postgres"),
		FOR_ONE(test_one_process_a_replay, "sqlite"),
		FOR_ONE(test_a_slow_replay_rests, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests(tests, fixture_start, NULL);
}
