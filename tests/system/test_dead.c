/* dray dead: what was given up on is listed, shown, put back and thrown away, while the pipelines run. */
#include "fixture.h"

#include <jansson.h>

#define AT_ONCE_MS 5000 /* a sweep comes every 10 s */

/* A relay and a sink of one stream that takes NAME.a.> first; rows of other subjects find no stream. */
struct scene {
	char *name, *config, *stream;
	struct testdb *db, *archive;
	struct jetstream *js;
};

static struct scene make(const char *kind, const char *name, const char *settings)
{
	struct scene s = { .name = text("%s_%s", name, kind) };
	char *from = fixture_database(kind, name),
	     *to = fixture_database(kind, text("%s_to", name));

	s.stream = text("DEAD_%s", s.name);
	s.config = fixture_config(s.name,
		"relays: [ { name: shop, database: \"%s\", stream: %s, poll_interval: 1h, %s } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: %s } ]\n",
		from, s.stream, settings, to, s.stream);
	dray_expect(0, "migrate", "-c", s.config);
	s.db = testdb_open(from);
	s.archive = testdb_open(to);
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.stream, text("\"%s.a.>\"", s.name), NULL);
	return s;
}

static void end(struct scene *s)
{
	testdb_close(s->db);
	testdb_close(s->archive);
	jetstream_close(s->js);
}

static void emit_dead(struct scene *s, const char *subject, const char *key)
{
	testdb_emit(s->db, text("%s.%s", s->name, subject), key, "{\"A\":\"b\"}", "{\"n\":1}");
	testdb_exec(s->db,
		"UPDATE %s SET state = 'dead', attempts = 20, last_error = 'No stream for it' "
		"WHERE id = (SELECT max(id) FROM %s)",
		testdb_table(s->db, "outbox"), testdb_table(s->db, "outbox"));
}

static void emit(struct scene *s, const char *subject, const char *key)
{
	testdb_emit(s->db, text("%s.%s", s->name, subject), key, NULL, "{\"n\":1}");
}

static const char *state_of(struct scene *s, int64_t id)
{
	return testdb_text(s->db, "SELECT state FROM %s WHERE id = %lld",
		testdb_table(s->db, "outbox"), (long long)id);
}

static bool is(struct scene *s, int64_t id, const char *state)
{
	return strcmp(state_of(s, id), state) == 0;
}

static void delivered_at_once(struct scene *s, int64_t id)
{
	int64_t began = now_ms();

	WAIT_UNTIL(30000, is(s, id, "delivered"));
	if (now_ms() - began > AT_ONCE_MS)
		give_up("row %lld took %lld ms", (long long)id, (long long)(now_ms() - began));
}

/* A row that was put back goes out at once, though it lies behind the cursor; three times, so that no sweep helps. */
static void test_a_retry_is_seen_at_once(void **state)
{
	struct scene s = make(*state, "once", "ordering: key");

	for (int i = 0; i < 3; i++)
		emit_dead(&s, "a.x", "k");
	emit(&s, "a.x", "k");
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, is(&s, 4, "delivered"));
	for (int i = 1; i <= 3; i++) {
		struct result shown =
			dray_expect(0, "dead", "retry", text("%d", i), "-c", s.config);
		assert_contains(shown.out, "next in line");
		assert_contains(shown.out, "1 of 1 retried");
		delivered_at_once(&s, i);
	}
	assert_int_equal(jetstream_count(s.js, s.stream), 4);
	assert_int_equal(
		testdb_int(s.db, "SELECT max(attempts) FROM %s", testdb_table(s.db, "outbox")), 0);
	dray_stop(daemon);
	end(&s);
}

