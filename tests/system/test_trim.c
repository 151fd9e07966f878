/*
 * Events that leave the stream before a sink has stored them: counted, named, and passed over only where a
 * person or the config says so. And what looks like it but is no loss.
 */
#include "fixture.h"

#include <signal.h>

struct sink {
	char *name, *config;
	struct testdb *db;
	struct jetstream *js;
	struct proc *daemon;
	int published;
};

static struct sink set(const char *kind, const char *name, const char *settings)
{
	struct sink s = { .name = text("%s_%s", name, kind) };
	char *database = fixture_database(kind, name);

	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), NULL);
	s.config = fixture_config(s.name,
		"sinks: [ { name: in, database: \"%s\", stream: %s, lease: 1s, batch: 20, %s } ]\n",
		database, s.name, settings);
	dray_expect(0, "migrate", "-c", s.config);
	s.db = testdb_open(database);
	return s;
}

static void run(struct sink *s)
{
	s->daemon = dray_start(s->name, NULL, "run", "-c", s->config);
}

static void end(struct sink *s)
{
	dray_stop(s->daemon);
	jetstream_delete(s->js, s->name);
	jetstream_close(s->js);
	testdb_close(s->db);
}

static void publish(struct sink *s, const char *subject, int count)
{
	for (int i = 0; i < count; i++)
		jetstream_publish(s->js, text("%s.%s", s->name, subject), NULL,
			text("event %d", ++s->published));
}

static void purge_before(struct sink *s, int seq)
{
	jetstream_api(s->js, text("STREAM.PURGE.%s", s->name), text("{\"seq\":%d}", seq));
}

static int64_t stored(struct sink *s)
{
	return testdb_int(s->db, "SELECT count(*) FROM %s", testdb_table(s->db, "events"));
}

static int64_t position(struct sink *s)
{
	return testdb_int(s->db, "SELECT seq FROM %s", testdb_table(s->db, "sink_position"));
}

static void stores(struct sink *s, int64_t count)
{
	WAIT_UNTIL(20000, stored(s) >= count);
	assert_int_equal(stored(s), count);
}

static size_t told(struct sink *s, const char *words)
{
	return lines_with(proc_log(s->daemon), 0, " error ", words);
}

static bool shows(struct sink *s, const char *words)
{
	return strstr(dray_expect(0, "status", "-c", s->config).out, words);
}

/* It says so once, waits, and goes on where a person says, also over a restart. */
static void test_it_stops(void **state)
{
	struct sink s = set(*state, "stops", "start: all");

	run(&s);
	publish(&s, "a", 10);
	stores(&s, 10);
	dray_stop(s.daemon);
	publish(&s, "a", 20);
	purge_before(&s, 21);
	for (size_t i = 1; i <= 2; i++) {
		run(&s);
		WAIT_UNTIL(20000,
			told(&s, "10 events (sequence 11 to 20) were removed from stream") == i);
		nap(1500);
		assert_int_equal(told(&s, "were removed"), i);
		assert_int_equal(stored(&s), 10);
		WAIT_UNTIL(20000, shows(&s, "10 events (sequence 11 to 20) were removed"));
		assert_true(shows(&s, "stopped"));
		if (i == 1)
			dray_stop(s.daemon);
	}
	struct result check = dray_expect(1, "check", "-c", s.config);
	assert_contains(check.out, "sequence 11 to 20 left stream");
	dray_expect(0, "seek", "in", "--to", "seq:21", "-c", s.config);
	stores(&s, 20);
	end(&s);
}

static void test_it_continues(void **state)
{
	struct sink s = set(*state, "continues", "on_trimmed: continue");

	run(&s);
	publish(&s, "a", 10);
	stores(&s, 10);
	dray_stop(s.daemon);
	publish(&s, "a", 20);
	purge_before(&s, 31);
	run(&s);
	WAIT_UNTIL(20000, told(&s, "20 events (sequence 11 to 30) were removed") == 1);
	WAIT_UNTIL(20000, position(&s) == 30);
	dray_stop(s.daemon);
	run(&s);
	publish(&s, "a", 10);
	stores(&s, 20);
	assert_int_equal(told(&s, "were removed"), 1); /* not again: the position has moved */
	end(&s);
}

