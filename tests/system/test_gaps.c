/*
 * PostgreSQL: transactions that commit late and out of order leave gaps in the ids, and a rolled-back one
 * leaves a gap for good. Every committed row reaches the stream, soon after its commit, and no other does;
 * whatever else holds transactions open, and also where the relay is started anew with a gap open.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fixture.h"

#define WRITERS	    8
#define SOON_MS	    2000 /* from a late commit to the stream; what it is, is printed */
#define POLL_MS	    1
#define TRUST_LIMIT 60000

static int transactions(void)
{
	return (int)number_from("DRAY_TRANSACTIONS", long_run() ? 2000 : 150);
}

struct job {
	char *stream, *database, *config;
	struct testdb *db;
	struct jetstream *js;
	struct proc *daemon;
};

/* Rows with a header are slow: they have drawn their id, and hold their lock, long before they are there. */
static const char slow_trigger[] =
	"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	"IF NEW.headers IS NOT NULL THEN PERFORM pg_sleep(0.15); END IF; RETURN NEW; END $$;"
	"CREATE TRIGGER slow BEFORE INSERT ON dray.outbox FOR EACH ROW EXECUTE FUNCTION slow()";

static void job_start(struct job *job, const char *name)
{
	*job = (struct job){ .stream = text("GAPS_%s", name) };
	job->database = fixture_database("postgres", name);
	job->config = fixture_config(job->stream,
		"streams: [ { name: %s, subjects: [\"%s.>\"] } ]\n"
		"relays: [ { name: gaps, database: \"%s\" } ]\n",
		job->stream, job->stream, job->database);
	dray_expect(0, "migrate", "-c", job->config);
	job->db = testdb_open(job->database);
	testdb_exec(job->db, slow_trigger);
	job->js = jetstream_open(nats.url);
	job->daemon = dray_start(job->stream, NULL, "run", "-c", job->config);
}

static void job_end(struct job *job)
{
	WAIT_UNTIL(30000, testdb_in_state(job->db, "pending") == 0);
	dray_stop(job->daemon);
	struct oracle *oracle = oracle_from_outbox(job->db, "TRUE");
	oracle_require(oracle_see_stream(oracle, job->js, job->stream));
	oracle_destroy(oracle);
	jetstream_close(job->js);
	testdb_close(job->db);
}

static void insert(struct testdb *db, struct job *job, const char *what, const char *key)
{
	testdb_exec(db,
		"INSERT INTO dray.outbox (subject, key, payload) VALUES ('%s.%s', '%s', "
		"convert_to('%s', 'UTF8'))",
		job->stream, what, key, what);
}

/* How long after `since` the stream has a message of the subject. */
static int64_t arrival(struct job *job, const char *what, int64_t since)
{
	char *ask = text("{\"last_by_subj\":\"%s.%s\"}", job->stream, what);
	int64_t end = now_ms() + patience(TRUST_LIMIT);

	while (strstr(jetstream_try_api(job->js, text("STREAM.MSG.GET.%s", job->stream), ask),
		"\"error\"")) {
		if (now_ms() > end)
			give_up("%s did not arrive", what);
		nap(POLL_MS);
	}
	return now_ms() - since;
}

static void commit_and_time(
	struct job *job, struct testdb *db, const char *statement, const char *what)
{
	testdb_exec(db, "%s", statement);
	int64_t ms = arrival(job, what, now_ms());

	say("%s: in the stream %lld ms after its commit", what, (long long)ms);
	assert_true(ms < patience(SOON_MS));
}

static void wait_until_caught_up(struct job *job)
{
	WAIT_UNTIL(30000, testdb_in_state(job->db, "pending") == 0);
}

struct gap_writer {
	pthread_t thread;
	struct job *job;
	int number, count;
	const char *failed; /* the database's words */
};

/* One to four rows of a key of its own, then a wait that lets others overtake; one in ten is rolled back. */
static bool write_gaps(struct gap_writer *writer, struct testdb *db, uint32_t *random, char **words)
{
	int rows = 1 + (int)(fixture_random(random) % 4);
	bool keep_it = fixture_random(random) % 10 != 0;
	char sql[400];

	if (!testdb_try(db, words, "BEGIN"))
		return false;
	for (int i = 0; i < rows; i++) {
		snprintf(sql, sizeof(sql),
			"INSERT INTO dray.outbox (subject, key, headers, payload) VALUES "
			"('%s.w%d', 'w%d', %s, decode('%08x', 'hex'))",
			writer->job->stream, writer->number, writer->number,
			fixture_random(random) % 40 == 0 ? "'{\"Slow\":\"yes\"}'" : "NULL",
			fixture_random(random));
		if (!testdb_try(db, words, sql))
			return false;
		nap(fixture_random(random) % 4);
	}
	nap(fixture_random(random) % 30);
	return testdb_try(db, words, keep_it ? "COMMIT" : "ROLLBACK");
}

static void *write_many(void *context)
{
	struct gap_writer *writer = context;
	struct testdb *db = testdb_open(writer->job->database);
	uint32_t random = 88172645u + (uint32_t)writer->number * 7919u;
	char *words = NULL;

	for (int i = 0; i < writer->count && !writer->failed; i++) {
		if (!write_gaps(writer, db, &random, &words))
			writer->failed = words;
		if (i % 25 == 24)
			nap(150); /* a burst ends: the relay catches up and goes to sleep */
	}
	testdb_close(db);
	return NULL;
}

