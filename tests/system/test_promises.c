/*
 * The promises, one scene each: something is stopped, killed or lost at just the place where a breach would
 * show. Streams here forget ids after a tenth of a second, so that no duplicate window covers anything up.
 */
#include "fixture.h"

#include <signal.h>

#define SHORT_WINDOW	"\"duplicate_window\":100000000"
#define WINDOW_PASSED() nap(300)
#define KILLED		(128 + SIGKILL)

struct scene {
	char *name, *config;
	struct testdb *db; /* the outbox, or the archive */
	struct jetstream *js;
	struct proc *daemon;
	struct proxy *proxy;
};

/* A relay names its stream on one of the databases, and finds it by the subject on the other. */
static char *write_config(
	const struct scene *s, const char *database, bool relay, const char *settings)
{
	char *path = scratch_path("%s.yaml", s->name);
	bool named = !relay || strncmp(database, "sqlite:", 7) != 0;

	file_write(path,
		text("nats: { url: \"%s\" }\n%s: [ { name: promise, database: \"%s\", %s%s } ]\n",
			s->proxy ? proxy_url(s->proxy) : nats.url, relay ? "relays" : "sinks",
			database, named ? text("stream: %s, ", s->name) : "", settings));
	return path;
}

/* A stream of its own, with more settings if need be, and one pipeline, perhaps behind a proxy. */
static struct scene set(const char *kind, const char *name, const char *more, bool behind_proxy,
	bool relay, const char *settings)
{
	struct scene s = { .name = text("%s_%s", name, kind) };
	char *database = fixture_database(kind, name);

	s.proxy = behind_proxy ? proxy_start(nats.port) : NULL;
	s.config = write_config(&s, database, relay, settings);
	s.js = jetstream_open(nats.url);
	jetstream_make(s.js, s.name, text("\"%s.>\"", s.name), more);
	dray_expect(0, "migrate", "-c", s.config);
	s.db = testdb_open(database);
	return s;
}

static struct scene set_relay(const char *kind, const char *name)
{
	return set(kind, name, SHORT_WINDOW, false, true,
		"lease: 1s, retry: { initial: 50ms, max: 200ms, max_attempts: 0 }");
}

static void run(struct scene *s, const char *failpoints)
{
	s->daemon = dray_start(s->name, failpoints, "run", "-c", s->config);
}

static void is_killed(struct scene *s)
{
	assert_int_equal(proc_wait(s->daemon, 30000), KILLED);
}

static void end(struct scene *s)
{
	dray_stop(s->daemon);
	jetstream_delete(s->js, s->name);
	jetstream_close(s->js);
	testdb_close(s->db);
}

static void emit(struct scene *s, const char *what, const char *key)
{
	testdb_emit(s->db, text("%s.%s", s->name, what), key, NULL, what);
}

static void all_delivered(struct scene *s)
{
	WAIT_UNTIL(30000, testdb_in_state(s->db, "pending") == 0);
}

/* Every row that must be there is in the stream, once, in order, under its own id. */
static void end_exact(struct scene *s)
{
	all_delivered(s);
	struct oracle *oracle = oracle_from_outbox(s->db, "state = 'delivered'");
	oracle_require(oracle_see_stream(oracle, s->js, s->name));
	oracle_destroy(oracle);
	end(s);
}

static int64_t attempts(struct scene *s)
{
	return testdb_int(s->db, "SELECT sum(attempts) FROM %s", testdb_table(s->db, "outbox"));
}

static char *state_of(struct scene *s, const char *what)
{
	return testdb_text(s->db, "SELECT state FROM %s WHERE subject = '%s.%s'",
		testdb_table(s->db, "outbox"), s->name, what);
}

/* --- the relay --- */

static void test_nothing_is_marked_before_its_acknowledgement(void **state)
{
	struct scene s = set_relay(*state, "before");

	run(&s, NULL);
	emit(&s, "first", "k");
	all_delivered(&s);
	nats_server_pause(&nats);
	emit(&s, "second", "k");
	nap(4000); /* longer than anything waits for the server */
	assert_string_equal(state_of(&s, "second"), "pending");
	nats_server_resume(&nats);
	end_exact(&s);
}

