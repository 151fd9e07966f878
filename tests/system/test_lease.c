/*
 * Leases under attack: one works and the others stand by; whoever crashes, is paused, is cut off or ends is
 * followed in time, and one that wakes up late does no harm. The same for relays and sinks, on both
 * databases. Take-over times are printed; DRAY_LONG=1 takes more rounds, with the default length of a lease.
 */
#include "crew.h"

#include <signal.h>

#define ROUNDS	31
#define SEEN_MS 250 /* from a take-over until this test has seen it */

static int64_t length_ms(void)
{
	return number_from("DRAY_LEASE_MS", long_run() ? 5000 : 1500);
}

static const char *settings(void)
{
	return text("lease: %lldms, batch: 100", (long long)length_ms());
}

static int rounds(void)
{
	return (int)number_from("DRAY_ROUNDS", long_run() ? 9 : 1);
}

static void make(struct crew *crew, void **state, const char *name)
{
	const char *const *what = *state; /* relays or sinks, and the database */

	crew_make(crew, what[1], text("%s_%s", name, what[0]), strcmp(what[0], "sinks") == 0,
		settings());
}

struct times {
	const char *what;
	int64_t ms[ROUNDS];
	int count;
};

static int by_size(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

	return (one > two) - (one < two);
}

static void tell(struct crew *crew, struct times *times)
{
	qsort(times->ms, (size_t)times->count, sizeof(times->ms[0]), by_size);
	say("%s: take-over after %s: median %lld ms, longest %lld ms, of %d, the lease being %lld ms",
		crew->name, times->what, (long long)times->ms[times->count / 2],
		(long long)times->ms[times->count - 1], times->count, (long long)length_ms());
}

/* The member that works, of the first two. */
static int worker(struct crew *crew)
{
	WAIT_UNTIL(20000, crew_holds(crew, 0) || crew_holds(crew, 1));
	int at = crew_holds(crew, 0) ? 0 : 1;
	crew_measure(crew);
	crew_wait_stand_by(crew, 1 - at);
	return at;
}

/* --- what ends a holder, and what brings it back as one that stands by --- */

static void stop_cleanly(struct crew *crew, int member)
{
	proc_signal(crew->members[member], SIGTERM);
}

static void crash(struct crew *crew, int member)
{
	proc_kill(crew->members[member]);
}

/* Nobody on this machine can tell that a process of another one is gone. */
static void crash_elsewhere(struct crew *crew, int member)
{
	proc_kill(crew->members[member]);
	testdb_exec(crew->db, "UPDATE %s SET holder = 'db2/4711/%s'",
		testdb_table(crew->db, "lease"), strrchr(crew_holder(crew), '/') + 1);
	testdb_exec(crew->db, "UPDATE %s SET holder = replace(holder, '-', '0-')",
		testdb_table(crew->db, "lease")); /* no such boot here */
}

static void halt(struct crew *crew, int member)
{
	proc_signal(crew->members[member], SIGSTOP);
}

static void start_again(struct crew *crew, int member)
{
	proc_wait(crew->members[member], 20000);
	crew_start(crew, member, NULL, NULL);
}

static void wake_up(struct crew *crew, int member)
{
	proc_signal(crew->members[member], SIGCONT);
}

typedef void act(struct crew *crew, int member);

/* The fault, again and again, to whoever works; each take-over within the limit. */
static void take_turns(struct crew *crew, const char *what, act *fault, act *mend, int64_t limit_ms)
{
	struct times times = { .what = what };

	for (; times.count < rounds(); times.count++) {
		int holder = worker(crew);
		int64_t began = now_ms();
		fault(crew, holder);
		WAIT_UNTIL(20000, crew_holds(crew, 1 - holder));
		assert_in_range(now_ms() - began, 0, patience(limit_ms + SEEN_MS));
		crew_measure(crew); /* it is at work */
		times.ms[times.count] = now_ms() - began;
		mend(crew, holder);
	}
	tell(crew, &times);
}

static void test_somebody_takes_over(void **state)
{
	struct crew crew;

	make(&crew, state, "turns");
	crew_start_all(&crew, 2);
	take_turns(&crew, "a clean stop", stop_cleanly, start_again, 1000);
	take_turns(&crew, "a crash, on the same machine", crash, start_again, 1000);
	take_turns(&crew, "a crash", crash_elsewhere, start_again, length_ms());
	take_turns(&crew, "a pause", halt, wake_up, length_ms());
	crew_finish(&crew);
}