/* The sink is behind, and the stream lets go of what it has not had: it never passes over that in silence. */
static void trimmed_under_its_eyes(const char *kind, const char *name, const char *settings)
{
	struct sink s = set(kind, name, settings);
	int64_t had;

	run(&s);
	publish(&s, "a", 10);
	stores(&s, 10);
	proc_signal(s.daemon, SIGSTOP);
	publish(&s, "a", 190);
	purge_before(&s, 151);
	proc_signal(s.daemon, SIGCONT);
	WAIT_UNTIL(20000, told(&s, "to 150) were removed from stream") == 1);
	const char *line = strstr(proc_log(s.daemon), " error   in: ");
	assert_non_null(line);
	had = 150 - atoll(line + strlen(" error   in: ")); /* what was on its way */
	assert_in_range(had, 10, 10 + 3 * 20);
	assert_int_equal(told(&s, text("(sequence %d to 150)", (int)had + 1)), 1);
	if (!strstr(settings, "continue"))
		dray_expect(0, "seek", "in", "--to", "seq:151", "-c", s.config);
	stores(&s, had + 50);
	end(&s);
}

static void test_it_is_overtaken(void **state)
{
	trimmed_under_its_eyes(*state, "overtaken", "on_trimmed: stop");
}

static void test_it_is_overtaken_and_continues(void **state)
{
	trimmed_under_its_eyes(*state, "overtaken_on", "on_trimmed: continue");
}

/* Somebody deleted events from the middle: that is no trimming. */
static void test_a_deletion_is_no_loss(void **state)
{
	struct sink s = set(*state, "deletion", "start: all");

	run(&s);
	publish(&s, "a", 10);
	stores(&s, 10);
	proc_signal(s.daemon, SIGSTOP);
	publish(&s, "a", 190);
	for (int seq = 100; seq < 110; seq++)
		jetstream_api(
			s.js, text("STREAM.MSG.DELETE.%s", s.name), text("{\"seq\":%d}", seq));
	proc_signal(s.daemon, SIGCONT);
	stores(&s, 190);
	assert_int_equal(told(&s, "removed"), 0);
	end(&s);
}

/* What others published and the stream let go of was nothing for this sink. */
static void test_events_of_others(void **state)
{
	char *name = text("others_%s", (const char *)*state);
	struct sink s = set(*state, "others", text("subjects: [%s.mine]", name));

	run(&s);
	publish(&s, "mine", 5);
	publish(&s, "theirs", 20);
	stores(&s, 5);
	WAIT_UNTIL(20000, position(&s) == 25);
	dray_stop(s.daemon);
	purge_before(&s, 26);
	publish(&s, "mine", 5);
	run(&s);
	stores(&s, 10);
	assert_int_equal(told(&s, "removed"), 0);
	dray_stop(s.daemon);
	publish(&s, "mine", 3); /* and of these nobody knows */
	publish(&s, "theirs", 3);
	purge_before(&s, 37);
	run(&s);
	WAIT_UNTIL(20000, told(&s, "6 events (sequence 31 to 36) were removed from stream") == 1);
	assert_int_equal(told(&s, "as far as they were there and had its subjects"), 1);
	end(&s);
}

/* What runs always, and what runs where the long runs are asked for. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_it_stops, "sqlite"),
		FOR_ONE(test_it_continues, "postgres"),
		FOR_BOTH(test_it_is_overtaken),
		FOR_ONE(test_a_deletion_is_no_loss, "postgres"),
		FOR_ONE(test_events_of_others, "sqlite"),
	};
	const struct CMUnitTest more[] = {
		FOR_ONE(test_it_stops, "postgres"),
		FOR_ONE(test_it_continues, "sqlite"),
		FOR_ONE(test_it_is_overtaken_and_continues, "sqlite"),
		FOR_ONE(test_events_of_others, "postgres"),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("trim", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("trim, more", more, NULL, NULL);
	return failed;
}
