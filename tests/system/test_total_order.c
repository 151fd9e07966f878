/*
 * `ordering: stream`: the stream holds the rows in the order of their ids, each once and next to the other,
 * whatever is lost, killed, paused or put between. The streams forget ids after a tenth of a second: the
 * chain of expected sequences does without.
 */
#include "fixture.h"

#include <signal.h>

#define SHORT_WINDOW	"\"duplicate_window\":100000000"
#define WINDOW_PASSED() nap(300)
#define LEASE_MS	1000

struct scene {
	char *name, *config;
	struct testdb *db;
	struct jetstream *js;
	struct proc *daemon;
	struct proxy *proxy;
};

static struct scene set_with(
	const char *kind, const char *name, const char *stream, bool behind_proxy)
{
	struct scene s = { .name = text("%s_%s", name, kind) };
	char *database = fixture_database(kind, name);

	s.proxy = behind_proxy ? proxy_start(nats.port) : NULL;
	s.config = scratch_path("%s.yaml", s.name);
	file_write(s.config,
		text("nats: { url: \"%s\" }\nrelays: [ { name: total, database: \"%s\", stream: %s, "
		     "ordering: stream, lease: %dms, retry: { initial: 50ms, max: 100ms, "
		     "max_attempts: 2 } } ]\n",
			s.proxy ? proxy_url(s.proxy) : nats.url, database, s.name, LEASE_MS));
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), stream);
	dray_expect(0, "migrate", "-c", s.config);
	s.db = testdb_open(database);
	return s;
}

static struct scene set(const char *kind, const char *name)
{
	return set_with(kind, name, SHORT_WINDOW, false);
}

static struct proc *run(struct scene *s, const char *failpoints)
{
	return s->daemon = dray_start(s->name, failpoints, "run", "-c", s->config);
}

static void fill(struct scene *s, int64_t from, int64_t count)
{
	fixture_bulk(s->db, text("'%s.' || key", s->name), from, count, 100);
}

static void emit(struct scene *s, const char *subject, const char *what)
{
	testdb_emit(s->db, subject, NULL, NULL, what);
}

static char *log_of(const struct scene *s)
{
	return file_read(scratch_path("%s.log", s->name));
}

static int64_t delivered(struct scene *s)
{
	return testdb_in_state(s->db, "delivered");
}

static void all_dealt_with(struct scene *s)
{
	WAIT_UNTIL(60000, testdb_in_state(s->db, "pending") == 0);
}

struct look {
	int64_t before, turned;
};

static void look_at(void *context, const char *const *cells)
{
	struct look *look = context;
	int64_t seq = atoll(cells[0]);

	look->turned += seq <= look->before;
	look->before = seq;
}

/* Every delivered row stands in the stream once, and the whole is in the order of ids. */
static void is_in_total_order(struct scene *s)
{
	const char *table = testdb_table(s->db, "outbox");
	struct oracle *oracle = oracle_from_outbox(s->db, "state = 'delivered'");
	struct look look = { 0 };

	oracle_require(oracle_see_stream(oracle, s->js, s->name));
	oracle_destroy(oracle);
	testdb_each(s->db, look_at, &look,
		text("SELECT stream_seq FROM %s WHERE state = 'delivered' ORDER BY id", table));
	assert_int_equal(look.turned, 0);
}

static void clean_up(struct scene *s)
{
	jetstream_delete(s->js, s->name);
	jetstream_close(s->js);
	testdb_close(s->db);
}

static void end(struct scene *s)
{
	all_dealt_with(s);
	dray_stop(s->daemon);
	is_in_total_order(s);
	clean_up(s);
}

static void test_all_rows_in_one_order(void **state)
{
	struct scene s = set(*state, "whole");

	fill(&s, 1, 3000);
	run(&s, NULL);
	struct writer *writer = writer_start(testdb_url(s.db), s.name, 20, 3, 1);
	WAIT_UNTIL(30000, delivered(&s) > 4000);
	writer_end(writer);
	all_dealt_with(&s);
	assert_int_equal(jetstream_last(s.js, s.name), delivered(&s)); /* nothing was tried twice */
	end(&s);
}