/* A later row of its key fails and waits: the one that was put back goes before it, and then it waits on. */
static void test_a_retry_goes_before_what_waits(void **state)
{
	struct scene s = make(*state, "before", "retry: { initial: 1h, max: 1h, jitter: 0 }");

	emit_dead(&s, "a.x", "k");
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	emit(&s, "nowhere", "k");
	emit(&s, "a.x", "k");
	WAIT_UNTIL(30000,
		testdb_int(s.db, "SELECT attempts FROM %s WHERE id = 2",
			testdb_table(s.db, "outbox")) == 1);
	struct result dry =
		dray_expect(0, "dead", "retry", "--key", "k", "--dry-run", "-c", s.config);
	assert_contains(
		dry.out, "would be pending again, before later ones of its order that wait");
	assert_string_equal(state_of(&s, 1), "dead");
	struct result shown = dray_expect(0, "dead", "retry", "--key", "k", "-c", s.config);
	assert_contains(shown.out, "pending again, before later ones of its order that wait");
	delivered_at_once(&s, 1);
	nap(500);
	assert_string_equal(state_of(&s, 2), "pending");
	assert_string_equal(state_of(&s, 3), "pending");
	dray_stop(daemon);
	end(&s);
}

/* With total order the relay itself sends it, between its own: nothing is lost, nothing comes twice. */
static void test_a_retry_in_total_order(void **state)
{
	struct scene s = make(*state, "total", "ordering: stream");

	for (int i = 0; i < 20; i++)
		(i % 4 == 0 ? emit_dead : emit)(&s, "a.x", NULL);
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	struct writer *writer = writer_start(testdb_url(s.db), text("%s.a.w", s.name), 3, 5, 5);
	WAIT_UNTIL(30000, testdb_in_state(s.db, "delivered") > 100);
	dray_expect(0, "dead", "retry", "--all", "-c", s.config);
	int64_t enough = testdb_in_state(s.db, "delivered") + 100;
	WAIT_UNTIL(30000, testdb_in_state(s.db, "delivered") > enough);
	writer_end(writer);
	WAIT_UNTIL(30000, testdb_in_state(s.db, "pending") == 0);
	assert_int_equal(testdb_in_state(s.db, "dead"), 0);
	assert_int_equal(jetstream_count(s.js, s.stream), testdb_in_state(s.db, "delivered"));
	dray_stop(daemon);
	end(&s);
}

static void refuse(struct scene *s)
{
	if (testdb_is_postgres(s->archive))
		testdb_exec(s->archive,
			"ALTER TABLE dray.events ADD CONSTRAINT closed CHECK (subject NOT LIKE '%%.bad')");
	else
		testdb_exec(s->archive,
			"CREATE TRIGGER closed BEFORE INSERT ON dray_events WHEN new.subject LIKE '%%.bad' "
			"BEGIN SELECT RAISE(ABORT, 'closed'); END");
}

static int64_t in(struct scene *s, const char *table)
{
	return testdb_int(s->archive, "SELECT count(*) FROM %s", testdb_table(s->archive, table));
}

/* An event that the database refused is stored once it does not, as any other, while the sink runs. */
static void test_an_event_is_stored_after_a_repair(void **state)
{
	struct scene s = make(*state, "repair", "ordering: key");
	const char *id = text("%s/0/2", s.stream);

	refuse(&s);
	emit(&s, "a.good", "k");
	testdb_emit(s.db, text("%s.a.bad", s.name), "k", "{\"A\":\"b\"}", "one\xff\x01two");
	emit(&s, "a.good", "k");
	struct proc *daemon = dray_start(s.name, NULL, "run", "-c", s.config);
	WAIT_UNTIL(30000, in(&s, "events") == 2 && in(&s, "sink_dead") == 1);
	struct result shown = dray_expect(1, "dead", "retry", id, "-c", s.config);
	assert_contains(shown.out, "still refused");
	assert_contains(shown.out, "closed");
	assert_contains(shown.out, "0 of 1 retried");
	assert_int_equal(in(&s, "sink_dead"), 1);
	shown = dray_expect(0, "dead", "show", id, "-c", s.config);
	assert_contains(shown.out, "A: b");
	assert_contains(shown.out, "6f 6e 65 ff 01 74 77 6f");
	testdb_exec(s.archive, "%s",
		testdb_pick(s.archive, "DROP TRIGGER closed",
			"ALTER TABLE dray.events DROP CONSTRAINT closed"));
	shown = dray_expect(0, "dead", "retry", "--error", "CLOSED", "-c", s.config);
	assert_contains(shown.out, "1 of 1 retried");
	assert_int_equal(in(&s, "sink_dead"), 0);
	WAIT_UNTIL(30000, in(&s, "events") == 3);
	struct oracle *oracle = oracle_from_outbox(s.db, "TRUE");
	oracle_require(oracle_see_archive(oracle, s.archive));
	oracle_destroy(oracle);
	const char *events = testdb_table(s.archive, "events");
	char *msg_id = testdb_text(
		s.db, "SELECT event_id FROM %s WHERE id = 2", testdb_table(s.db, "outbox"));
	assert_int_equal(
		testdb_int(s.archive,
			"SELECT count(*) FROM %s WHERE seq = 2 AND msg_id = '%s' AND published_at BETWEEN "
			"(SELECT published_at FROM %s WHERE seq = 1) AND (SELECT published_at FROM %s WHERE seq = 3)",
			events, msg_id, events, events),
		1);
	assert_contains(dray_expect(1, "dead", "retry", id, "-c", s.config).err, "is called");
	dray_stop(daemon);
	end(&s);
}