/* Streams met on the way, and rows that never end: the position follows all the same. */
static void test_the_position_follows_under_load(void **state)
{
	struct scene s = set_relay(*state, "follows");
	const char *position = testdb_table(s.db, "relay_position");

	for (int i = 0; i < 20; i++)
		emit(&s, "a", text("k%d", i));
	struct writer *writer = writer_start(testdb_url(s.db), s.name, 50, 20, 1);
	run(&s, NULL);
	WAIT_UNTIL(20000, testdb_int(s.db, "SELECT max(seq) FROM %s", position) > 100);
	writer_end(writer);
	end_exact(&s);
}

/* Stored, not settled, and the process is gone: what is uncertain is looked up, not sent again. */
static void test_a_crash_before_settling(void **state)
{
	struct scene s = set_relay(*state, "crash");

	for (int i = 0; i < 20; i++)
		emit(&s, "a", text("k%d", i));
	run(&s, "relay.before_settle=kill");
	is_killed(&s);
	assert_true(jetstream_count(s.js, s.name) > 0);
	assert_int_equal(testdb_in_state(s.db, "pending"), 20);
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 20);
	end_exact(&s);
}

/* A workqueue lets no reader in beside its consumers; what they have not taken yet is found all the same. */
static void test_a_crash_before_settling_into_a_workqueue(void **state)
{
	struct scene s = set(*state, "queue", SHORT_WINDOW ",\"retention\":\"workqueue\"", false,
		true, "lease: 1s");

	for (int i = 0; i < 20; i++)
		emit(&s, "a", text("k%d", i));
	run(&s, "relay.before_settle=kill");
	is_killed(&s);
	assert_true(jetstream_count(s.js, s.name) > 0);
	emit(&s, "b", "k1");
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 21);
	assert_int_equal(attempts(&s), 0);
	end(&s);
}

static void test_crashes_one_after_the_other(void **state)
{
	static const char *const points[] = { "relay.after_acknowledgement=kill",
		"relay.before_settle=kill", "relay.after_settle=kill",
		"relay.before_publish=kill@3", "relay.after_read=kill@2",
		"relay.before_publish=kill@20", NULL };
	struct scene s = set_relay(*state, "crashes");

	for (int i = 0; i < 7; i++) {
		for (int row = 0; row < 30; row++)
			emit(&s, "a", text("k%d", row % 7));
		run(&s, points[i]);
		if (points[i])
			is_killed(&s);
		WINDOW_PASSED();
	}
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 7 * 30);
	end_exact(&s);
}

/*
 * Everything was stored and nothing settled. The next process settles the first few, and dies: its position
 * must not have gone ahead of the rows that it had not even read.
 */
static void test_a_position_waits_for_the_first_scan(void **state)
{
	struct scene s = set(*state, "scan", SHORT_WINDOW, false, true, "lease: 1s, batch: 10");

	for (int i = 0; i < 200; i++)
		emit(&s, "a", text("k%d", i));
	run(&s, "relay.after_acknowledgement=sleep:1,relay.before_settle=sleep:4000");
	WAIT_UNTIL(30000, jetstream_count(s.js, s.name) >= 20);
	nap(300);
	proc_kill(s.daemon);
	int64_t stored = jetstream_count(s.js, s.name);
	assert_int_equal(testdb_in_state(s.db, "pending"), 200);
	WINDOW_PASSED();
	run(&s, "relay.before_read=sleep:500,relay.after_settle=kill");
	is_killed(&s);
	assert_in_range(testdb_in_state(s.db, "delivered"), 1, stored - 1);
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 200);
	end_exact(&s);
}

