/*
 * Rows over many keys cross from each database into the stream and on into an archive, while dray and
 * nats-server are killed three times each and one key in fifty is refused for a while. Then counts,
 * payloads, ids and the order of each key are as they were written.
 */
#include <signal.h>

#include "fixture.h"

#define KILLS  6
#define REFUSE 50 /* every so manieth key has a subject that the stream takes only later */

static int64_t row_count(void)
{
	return number_from("DRAY_ROWS", long_run() ? 200000 : 20000);
}

struct job {
	char *stream, *from, *to, *config;
	struct testdb *outbox, *archive;
	struct proc *daemon;
	struct jetstream *js;
	int64_t rows, keys, written;
	int kills_that_hurt; /* saw both kinds of rows on the way */
};

static char *subjects(struct job *job, bool all)
{
	return text("\"%s.ok.>\"%s%s%s", job->stream, all ? ",\"" : "", all ? job->stream : "",
		all ? ".late.>\"" : "");
}

static void job_start(struct job *job, const char *kind)
{
	*job = (struct job){ .stream = text("CRASH_%s", kind), .rows = row_count() };
	job->keys = job->rows >= 200000 ? 1000 : 200;
	job->from = fixture_database(kind, "crash");
	job->to = fixture_database(kind, "crash_archive");
	job->config = fixture_config(job->stream,
		"relays: [ { name: load, database: \"%s\", lease: 2s, retry: { initial: 100ms, max: 1s, "
		"max_attempts: 0 } } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: %s } ]\n",
		job->from, job->to, job->stream);
	job->js = jetstream_open(nats.url);
	jetstream_make(job->js, job->stream, subjects(job, false), NULL);
	dray_expect(0, "migrate", "-c", job->config);
	job->outbox = testdb_open(job->from);
	job->archive = testdb_open(job->to);
	job->daemon = dray_start(job->stream, NULL, "run", "-c", job->config);
}

static void write_part(struct job *job, int64_t count)
{
	fixture_bulk(job->outbox,
		text("'%s.' || CASE WHEN i %% %d = 0 THEN 'late' ELSE 'ok' END || '.' || key",
			job->stream, REFUSE),
		job->written, count, job->keys);
	job->written += count;
}

/* The part is on its way: a third of it has reached the stream. No pause, or it is all over. */
static void wait_until_on_its_way(struct job *job, int64_t before, int64_t part)
{
	int64_t end = now_ms() + patience(30000);

	while (jetstream_count(job->js, job->stream) < before + part / 3)
		if (now_ms() > end)
			give_up("nothing moves: %lld messages before, %lld now, %lld rows more",
				(long long)before, (long long)jetstream_count(job->js, job->stream),
				(long long)part);
}

/* Rows that the table holds as pending: those that the stream has too are unsettled, the others unacknowledged. */
static void count_at_kill(struct job *job, const char *who)
{
	struct oracle *pending = oracle_from_outbox(
		job->outbox, text("state = 'pending' AND subject LIKE '%s.ok.%%'", job->stream));
	struct oracle_counts counts = oracle_count_stream(pending, job->js, job->stream);

	say("%s killed: %lld rows unacknowledged, %lld unsettled", who, (long long)counts.lost,
		(long long)(counts.expected - counts.lost));
	job->kills_that_hurt += counts.lost > 0 && counts.expected > counts.lost;
	oracle_destroy(pending);
}

static void kill_dray(struct job *job)
{
	proc_kill(job->daemon);
	count_at_kill(job, "dray");
	job->daemon = dray_start(job->stream, NULL, "run", "-c", job->config);
}

/* dray is stopped while we look: it would settle what was acknowledged, and use the server that is back. */
static void kill_nats(struct job *job)
{
	proc_signal(job->daemon, SIGSTOP);
	nats_server_kill(&nats);
	jetstream_close(job->js);
	nats_server_again(&nats);
	job->js = jetstream_open(nats.url);
	count_at_kill(job, "nats-server");
	proc_signal(job->daemon, SIGCONT);
}

static void kill_on_the_way(struct job *job, int number)
{
	int64_t before = jetstream_count(job->js, job->stream), part = job->rows / (KILLS + 1);

	write_part(job, part);
	wait_until_on_its_way(job, before, part * 9 / 10);
	(number % 2 ? kill_nats : kill_dray)(job);
	WAIT_UNTIL(60000,
		testdb_int(job->outbox,
			"SELECT count(*) FROM %s WHERE state = 'pending' AND subject LIKE "
			"'%s.ok.%%'",
			testdb_table(job->outbox, "outbox"), job->stream) == 0);
}

static int64_t archived(struct job *job)
{
	return testdb_int(
		job->archive, "SELECT count(*) FROM %s", testdb_table(job->archive, "events"));
}

static void check_attempts(struct job *job)
{
	const char *outbox = testdb_table(job->outbox, "outbox");

	assert_int_equal(
		testdb_int(job->outbox,
			"SELECT count(*) FROM %s WHERE attempts > 0 AND subject LIKE '%s.ok.%%'",
			outbox, job->stream),
		0);
	assert_true(testdb_int(job->outbox,
			    "SELECT count(*) FROM %s WHERE attempts > 0 AND subject LIKE "
			    "'%s.late.%%'",
			    outbox, job->stream) > 0);
}

static void job_end(struct job *job)
{
	WAIT_UNTIL(120000, testdb_in_state(job->outbox, "pending") == 0);
	WAIT_UNTIL(120000, archived(job) == job->written);
	dray_stop(job->daemon);
	check_attempts(job);
	struct oracle *oracle = oracle_from_outbox(job->outbox, "TRUE");
	oracle_require(oracle_see_stream(oracle, job->js, job->stream));
	oracle_require(oracle_see_archive(oracle, job->archive));
	oracle_destroy(oracle);
	jetstream_delete(job->js, job->stream);
	jetstream_close(job->js);
	testdb_close(job->outbox);
	testdb_close(job->archive);
}

static void test_nothing_is_lost_over_kills(void **state)
{
	struct job job;

	job_start(&job, *state);
	for (int number = 0; number < KILLS; number++)
		kill_on_the_way(&job, number);
	assert_true(testdb_in_state(job.outbox, "pending") > 0); /* the refused keys */
	jetstream_change(job.js, job.stream, subjects(&job, true), NULL);
	write_part(&job, job.rows - job.written);
	assert_true(job.kills_that_hurt > 0);
	job_end(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_nothing_is_lost_over_kills),
	};

	return cmocka_run_group_tests_name("crashes", tests, fixture_start, NULL);
}
