/*
 * Servers end, crash, freeze and restart while an application writes. Everything arrives; no healthy row's
 * attempts grow; the log has one line for the beginning of an outage and one for its end, a pipeline.
 */
#include "fixture.h"

#define KEYS 40

static int64_t outage_ms(void)
{
	return long_run() ? 20000 : number_from("DRAY_OUTAGE_MS", 4000);
}

/* A relay and a sink under load, and what they work on. */
struct job {
	char *name, *from, *to, *config;
	struct testdb *outbox, *archive;
	struct proc *daemon;
	struct writer *writer;
};

static void job_start(struct job *job, const char *kind, const char *name)
{
	*job = (struct job){ .name = text("%s_%s", name, kind) };
	job->from = fixture_database(kind, name);
	job->to = fixture_database(kind, text("%s_archive", name));
	job->config = fixture_config(job->name,
		"streams: [ { name: %s, subjects: [\"%s.>\"] } ]\n"
		"relays: [ { name: load, database: \"%s\", retry: { initial: 100ms, max: 1s, "
		"max_attempts: 6 } } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: %s } ]\n",
		job->name, job->name, job->from, job->to, job->name);
	dray_expect(0, "migrate", "-c", job->config);
	job->outbox = testdb_open(job->from);
	job->archive = testdb_open(job->to);
	job->daemon = dray_start(job->name, NULL, "run", "-c", job->config);
	job->writer = writer_start(job->from, job->name, KEYS, 10, 10);
	WAIT_UNTIL(30000, testdb_in_state(job->outbox, "delivered") > 0);
}

static int64_t archived(struct job *job)
{
	return testdb_int(
		job->archive, "SELECT count(*) FROM %s", testdb_table(job->archive, "events"));
}

static bool moves_on(struct job *job, int64_t delivered, int64_t stored)
{
	return testdb_in_state(job->outbox, "delivered") > delivered && archived(job) > stored;
}

/* Both pipelines work again: what was written lately has passed them. */
static void wait_until_it_moves_on(struct job *job)
{
	int64_t delivered = testdb_in_state(job->outbox, "delivered"), stored = archived(job);

	WAIT_UNTIL(60000, moves_on(job, delivered, stored));
}

static void check_everything_arrived(struct job *job)
{
	struct jetstream *js = jetstream_open(nats.url);
	struct oracle *oracle = oracle_from_outbox(job->outbox, "state <> 'dead'");

	oracle_require(oracle_see_stream(oracle, js, job->name));
	oracle_require(oracle_see_archive(oracle, job->archive));
	oracle_destroy(oracle);
	jetstream_close(js);
	assert_int_equal(testdb_int(job->outbox,
				 "SELECT count(*) FROM %s WHERE attempts > 0 AND state <> 'dead'",
				 testdb_table(job->outbox, "outbox")),
		0);
}

static void job_end(struct job *job)
{
	int64_t committed = writer_end(job->writer);

	WAIT_UNTIL(60000, testdb_in_state(job->outbox, "pending") == 0);
	WAIT_UNTIL(60000, archived(job) == testdb_in_state(job->outbox, "delivered"));
	dray_stop(job->daemon);
	say("%s: %lld transactions of 10 rows were written meanwhile", job->name,
		(long long)committed);
	check_everything_arrived(job);
	testdb_close(job->outbox);
	testdb_close(job->archive);
}

/* One line of trouble and one of its end for each pipeline; more than that is noise. */
static void check_log(struct job *job, size_t from, const char *what)
{
	static const char *const pipelines[] = { " load: ", " archive: " };
	char *log = proc_log(job->daemon);

	for (size_t i = 0; i < 2; i++) {
		size_t trouble = lines_with(log, from, " warning ", pipelines[i]) +
			lines_with(log, from, " error ", pipelines[i]);
		size_t over = lines_with(log, from, " info ", pipelines[i]);
		if (trouble != 1 || over != 1)
			give_up("%s: %zu lines of trouble and %zu of its end for%s, not 1 and 1:\n%s",
				what, trouble, over, pipelines[i], log + from);
	}
}

static void end_nats(void)
{
	nats_server_end(&nats);
}

static void kill_nats(void)
{
	nats_server_kill(&nats);
}

static void pause_nats(void)
{
	nats_server_pause(&nats);
}

static void start_nats_again(void)
{
	nats_server_again(&nats);
}

static void resume_nats(void)
{
	nats_server_resume(&nats);
}

static void nats_outage(struct job *job, const char *what, void (*begin)(void), void (*end)(void))
{
	size_t from = strlen(proc_log(job->daemon));
	int64_t ms = outage_ms();

	/* A frozen server is noticed by silence only, which takes some 10 s. */
	if (begin == pause_nats && ms < 15000)
		ms = 15000;
	begin();
	nap(ms);
	int64_t waiting = testdb_in_state(job->outbox, "pending");
	say("%s, nats-server %s for %lld s: %lld rows wait", job->name, what, (long long)ms / 1000,
		(long long)waiting);
	assert_true(waiting > 0);
	end();
	wait_until_it_moves_on(job);
	nap(1500);
	check_log(job, from, what);
}

/* A row that nobody takes: it alone goes on counting, and no outage adds to it. */
static void emit_failing_row(struct job *job)
{
	testdb_emit(job->outbox, "nobody.takes.this", "failing", NULL, "x");
	WAIT_UNTIL(30000, testdb_in_state(job->outbox, "dead") == 1);
	assert_int_equal(testdb_int(job->outbox, "SELECT attempts FROM %s WHERE state = 'dead'",
				 testdb_table(job->outbox, "outbox")),
		6);
}

static void test_nats_goes_away(void **state)
{
	struct job job;

	job_start(&job, *state, "outage");
	emit_failing_row(&job);
	nats_outage(&job, "ended by SIGTERM", end_nats, start_nats_again);
	nats_outage(&job, "killed", kill_nats, start_nats_again);
	nats_outage(&job, "frozen by SIGSTOP", pause_nats, resume_nats);
	job_end(&job);
}

static void test_postgres_restarts(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "postgres", "restart");
	for (int crash = 0; crash < 2; crash++) {
		size_t from = strlen(proc_log(job.daemon));
		(crash ? pg_server_kill : pg_server_end)(&pg);
		nap(outage_ms());
		pg_server_again(&pg);
		testdb_try(job.outbox, NULL, "SELECT 1");
		testdb_try(job.archive, NULL, "SELECT 1");
		wait_until_it_moves_on(&job);
		nap(1500);
		check_log(&job, from, crash ? "PostgreSQL crashed" : "PostgreSQL restarted");
	}
	job_end(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_nats_goes_away),
		cmocka_unit_test(test_postgres_restarts),
	};

	return cmocka_run_group_tests_name("outages", tests, fixture_start, NULL);
}