/* Sent and not settled, then killed, again and again: no duplicate, though nothing remembers an id. */
static void test_killed_in_the_middle(void **state)
{
	static const char *const places[] = { "relay.before_publish=kill@1500",
		"relay.after_acknowledgement=kill@2", "relay.before_settle=kill@2",
		"relay.after_settle=kill@2" };
	struct scene s = set(*state, "killed");

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		fill(&s, 1 + 4000 * (int64_t)i, 4000);
		run(&s, places[i]);
		assert_int_equal(proc_wait(s.daemon, 30000), 128 + SIGKILL);
		WINDOW_PASSED();
	}
	run(&s, NULL);
	end(&s);
}

/* The server's answers get lost, one here, all there: what was stored is found, the rest follows it. */
static void test_answers_get_lost(void **state)
{
	struct scene s = set_with(*state, "answers", SHORT_WINDOW, true);

	run(&s, NULL);
	fill(&s, 1, 500);
	all_dealt_with(&s);
	proxy_lose(s.proxy, "\"seq\":700");
	fill(&s, 501, 500);
	all_dealt_with(&s);
	assert_int_equal(proxy_lost(s.proxy), 1);
	fill(&s, 1001, 500);
	WAIT_UNTIL(20000, delivered(&s) > 1100);
	proxy_cut(s.proxy);
	end(&s);
}

/* A row that nobody takes: it holds all until it is dead; one that is too large: it is dead at once. */
static void test_rows_that_fail(void **state)
{
	struct scene s = set_with(*state, "fail", SHORT_WINDOW ",\"max_msg_size\":2000", false);
	char large[3001];

	memset(large, 'x', 3000);
	large[3000] = '\0';
	for (int i = 0; i < 10; i++) {
		fill(&s, 1 + 100 * i, 100);
		emit(&s, i % 2 ? text("%s.large", s.name) : "nobody.takes.it", large);
	}
	run(&s, NULL);
	all_dealt_with(&s);
	assert_int_equal(testdb_in_state(s.db, "dead"), 10);
	assert_int_equal(delivered(&s), 1000);
	assert_int_equal(testdb_int(s.db, "SELECT sum(attempts) FROM %s WHERE state = 'delivered'",
				 testdb_table(s.db, "outbox")),
		0);
	end(&s);
}

/* Stops it in the middle of its work, but in no transaction: SQLite would let nobody write. */
static void hold_still(struct scene *s, struct proc *proc)
{
	bool still = false;

	if (testdb_is_postgres(s->db)) {
		proc_signal(proc, SIGSTOP);
		return;
	}
	testdb_int(s->db, "PRAGMA busy_timeout = 10");
	for (int i = 0; !still && i < 300; i++) {
		proc_signal(proc, SIGSTOP);
		still = testdb_try(s->db, NULL, "BEGIN IMMEDIATE; COMMIT");
		if (still)
			break;
		proc_signal(proc, SIGCONT);
		nap(1 + i % 7);
	}
	testdb_int(s->db, "PRAGMA busy_timeout = 30000");
	assert_true(still);
}

/* One that nobody takes at first holds all that come behind it, until somebody does. */
static void test_a_row_whose_time_comes(void **state)
{
	struct scene s = set(*state, "time");

	file_write(s.config,
		text("nats: { url: \"%s\" }\nrelays: [ { name: total, database: \"%s\", stream: %s, "
		     "ordering: stream, retry: { initial: 50ms, max: 100ms, max_attempts: 0 } } ]\n",
			nats.url, testdb_url(s.db), s.name));
	fill(&s, 1, 500);
	emit(&s, text("%s-later", s.name), "{}");
	fill(&s, 501, 500);
	run(&s, NULL);
	WAIT_UNTIL(20000, delivered(&s) == 500);
	nap(500);
	assert_int_equal(delivered(&s), 500);
	jetstream_change(
		s.js, s.name, text("\"%s.>\", \"%s-later\"", s.name, s.name), SHORT_WINDOW);
	end(&s);
}