/* One acknowledgement gets lost, a later one does not. The position may not go beyond the lost one. */
static void lose_an_acknowledgement(struct scene *s)
{
	emit(s, "first", "k0");
	run(s, NULL);
	all_delivered(s);
	proxy_lose(s->proxy, "\"seq\":2}");
	testdb_exec(s->db, "BEGIN");
	emit(s, "second", "k1");
	emit(s, "third", "k2");
	testdb_exec(s->db, "COMMIT");
	WAIT_UNTIL(10000, strcmp(state_of(s, "third"), "delivered") == 0);
	assert_int_equal(proxy_lost(s->proxy), 1);
	assert_string_equal(state_of(s, "second"), "pending");
	assert_int_equal(jetstream_count(s->js, s->name), 3);
}

static void test_a_lost_acknowledgement_and_a_crash(void **state)
{
	struct scene s = set(*state, "lost", SHORT_WINDOW, true, true, "lease: 1s");

	lose_an_acknowledgement(&s);
	proc_kill(s.daemon);
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 3);
	end_exact(&s);
}

static void test_a_lost_acknowledgement(void **state)
{
	struct scene s = set(*state, "silent", SHORT_WINDOW, true, true, "lease: 1s");

	lose_an_acknowledgement(&s);
	all_delivered(&s); /* looked up when its time is over */
	assert_int_equal(attempts(&s), 0);
	assert_int_equal(jetstream_count(s.js, s.name), 3);
	end_exact(&s);
}

/* What the stream holds under the row's id is another event: it may not pass for this one. */
static void test_another_event_under_the_same_id(void **state)
{
	struct scene s = set_relay(*state, "other");
	const char *outbox = testdb_table(s.db, "outbox");

	emit(&s, "one", "k1");
	emit(&s, "two", "k2");
	run(&s, "relay.before_settle=sleep:10000");
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 2);
	proc_kill(s.daemon);
	testdb_exec(s.db, "UPDATE %s SET payload = %s WHERE subject = '%s.one'", outbox,
		testdb_pick(s.db, "x'00'", "'\\x00'"), s.name);
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_string_equal(state_of(&s, "one"), "dead");
	assert_contains(testdb_text(s.db, "SELECT last_error FROM %s WHERE state = 'dead'", outbox),
		"event_id");
	assert_string_equal(state_of(&s, "two"), "delivered");
	assert_int_equal(jetstream_count(s.js, s.name), 2);
	end(&s);
}

/* Nor may its successor go out before the table knows that it was given up. */
static void test_the_successor_of_another_event(void **state)
{
	struct scene s = set_relay(*state, "successor");

	emit(&s, "one", "k");
	run(&s, "relay.before_settle=sleep:10000");
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 1);
	proc_kill(s.daemon);
	testdb_exec(s.db, "UPDATE %s SET payload = %s", testdb_table(s.db, "outbox"),
		testdb_pick(s.db, "x'00'", "'\\x00'"));
	emit(&s, "two", "k");
	WINDOW_PASSED();
	run(&s, "relay.before_settle=sleep:300,relay.before_giving_up=kill");
	assert_int_equal(proc_wait(s.daemon, 30000), 128 + SIGKILL);
	assert_int_equal(jetstream_count(s.js, s.name), 1);
	run(&s, NULL);
	all_delivered(&s);
	assert_string_equal(state_of(&s, "one"), "dead");
	assert_string_equal(state_of(&s, "two"), "delivered");
	end(&s);
}

