/* What the tests of faults share. */
#include "stage.h"

#include <signal.h>

void stage_configure(struct stage *s, bool named)
{
	s->config = fixture_config(s->name,
		"relays: [ { name: out, database: \"%s\", lease: 1s, %s%s%s retry: { initial: 50ms, "
		"max: 200ms, max_attempts: 0 } } ]\n"
		"sinks: [ { name: in, database: \"%s\", stream: %s, lease: 1s, batch: 20 } ]\n",
		s->dray_from ? s->dray_from : s->from, named ? "stream: " : "",
		named ? s->name : "", named ? "," : "", s->dray_to ? s->dray_to : s->to, s->name);
}

struct stage stage_set(const char *kind, const char *name, const char *more, bool named)
{
	struct stage s = { .name = text("%s_%s", name, kind), .kind = text("%s", kind) };

	s.stream = s.name;
	s.from = fixture_database(kind, name);
	s.to = fixture_database(kind, text("%s_to", name));
	stage_configure(&s, named);
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), more ? more : STAGE_WINDOW);
	dray_expect(0, "migrate", "-c", s.config);
	s.outbox = testdb_open(s.from);
	s.archive = testdb_open(s.to);
	return s;
}

void stage_run(struct stage *s, const char *failpoints)
{
	s->daemon = dray_start(s->name, failpoints, "run", "-c", s->config);
}

int stage_run_http(struct stage *s, const char *host, const char *more)
{
	int port = free_port();

	file_write(s->config,
		text("http: { listen: \"%s:%d\"%s }\n%s", host, port, more, file_read(s->config)));
	stage_run(s, NULL);
	WAIT_UNTIL(20000, http_request(port, "GET", "/readyz", NULL, NULL).status == 200);
	return port;
}

void stage_is_killed(struct stage *s)
{
	assert_int_equal(proc_wait(s->daemon, 30000), 128 + SIGKILL);
}

void stage_stop(struct stage *s)
{
	dray_stop(s->daemon);
}

void stage_end(struct stage *s)
{
	if (s->daemon && proc_running(s->daemon))
		dray_stop(s->daemon);
	testdb_close(s->outbox);
	testdb_close(s->archive);
	jetstream_close(s->js);
}

void stage_emit(struct stage *s, int from, int to, int keys)
{
	testdb_exec(s->outbox, "BEGIN");
	for (int i = from; i <= to; i++)
		testdb_emit(s->outbox, text("%s.e%d", s->name, i % keys), text("k%d", i % keys),
			NULL, text("event %d of %s", i, s->name));
	testdb_exec(s->outbox, "COMMIT");
}

int64_t stage_rows(struct stage *s)
{
	return testdb_int(s->outbox, "SELECT count(*) FROM %s", testdb_table(s->outbox, "outbox"));
}

void stage_delivered(struct stage *s)
{
	WAIT_UNTIL(40000, testdb_in_state(s->outbox, "pending") == 0);
}

int64_t stage_archived(struct stage *s)
{
	return testdb_int(
		s->archive, "SELECT count(*) FROM %s", testdb_table(s->archive, "events"));
}

void stage_archives(struct stage *s, int64_t events)
{
	WAIT_UNTIL(40000, stage_archived(s) >= events);
	assert_int_equal(stage_archived(s), events);
}

int64_t stage_attempts(struct stage *s)
{
	return testdb_int(
		s->outbox, "SELECT sum(attempts) FROM %s", testdb_table(s->outbox, "outbox"));
}

struct oracle_counts stage_count_stream(struct stage *s)
{
	struct oracle *oracle = oracle_from_outbox(s->outbox, "state <> 'dead'");
	struct oracle_counts counts = oracle_see_stream(oracle, s->js, s->stream);

	oracle_destroy(oracle);
	return counts;
}

struct oracle_counts stage_count_archive(struct stage *s)
{
	struct oracle *oracle = oracle_from_outbox(s->outbox, "state <> 'dead'");
	struct oracle_counts counts = oracle_see_archive(oracle, s->archive);

	oracle_destroy(oracle);
	return counts;
}

void stage_exact(struct stage *s)
{
	stage_delivered(s);
	stage_archives(s, testdb_in_state(s->outbox, "delivered"));
	oracle_require(stage_count_stream(s));
	oracle_require(stage_count_archive(s));
}

void stage_says(struct stage *s, const char *level, const char *piece)
{
	char *marked = text(" %s ", level);

	WAIT_UNTIL(20000, lines_with(proc_log(s->daemon), s->log_from, marked, piece) > 0);
}

void stage_last_error(struct stage *s, bool relay, const char *piece)
{
	struct testdb *db = relay ? s->outbox : s->archive;
	const char *sql = text("SELECT last_error FROM %s WHERE kind = '%s'",
		testdb_table(db, "pipeline"), relay ? "relay" : "sink");

	WAIT_UNTIL(20000, strstr(testdb_text(db, "%s", sql), piece));
}

int stage_start_browser(void **state)
{
	fixture_start_nats(state);
	browser_start();
	return 0;
}

int stage_end_browser(void **state)
{
	(void)state;
	browser_end();
	return 0;
}

static void must(const char *const *argv)
{
	struct result result = command_run(&(struct launch){ .argv = argv }, 30000);

	if (result.status != 0)
		give_up("%s: %s", argv[0], result.err);
}

void stage_copy(const char *from, const char *to)
{
	stage_remove(to);
	must((const char *const[]){ "cp", "-a", from, to, NULL });
}

void stage_remove(const char *path)
{
	must((const char *const[]){ "rm", "-rf", path, NULL });
}