static void run_writers(struct job *job)
{
	struct gap_writer writers[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		writers[i] =
			(struct gap_writer){ .job = job, .number = i, .count = transactions() };
		pthread_create(&writers[i].thread, NULL, write_many, &writers[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	for (int i = 0; i < WRITERS; i++)
		if (writers[i].failed)
			give_up("writer %d: %s", i, writers[i].failed);
}

static void test_concurrent_writers(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "writers");
	/* Somebody's long transaction in another database holds back every horizon of the cluster. */
	struct testdb *elsewhere = testdb_open(fixture_database("postgres", "elsewhere"));
	testdb_exec(elsewhere, "BEGIN; CREATE TABLE t (n int); INSERT INTO t VALUES (1)");
	int64_t began = now_ms();
	run_writers(&job);
	say("%d transactions of 8 writers in %lld ms", WRITERS * transactions(),
		(long long)(now_ms() - began));
	job_end(&job);
	testdb_exec(elsewhere, "ROLLBACK");
	testdb_close(elsewhere);
}

static void test_a_low_id_commits_last(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "late");
	struct testdb *late = testdb_open(job.database);
	testdb_exec(late, "BEGIN");
	insert(late, &job, "low", "low");
	for (int i = 0; i < 20; i++)
		insert(job.db, &job, text("high%d", i), "high");
	wait_until_caught_up(&job);
	nap(3000); /* long enough to have gone to sleep, and to have given up on what is not there */
	commit_and_time(&job, late, "COMMIT", "low");
	testdb_close(late);
	job_end(&job);
}

static void test_a_rolled_back_id_holds_nobody(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "rollback");
	struct testdb *other = testdb_open(job.database);
	testdb_exec(other, "BEGIN");
	insert(other, &job, "gone", "k");
	insert(job.db, &job, "after", "k");
	arrival(&job, "after", now_ms());
	testdb_exec(other, "ROLLBACK");
	commit_and_time(&job, job.db,
		text("INSERT INTO dray.outbox (subject, key, payload) VALUES ('%s.next', 'k', '')",
			job.stream),
		"next");
	testdb_close(other);
	job_end(&job);
}

static void test_a_prepared_transaction(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "prepared");
	testdb_exec(job.db, "BEGIN");
	insert(job.db, &job, "prepared", "k1");
	testdb_exec(job.db, "PREPARE TRANSACTION 'dray-gap'");
	insert(job.db, &job, "meanwhile", "k2");
	arrival(&job, "meanwhile", now_ms());
	nap(2500);
	commit_and_time(&job, job.db, "COMMIT PREPARED 'dray-gap'", "prepared");
	job_end(&job);
}

/* The id is drawn and the lock held while the inserting transaction has no xid yet. */
static void *insert_slowly(void *context)
{
	struct job *job = context;
	struct testdb *db = testdb_open(job->database);

	testdb_try(db, NULL,
		text("INSERT INTO dray.outbox (subject, key, headers, payload) VALUES ('%s.slow', "
		     "'slow', '{\"Slow\":\"yes\"}', '')",
			job->stream));
	testdb_close(db);
	return NULL;
}

static void test_a_slow_trigger(void **state)
{
	pthread_t thread;
	struct job job;

	(void)state;
	job_start(&job, "trigger");
	testdb_exec(job.db,
		"CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ "
		"BEGIN IF NEW.headers IS NOT NULL THEN PERFORM pg_sleep(3); END IF; "
		"RETURN NEW; END $$");
	pthread_create(&thread, NULL, insert_slowly, &job);
	nap(300);
	insert(job.db, &job, "quick", "quick");
	arrival(&job, "quick", now_ms());
	pthread_join(thread, NULL);
	say("slow: in the stream %lld ms after its commit",
		(long long)arrival(&job, "slow", now_ms()));
	job_end(&job);
}

static void test_a_restart_with_a_gap_open(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "restart");
	struct testdb *late = testdb_open(job.database);
	testdb_exec(late, "BEGIN");
	insert(late, &job, "low", "low");
	insert(job.db, &job, "high", "high");
	wait_until_caught_up(&job);
	dray_stop(job.daemon);
	job.daemon = dray_start(job.stream, NULL, "run", "-c", job.config);
	insert(job.db, &job, "higher", "high");
	arrival(&job, "higher", now_ms());
	nap(2500);
	commit_and_time(&job, late, "COMMIT", "low");
	testdb_close(late);
	job_end(&job);
}

/* Ids that were drawn ahead (a sequence with a cache, a restored one) fill in with no lock to see. */
static void test_ids_drawn_ahead(void **state)
{
	struct job job;

	(void)state;
	job_start(&job, "ahead");
	int64_t drawn =
		testdb_int(job.db, "SELECT nextval(pg_get_serial_sequence('dray.outbox', 'id'))");
	insert(job.db, &job, "high", "high");
	wait_until_caught_up(&job);
	nap(3000);
	testdb_exec(job.db,
		"INSERT INTO dray.outbox (id, subject, key, payload) OVERRIDING SYSTEM VALUE VALUES "
		"(%lld, '%s.drawn', 'drawn', '')",
		(long long)drawn, job.stream);
	say("drawn: in the stream %lld ms after its commit",
		(long long)arrival(&job, "drawn", now_ms()));
	job_end(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_low_id_commits_last),
		cmocka_unit_test(test_a_rolled_back_id_holds_nobody),
		cmocka_unit_test(test_a_prepared_transaction),
		cmocka_unit_test(test_a_slow_trigger),
		cmocka_unit_test(test_a_restart_with_a_gap_open),
		cmocka_unit_test(test_ids_drawn_ahead),
		cmocka_unit_test(test_concurrent_writers),
	};

	return cmocka_run_group_tests_name("gaps", tests, fixture_start, NULL);
}