/* Three of them, and it is never two that work. */
static void test_one_works_at_a_time(void **state)
{
	struct crew crew;

	make(&crew, state, "three");
	crew_start_all(&crew, 3);
	assert_true(crew_holds(&crew, 0));
	assert_true(crew_stands_by(&crew, 1) && crew_stands_by(&crew, 2));
	for (int i = 0; i < 50; i++)
		crew_put(&crew);
	nap(length_ms() + 500); /* longer than any lease lasts by itself */
	assert_true(crew_holds(&crew, 0));
	assert_int_equal(
		testdb_int(crew.db, "SELECT epoch FROM %s", testdb_table(crew.db, "lease")), 1);
	struct result status = dray_expect(0, "status", "--database", crew.database, "--json");
	assert_contains(status.out, crew_holder(&crew));
	proc_kill(crew.members[0]);
	crew_measure(&crew);
	assert_true(crew_holds(&crew, 1) != crew_holds(&crew, 2));
	assert_true(crew_stands_by(&crew, 1) != crew_stands_by(&crew, 2));
	crew_finish(&crew);
}

static void wait_stopped(struct crew *crew, int member)
{
	WAIT_UNTIL(20000, is_stopped(crew->members[member]));
}

/*
 * The holder is paused just when it is about to write what it has done, and the next one does it all before it
 * wakes up: it settles and stores nothing, and the stream drops what it sends again.
 */
static void test_a_holder_wakes_up_late(void **state)
{
	struct crew crew;
	int64_t epoch;

	make(&crew, state, "late");
	for (int round = 0; round < rounds(); round++) {
		for (int i = 0; i < 400; i++)
			crew_put(&crew);
		crew_start(&crew, 0, NULL,
			crew.sink ? "sink.before_store=stop@2" : "relay.before_settle=stop@2");
		WAIT_UNTIL(20000, crew_holds(&crew, 0));
		crew_start(&crew, 1, NULL, NULL);
		wait_stopped(&crew, 0);
		crew_measure(&crew);
		epoch = testdb_int(crew.db, "SELECT epoch FROM %s", testdb_table(crew.db, "lease"));
		proc_signal(crew.members[0], SIGCONT);
		crew_wait_stand_by(&crew, 0);
		for (int i = 0; i < 20; i++)
			crew_measure(&crew);
		assert_true(crew_holds(&crew, 1));
		assert_int_equal(
			testdb_int(crew.db, "SELECT epoch FROM %s", testdb_table(crew.db, "lease")),
			epoch);
		dray_stop(crew.members[0]);
		dray_stop(crew.members[1]);
	}
	crew_finish(&crew);
}

/* --- relays that cannot confirm their lease --- */

/* For how long from now on messages still came into the stream. */
static int64_t last_arrival(struct crew *crew)
{
	int64_t began = now_ms(), last = began, count = jetstream_last(crew->js, crew->name);

	while (now_ms() - began < length_ms() * 2) {
		int64_t now = jetstream_last(crew->js, crew->name);
		if (now != count)
			last = now_ms();
		count = now;
		nap(10);
	}
	return last - began;
}

/* One relay on a slow line, with more to send than it can: rows of one key go one by one. */
static struct proxy *slow_relay(struct crew *crew, const char *kind, const char *name)
{
	struct proxy *line = proxy_start(nats.port);

	crew_make(crew, kind, name, false, text("lease: %lldms", (long long)length_ms()));
	fixture_bulk(crew->db, text("'%s.a'", crew->name), 1, 600, 1);
	proxy_delay(line, 5);
	crew->nats_url = proxy_url(line);
	return line;
}

/* Silence begins within half the lease, and not because there was nothing left to send. */
static void check_silence(struct crew *crew)
{
	int64_t silent = last_arrival(crew), pending = testdb_in_state(crew->db, "pending");

	say("%s: published for %lld ms more, the lease being %lld ms", crew->name,
		(long long)silent, (long long)length_ms());
	assert_in_range(silent, length_ms() / 20, length_ms() / 2 + 150);
	assert_true(pending > 0);
}

/* The way to its database becomes a black hole. */
static void test_a_relay_cannot_confirm_postgres(void **state)
{
	struct crew crew;
	struct proxy *line = slow_relay(&crew, "postgres", "mute"), *way = proxy_start(pg.port);

	(void)state;
	crew_start(&crew, 0, proxy_pg_url(way, testdb_text(crew.db, "SELECT current_database()")),
		NULL);
	WAIT_UNTIL(20000, jetstream_last(crew.js, crew.name) > 20);
	proxy_hold(way, PROXY_BOTH);
	check_silence(&crew);
	proxy_clear(way);
	proxy_clear(line);
	crew_finish(&crew);
}

/* Another writer keeps the file locked. */
static void test_a_relay_cannot_confirm_sqlite(void **state)
{
	struct crew crew;
	struct proxy *line = slow_relay(&crew, "sqlite", "mute");

	(void)state;
	crew_start(&crew, 0, NULL, NULL);
	WAIT_UNTIL(20000, jetstream_last(crew.js, crew.name) > 20);
	testdb_exec(crew.db, "BEGIN IMMEDIATE");
	check_silence(&crew);
	testdb_exec(crew.db, "ROLLBACK");
	proxy_clear(line);
	crew_finish(&crew);
}