static size_t listed(struct scene *s, const char *option, const char *value)
{
	const char *words[] = { "dead", "list", "--json", "-c", s->config, option, value, NULL };
	struct result shown = dray_run_expect(__FILE__, __LINE__, 0, words);

	return occurrences(shown.out, "\"pipeline\"");
}

static void test_the_filters(void **state)
{
	struct scene s = make(*state, "filters", "ordering: key");

	emit_dead(&s, "a.x", "k");
	emit_dead(&s, "a.x.y", "l");
	emit_dead(&s, "b", NULL);
	emit(&s, "b", NULL);
	testdb_exec(s.db, "UPDATE %s SET created_at = '2020-01-01T00:00:00.000Z' WHERE id = 2",
		testdb_table(s.db, "outbox"));
	testdb_exec(s.db, "UPDATE %s SET last_error = 'Other' WHERE id = 3",
		testdb_table(s.db, "outbox"));
	assert_int_equal(listed(&s, NULL, NULL), 3);
	assert_int_equal(listed(&s, "--subject", text("%s.a.*", s.name)), 1);
	assert_int_equal(listed(&s, "--subject", text("%s.a.>", s.name)), 2);
	assert_int_equal(listed(&s, "--key", "l"), 1);
	assert_int_equal(listed(&s, "--error", "no STREAM"), 2);
	assert_int_equal(listed(&s, "--older", "365d"), 1);
	assert_int_equal(listed(&s, "--newer", "1h"), 2);
	assert_int_equal(listed(&s, "--pipeline", "shop"), 3);
	assert_int_equal(listed(&s, "--pipeline", "archive"), 0);
	assert_int_equal(listed(&s, "--database", testdb_url(s.db)), 3);
	assert_contains(dray_expect(0, "dead", "list", "--key", "no", "-c", s.config).out,
		"nothing that was given up on matches");
	end(&s);
}

static void refused(struct scene *s, const char *wanted, const char *first, const char *option,
	const char *value)
{
	const char *words[] = { "dead", first, "-c", s->config, option, value, NULL };
	struct result shown = dray_run_expect(__FILE__, __LINE__, 2, words);

	assert_contains(shown.err, wanted);
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	struct scene s = make(*state, "sense", "ordering: key");

	emit_dead(&s, "a.x", "k");
	refused(&s, "it is list, show, retry or discard", "lost", NULL, NULL);
	refused(&s, "say which", "retry", NULL, NULL);
	refused(&s, "say which", "discard", "--reason", "x");
	refused(&s, "needs --reason", "discard", "1", NULL);
	refused(&s, "is no id", "retry", "one", NULL);
	refused(&s, "is not a duration", "list", "--older", "soon");
	refused(&s, "--subject", "list", "--subject", "a..b");
	refused(&s, "no relay and no sink \"other\"", "list", "--pipeline", "other");
	refused(&s, "is for dray dead discard", "list", "--reason", "x");
	refused(&s, "leave --dry-run out", "list", "--dry-run", NULL);
	assert_contains(dray_expect(1, "dead", "retry", "77", "-c", s.config).err,
		"nothing that was given up on is called 77");
	assert_string_equal(state_of(&s, 1), "dead");
	end(&s);
}