/* It waits behind a row that fails, while the position moves on, and the session ends: it is known all the same. */
static void test_another_event_that_waits(void **state)
{
	struct scene s = set_relay(*state, "other_waits");
	char *refused = text("%s_refused", s.name);
	const char *outbox = testdb_table(s.db, "outbox");

	testdb_emit(s.db, text("%s.a", refused), "j", NULL, "zero");
	emit(&s, "one", "k");
	run(&s, "relay.before_settle=sleep:10000");
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 1);
	proc_kill(s.daemon);
	testdb_exec(s.db, "UPDATE %s SET key = 'k'", outbox);
	testdb_exec(s.db, "UPDATE %s SET payload = %s WHERE subject = '%s.one'", outbox,
		testdb_pick(s.db, "x'00'", "'\\x00'"), s.name);
	emit(&s, "two", "m");
	run(&s, NULL);
	WAIT_UNTIL(10000, strcmp(state_of(&s, "two"), "delivered") == 0);
	emit(&s, "three", "m");
	WAIT_UNTIL(10000, strcmp(state_of(&s, "three"), "delivered") == 0);
	dray_stop(s.daemon);
	WINDOW_PASSED();
	run(&s, NULL);
	jetstream_change(s.js, s.name, text("\"%s.>\",\"%s.>\"", s.name, refused), SHORT_WINDOW);
	all_delivered(&s);
	assert_string_equal(state_of(&s, "one"), "dead");
	assert_int_equal(jetstream_count(s.js, s.name), 4);
	end(&s);
}

/* Held, tried again, and sent at last: under its own id, before its successor, and nobody else waited. */
static void test_a_failing_row_holds_its_key(void **state)
{
	struct scene s = set_relay(*state, "hold");
	char *other = text("%s_other", s.name);

	run(&s, NULL);
	testdb_emit(s.db, text("%s.a", other), "k", NULL, "one");
	emit(&s, "second", "k");
	emit(&s, "elsewhere", "l");
	WAIT_UNTIL(10000, attempts(&s) >= 3);
	assert_string_equal(state_of(&s, "second"), "pending");
	assert_string_equal(state_of(&s, "elsewhere"), "delivered");
	jetstream_change(s.js, s.name, text("\"%s.>\",\"%s.>\"", s.name, other), SHORT_WINDOW);
	end_exact(&s);
}

/* Trouble that meets every row alike is not a row's: its attempts stay as they are. */
static void test_a_full_stream_burns_no_attempts(void **state)
{
	struct scene s = set(*state, "full", "\"max_msgs\":2,\"discard\":\"new\"", false, true,
		"lease: 1s, retry: { initial: 10ms, max: 20ms, max_attempts: 3 }");

	for (int i = 0; i < 5; i++)
		emit(&s, "a", text("k%d", i));
	run(&s, NULL);
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 2);
	nap(1500);
	assert_int_equal(testdb_in_state(s.db, "dead"), 0);
	assert_int_equal(attempts(&s), 0);
	jetstream_change(
		s.js, s.name, text("\"%s.>\"", s.name), "\"max_msgs\":-1,\"discard\":\"new\"");
	all_delivered(&s);
	assert_int_equal(attempts(&s), 0);
	end_exact(&s);
}

/* A row below the cursor that nothing announces: the sweep is the net. */
static void test_the_sweep_is_the_net(void **state)
{
	struct scene s = set_relay(*state, "net");
	const char *outbox = testdb_table(s.db, "outbox");

	testdb_emit(s.db, "not a subject", "k", NULL, "x");
	emit(&s, "a", "k");
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(testdb_in_state(s.db, "dead"), 1);
	testdb_exec(s.db,
		"UPDATE %s SET subject = '%s.mended', state = 'pending' WHERE state = 'dead'",
		outbox, s.name);
	WAIT_UNTIL(15000, strcmp(state_of(&s, "mended"), "delivered") == 0);
	end(&s);
}

static void make_anew(struct scene *s)
{
	jetstream_delete(s->js, s->name);
	jetstream_make(s->js, s->name, text("\"%s.>\"", s->name), SHORT_WINDOW);
}

/* The position is one of the former stream: what is uncertain lies anywhere in the new one. */
static void test_a_stream_made_anew_for_the_relay(void **state)
{
	struct scene s = set_relay(*state, "former");

	for (int i = 0; i < 5; i++)
		emit(&s, "former", text("k%d", i));
	run(&s, NULL);
	all_delivered(&s);
	nap(500); /* what a stream that was met on the way holds is certain then */
	emit(&s, "last", "k1");
	all_delivered(&s);
	dray_stop(s.daemon);
	make_anew(&s);
	emit(&s, "one", "k1");
	emit(&s, "two", "k2");
	run(&s, "relay.before_settle=sleep:10000");
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 2);
	proc_kill(s.daemon);
	WINDOW_PASSED();
	run(&s, NULL);
	all_delivered(&s);
	assert_int_equal(jetstream_count(s.js, s.name), 2);
	assert_contains(proc_log(s.daemon), "made anew");
	end(&s);
}