/* A holder that slept while another took over: nothing of it gets in between, though it had it on its way. */
static void test_a_holder_that_wakes_up_late(void **state)
{
	struct scene s = set(*state, "late");
	char *other = text("%s_other", s.name);

	fill(&s, 1, 20000);
	struct proc *first = run(&s, NULL);
	WAIT_UNTIL(20000, delivered(&s) > 1000);
	struct proc *second = dray_start(other, NULL, "run", "-c", s.config);
	WAIT_UNTIL(20000, strstr(file_read(scratch_path("%s.log", other)), "standing by"));
	hold_still(&s, first);
	fill(&s, 20001, 2000);
	WAIT_UNTIL(20000, strstr(file_read(scratch_path("%s.log", other)), "took over"));
	WAIT_UNTIL(20000, delivered(&s) > 21000);
	WINDOW_PASSED();
	proc_signal(first, SIGCONT);
	fill(&s, 22001, 2000);
	WAIT_UNTIL(20000, strstr(log_of(&s), "standing by"));
	all_dealt_with(&s);
	dray_stop(second);
	end(&s);
}

/* One message of somebody else is borne; a publisher that goes on breaks the order for good. */
static void test_another_publisher(void **state)
{
	struct scene s = set(*state, "stranger");

	run(&s, NULL);
	fill(&s, 1, 100);
	all_dealt_with(&s);
	jetstream_publish(s.js, text("%s.x", s.name), "stranger", "{}");
	fill(&s, 101, 100);
	all_dealt_with(&s);
	assert_contains(log_of(&s), "got 1 message of another publisher, up to sequence ");
	assert_contains(log_of(&s), "row 101 was overtaken by rows behind it");
	assert_int_equal(jetstream_count(s.js, s.name), 201);
	for (int i = 0; proc_running(s.daemon) && i < 50; i++) {
		jetstream_publish(s.js, text("%s.x", s.name), text("stranger %d", i), "{}");
		emit(&s, text("%s.y", s.name), "y");
		nap(50);
	}
	assert_int_equal(proc_wait(s.daemon, 10000), 1);
	assert_contains(log_of(&s), "takes messages of another publisher again and again");
	clean_up(&s);
}

static void is_refused(const char *kind, const char *name, const char *stream, const char *why)
{
	struct scene s = set_with(kind, name, stream, false);
	struct result check = dray_expect(1, "check", "-c", s.config);

	assert_contains(text("%s%s", check.out, check.err), why);
	run(&s, NULL);
	assert_int_equal(proc_wait(s.daemon, 10000), 1);
	assert_contains(log_of(&s), why);
	clean_up(&s);
}

static void test_streams_that_cannot_be_ordered(void **state)
{
	struct jetstream *js = jetstream_open(nats.url);
	char *source = text("source_%s", (const char *)*state);

	is_refused(*state, "queue", "\"retention\":\"workqueue\"",
		"ordering: stream needs limits retention");
	jetstream_make(js, source, text("\"%s.>\"", source), NULL);
	is_refused(*state, "sourced", text("\"sources\":[{\"name\":\"%s\"}]", source),
		"takes messages of other streams (sources)");
	jetstream_delete(js, source);
	jetstream_close(js);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_all_rows_in_one_order),
		FOR_BOTH(test_killed_in_the_middle),
		FOR_BOTH(test_answers_get_lost),
		FOR_BOTH(test_rows_that_fail),
		FOR_BOTH(test_a_row_whose_time_comes),
		FOR_BOTH(test_a_holder_that_wakes_up_late),
		FOR_BOTH(test_another_publisher),
		FOR_BOTH(test_streams_that_cannot_be_ordered),
	};

	only_named_tests();
	return cmocka_run_group_tests(tests, fixture_start, NULL);
}