/* What is thrown away is written down, whole. */
static void test_a_discard_leaves_a_trail(void **state)
{
	struct scene s = make(*state, "trail", "ordering: key");
	const char *trail = testdb_table(s.db, "discarded");

	for (int i = 0; i < 3; i++)
		emit_dead(&s, "a.x", "k");
	dray_expect(0, "dead", "discard", "1", "2", "--dry-run", "-c", s.config);
	assert_int_equal(testdb_in_state(s.db, "dead"), 3);
	struct result shown = dray_expect(0, "dead", "discard", "1", "2", "--reason",
		"Made by mistake: it's \"odd\"", "-c", s.config);
	assert_contains(shown.out, "2 of 2 discarded");
	assert_int_equal(testdb_in_state(s.db, "dead"), 1);
	assert_int_equal(testdb_int(s.db, "SELECT count(*) FROM %s", trail), 2);
	assert_string_equal(
		testdb_text(s.db,
			"SELECT source || ' ' || dead_id || ' ' || subject || ' ' || key || ' ' || error || "
			"' ' || attempts || ' ' || reason FROM %s ORDER BY id LIMIT 1",
			trail),
		text("outbox:%s 1 %s.a.x k No stream for it 20 Made by mistake: it's \"odd\"",
			testdb_table(s.db, "outbox"), s.name));
	assert_contains(testdb_text(s.db, "SELECT discarded_by FROM %s LIMIT 1", trail), "@");
	assert_string_equal(
		testdb_text(s.db, "SELECT %s FROM %s LIMIT 1",
			testdb_pick(s.db, "CAST(payload AS TEXT)", "convert_from(payload, 'UTF8')"),
			trail),
		"{\"n\":1}");
	testdb_exec(s.archive,
		"INSERT INTO %s (sink, stream, epoch, seq, subject, payload, error) "
		"VALUES ('archive', 'S', 0, 7, 'x', 'y', 'z')",
		testdb_table(s.archive, "sink_dead"));
	dray_expect(0, "dead", "discard", "S/0/7", "--reason", "old", "-c", s.config);
	assert_int_equal(in(&s, "sink_dead"), 0);
	assert_string_equal(testdb_text(s.archive, "SELECT source || dead_id FROM %s",
				    testdb_table(s.archive, "discarded")),
		"sink:archiveS/0/7");
	end(&s);
}

/* More than a page of them, and nothing that would steer a terminal. */
static void test_many_and_odd_ones(void **state)
{
	struct scene s = make(*state, "many", "ordering: key");

	testdb_exec(s.db, "BEGIN");
	for (int i = 0; i < 1203; i++)
		emit(&s, "a.x", i % 2 ? "odd" : "even");
	testdb_exec(s.db, "COMMIT");
	testdb_exec(s.db, "UPDATE %s SET state = 'dead', last_error = '\033[2J' WHERE id > 1",
		testdb_table(s.db, "outbox"));
	assert_int_equal(listed(&s, "--key", "odd"), 601);
	struct result shown = dray_expect(0, "dead", "list", "-c", s.config);
	assert_int_equal(occurrences(shown.out, "\n"), 1203);
	assert_lacks(shown.out, "\033");
	assert_contains(shown.out, "\\x1b[2J");
	shown = dray_expect(0, "dead", "retry", "--key", "odd", "--json", "-c", s.config);
	assert_int_equal(occurrences(shown.out, "\"result\":\"pending\""), 601);
	assert_contains(shown.out, "{\"matched\":601,\"done\":601,\"dry_run\":false}");
	dray_expect(0, "dead", "discard", "--all", "--reason", "x", "-c", s.config);
	assert_int_equal(testdb_in_state(s.db, "dead"), 0);
	assert_int_equal(testdb_in_state(s.db, "pending"), 602);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_a_retry_is_seen_at_once),
		FOR_BOTH(test_a_retry_goes_before_what_waits),
		FOR_BOTH(test_a_retry_in_total_order),
		FOR_BOTH(test_an_event_is_stored_after_a_repair),
		FOR_BOTH(test_the_filters),
		FOR_BOTH(test_what_makes_no_sense_is_refused),
		FOR_BOTH(test_a_discard_leaves_a_trail),
		FOR_BOTH(test_many_and_odd_ones),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("dead", tests, fixture_start, NULL);
}