/* --- the sink --- */

static struct scene set_sink(
	const char *kind, const char *name, const char *more, bool behind_proxy)
{
	return set(kind, name, more, behind_proxy, false, "batch: 5, lease: 1s");
}

static void publish(struct scene *s, int from, int to)
{
	for (int i = from; i <= to; i++)
		jetstream_publish(s->js, text("%s.e%d", s->name, i), text("%s-%d", s->name, i),
			text("event %d", i));
}

static int64_t stored(struct scene *s)
{
	return testdb_int(s->db, "SELECT count(*) FROM %s", testdb_table(s->db, "events"));
}

static int64_t position(struct scene *s)
{
	return testdb_int(s->db, "SELECT seq FROM %s", testdb_table(s->db, "sink_position"));
}

static void holds_exactly(struct scene *s, int64_t events)
{
	WAIT_UNTIL(20000, stored(s) == events);
	assert_int_equal(testdb_int(s->db, "SELECT count(DISTINCT subject) FROM %s",
				 testdb_table(s->db, "events")),
		events);
}

static void test_a_sink_is_killed(void **state)
{
	static const char *const points[] = { "sink.before_store=kill", "sink.after_store=kill",
		"sink.after_fetch=kill", "sink.before_store=kill@3", "sink.after_store=kill@2",
		NULL };
	struct scene s = set_sink(*state, "sink", NULL, false);

	for (int i = 0; i < 6; i++) {
		publish(&s, 20 * i + 1, 20 * i + 20);
		int64_t before = stored(&s);
		run(&s, points[i]);
		if (points[i])
			is_killed(&s);
		/* What is stored and the position are one. */
		assert_true(!points[i] || (position(&s) > 0 ? position(&s) : 0) == stored(&s));
		assert_true(stored(&s) >= before);
	}
	holds_exactly(&s, 120);
	assert_int_equal(position(&s), 120);
	end(&s);
}

/* It takes up where it stands, not where the stream is by then. */
static void test_a_sink_was_away(void **state)
{
	struct scene s = set_sink(*state, "away", NULL, false);

	publish(&s, 1, 12);
	run(&s, NULL);
	holds_exactly(&s, 12);
	dray_stop(s.daemon);
	publish(&s, 13, 31);
	run(&s, NULL);
	holds_exactly(&s, 31);
	end(&s);
}

/* A message that dies on its way is missed, and read again; nothing is stored beyond it before. */
static void test_a_message_is_lost_on_the_way(void **state)
{
	struct scene s = set_sink(*state, "missing", NULL, true);

	publish(&s, 1, 3);
	run(&s, NULL);
	holds_exactly(&s, 3);
	for (int i = 0; i < 3; i++) {
		int first = 4 + 12 * i;
		proxy_lose(s.proxy, text("%s.e%d ", s.name, first + 4));
		publish(&s, first, first + 11);
		holds_exactly(&s, first + 11);
		assert_int_equal(proxy_lost(s.proxy), i + 1);
	}
	/* The last of all has none behind it that would tell. */
	proxy_lose(s.proxy, text("%s.e%d ", s.name, 40));
	publish(&s, 40, 40);
	WAIT_UNTIL(10000, proxy_lost(s.proxy) == 4);
	holds_exactly(&s, 40);
	end(&s);
}