/* --- the network between a holder and PostgreSQL --- */

static struct proxy *ways[2];

static void cut(struct crew *crew, int member)
{
	(void)crew;
	proxy_hold(ways[member], PROXY_BOTH);
}

static void mend_way(struct crew *crew, int member)
{
	(void)crew;
	proxy_clear(ways[member]);
}

static void test_a_holder_is_cut_off(void **state)
{
	struct crew crew;

	make(&crew, state, "cut");
	for (int i = 0; i < 2; i++) {
		ways[i] = proxy_start(pg.port);
		crew_start(&crew, i,
			proxy_pg_url(ways[i], testdb_text(crew.db, "SELECT current_database()")),
			NULL);
	}
	take_turns(&crew, "a cut", cut, mend_way, length_ms());
	crew_finish(&crew);
}

/* Looking up what is uncertain takes longer than a lease: it is kept meanwhile, and not passed round for ever. */
static void test_a_long_look_up(void **state)
{
	struct proxy *line = proxy_start(nats.port);
	struct crew crew;

	make(&crew, state, "look");
	fixture_bulk(crew.db, text("'%s.a'", crew.name), 1, 3000, 100);
	crew_start(&crew, 0, NULL, NULL);
	WAIT_UNTIL(30000, testdb_in_state(crew.db, "pending") == 0);
	dray_stop(crew.members[0]);
	testdb_exec(crew.db, "DELETE FROM %s", testdb_table(crew.db, "relay_position"));
	char *id = crew_put(&crew);
	proxy_throttle(line, 150000);
	crew.nats_url = proxy_url(line);
	int64_t began = now_ms();
	crew_start(&crew, 0, NULL, NULL);
	WAIT_UNTIL(20000, crew_holds(&crew, 0));
	crew_start(&crew, 1, NULL, NULL);
	WAIT_UNTIL(30000, crew_is_done(&crew, id));
	say("%s: looked up for %lld ms, the lease being %lld ms", crew.name,
		(long long)(now_ms() - began), (long long)length_ms());
	assert_true(now_ms() - began > length_ms());
	assert_true(crew_holds(&crew, 0));
	proxy_clear(line);
	crew_finish(&crew);
}

/* What dray check demands, so that a late holder's messages are dropped. */
static void test_check_demands_a_long_window(void **state)
{
	struct crew crew;

	make(&crew, state, "window");
	jetstream_change(
		crew.js, crew.name, text("\"%s.>\"", crew.name), "\"duplicate_window\":3000000000");
	char *config = fixture_config("window",
		"relays: [ { name: r, database: \"%s\", stream: %s, lease: 5s } ]\n", crew.database,
		crew.name);
	assert_contains(dray_expect(1, "check", "-c", config).out, "duplicate_window is 3s");
	config = fixture_config("window_enough",
		"relays: [ { name: r, database: \"%s\", stream: %s, lease: 1s } ]\n", crew.database,
		crew.name);
	dray_expect(0, "check", "-c", config);
	crew_finish(&crew);
}

static const char *const kinds[][2] = { { "relays", "sqlite" }, { "relays", "postgres" },
	{ "sinks", "sqlite" }, { "sinks", "postgres" } };

#define CASE(test, i, name) { #test " (" name ")", test, NULL, NULL, (void *)(uintptr_t)kinds[i] }
#define ON_ONE_EACH(test)   CASE(test, 1, "relays, postgres"), CASE(test, 2, "sinks, sqlite")
#define ON_THE_OTHERS(test) CASE(test, 0, "relays, sqlite"), CASE(test, 3, "sinks, postgres")

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ONE_EACH(test_somebody_takes_over),
		ON_THE_OTHERS(test_one_works_at_a_time),
		ON_ONE_EACH(test_a_holder_wakes_up_late),
		ON_THE_OTHERS(test_a_holder_wakes_up_late),
		CASE(test_a_holder_is_cut_off, 1, "relays, postgres"),
		CASE(test_a_long_look_up, 1, "relays, postgres"),
		CASE(test_check_demands_a_long_window, 0, "relays, sqlite"),
		cmocka_unit_test(test_a_relay_cannot_confirm_postgres),
		cmocka_unit_test(test_a_relay_cannot_confirm_sqlite),
	};
	const struct CMUnitTest more[] = {
		ON_THE_OTHERS(test_somebody_takes_over),
		ON_ONE_EACH(test_one_works_at_a_time),
		CASE(test_a_holder_is_cut_off, 3, "sinks, postgres"),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("leases", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("more of leases", more, NULL, NULL);
	return failed;
}