/* Acknowledged to a workqueue is gone from it, so it must be stored by then. */
static void test_a_workqueue(void **state)
{
	struct scene s = set_sink(*state, "queue", "\"retention\":\"workqueue\"", false);

	publish(&s, 1, 30);
	run(&s, "sink.before_store=sleep:10000");
	nap(2500); /* fetched, not stored */
	assert_int_equal(jetstream_count(s.js, s.name), 30);
	assert_int_equal(stored(&s), 0);
	proc_kill(s.daemon);
	run(&s, "sink.before_ack=kill@2");
	is_killed(&s);
	run(&s, NULL);
	WAIT_UNTIL(60000, jetstream_count(s.js, s.name) == 0);
	holds_exactly(&s, 30);
	end(&s);
}

/* The database refuses one event: it alone is set aside, in the database's own words. */
static void test_one_bad_event(void **state)
{
	struct scene s = set(*state, "bad", NULL, false, false, "batch: 50, lease: 1s");
	const char *aside = testdb_table(s.db, "sink_dead");

	testdb_exec(s.db, "%s",
		testdb_pick(s.db,
			"CREATE TRIGGER no_sevens BEFORE INSERT ON dray_events WHEN new.msg_id LIKE '%-7' "
			"BEGIN SELECT raise(ABORT, 'no sevens here'); END",
			"ALTER TABLE dray.events ADD CONSTRAINT \"no sevens here\" CHECK (msg_id NOT "
			"LIKE '%-7')"));
	publish(&s, 1, 20);
	run(&s, NULL);
	holds_exactly(&s, 19);
	WAIT_UNTIL(5000, position(&s) == 20);
	assert_int_equal(testdb_int(s.db, "SELECT count(*) FROM %s", aside), 1);
	assert_int_equal(testdb_int(s.db, "SELECT seq FROM %s", aside), 7);
	assert_contains(testdb_text(s.db, "SELECT error FROM %s", aside), "no sevens here");
	end(&s);
}

/* Its sequence begins at 1 again: what it holds is new, though its numbers are not. */
static void test_a_stream_made_anew(void **state)
{
	struct scene s = set_sink(*state, "anew", NULL, false);

	publish(&s, 1, 8);
	run(&s, NULL);
	holds_exactly(&s, 8);
	dray_stop(s.daemon);
	make_anew(&s);
	publish(&s, 9, 20);
	run(&s, NULL);
	holds_exactly(&s, 20);
	WAIT_UNTIL(5000, position(&s) == 12);
	make_anew(&s); /* and once more, under its eyes */
	publish(&s, 21, 23);
	holds_exactly(&s, 23);
	assert_int_equal(testdb_int(s.db, "SELECT count(DISTINCT epoch) FROM %s",
				 testdb_table(s.db, "events")),
		3);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_nothing_is_marked_before_its_acknowledgement),
		FOR_BOTH(test_the_position_follows_under_load),
		FOR_BOTH(test_a_crash_before_settling),
		FOR_BOTH(test_a_crash_before_settling_into_a_workqueue),
		FOR_BOTH(test_crashes_one_after_the_other),
		FOR_BOTH(test_a_position_waits_for_the_first_scan),
		FOR_BOTH(test_a_lost_acknowledgement_and_a_crash),
		FOR_BOTH(test_a_lost_acknowledgement),
		FOR_BOTH(test_another_event_under_the_same_id),
		FOR_BOTH(test_the_successor_of_another_event),
		FOR_BOTH(test_another_event_that_waits),
		FOR_BOTH(test_a_failing_row_holds_its_key),
		FOR_BOTH(test_a_full_stream_burns_no_attempts),
		FOR_BOTH(test_the_sweep_is_the_net),
		FOR_BOTH(test_a_stream_made_anew_for_the_relay),
		FOR_BOTH(test_a_sink_is_killed),
		FOR_BOTH(test_a_sink_was_away),
		FOR_BOTH(test_a_message_is_lost_on_the_way),
		{ "test_a_workqueue", test_a_workqueue, NULL, NULL, (void *)(uintptr_t)"postgres" },
		FOR_BOTH(test_one_bad_event),
		FOR_BOTH(test_a_stream_made_anew),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("promises", tests, fixture_start, NULL);
}
