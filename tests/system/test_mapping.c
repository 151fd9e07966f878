/*
 * Mixed events (rows, later states of them, deletes, duplicates, some that are no JSON) go into tables that are
 * not Dray's, while dray is killed between every two steps and the database is restarted. In the end each table
 * is what the test makes of the same events by itself.
 */
#include <inttypes.h>
#include <signal.h>

#include "fixture.h"

#define KEYS 50
#define BAD  400 /* every so manieth event is no JSON */

enum mode { INSERT, UPSERT, VERSIONS, MODES };

static const char *const mode_names[MODES] = { "inserts", "upserts", "versions" };

/* One table, and what it has to be. */
struct part {
	enum mode mode;
	int64_t good;
	int *seen; /* of INSERT: how often each number was published */
	struct row {
		bool there, known;
		int64_t number, version;
	} rows[KEYS];
};

struct job {
	const char *kind;
	bool queue; /* a workqueue: events come in any order */
	char *name, *to, *config;
	struct testdb *look;
	struct jetstream *js;
	int64_t events, bad;
	struct part parts[MODES];
	int count; /* of its tables */
};

static int64_t event_count(void)
{
	return number_from("DRAY_ROWS", long_run() ? 100000 : 1500);
}

/* Of one table, which is called as its mode. */
static char *settings_of(enum mode mode)
{
	char *columns =
		text("table: %s, columns: { k: \"@subject[2]\", n: $.n, price: $.price, rest: "
		     "{ from: $.rest, default: none } }",
			mode_names[mode]);

	if (mode == INSERT)
		return text("mode: insert, %s", columns);
	return text("mode: upsert, key: [k], tombstones: %s, %s%s",
		mode == UPSERT ? "true" : "false", columns,
		mode == UPSERT ? ""
			       : ", version: $.v, delete_when: { from: $.op, equals: delete }");
}

static char *tables_of(const struct job *job)
{
	/* Several filters of a durable need nats-server 2.10. */
	char *list = text("%stables: [", job->queue ? "unmatched: dead, " : "");

	if (job->count == 1)
		return settings_of(job->parts[0].mode);
	for (int i = 0; i < job->count; i++)
		list = text("%s%s { subjects: [ \"%s.%s.*\" ], %s }", list, i ? "," : "", job->name,
			mode_names[job->parts[i].mode], settings_of(job->parts[i].mode));
	return text("%s ]", list);
}

static void add_part(struct job *job, enum mode mode)
{
	struct part *part = &job->parts[job->count++];

	*part = (struct part){ .mode = mode };
	part->seen = keep(calloc((size_t)event_count() + 1, sizeof(*part->seen)));
}

static void make_tables(struct job *job)
{
	dray_expect(0, "migrate", "-c", job->config);
	job->look = testdb_open(job->to);
	for (int i = 0; i < job->count; i++)
		testdb_exec(job->look, "CREATE TABLE %s (k %s, n bigint, price text, rest text)",
			mode_names[job->parts[i].mode],
			job->parts[i].mode == INSERT ? "text" : "text PRIMARY KEY");
}

/* mode MODES: a table of each. */
static void job_start(struct job *job, const char *kind, enum mode mode, bool queue)
{
	char *name =
		text("%s%s", mode == MODES ? "tables" : mode_names[mode], queue ? "_queue" : "");

	*job = (struct job){ .kind = kind, .queue = queue };
	job->name = text("MAP_%s_%s", kind, name);
	for (enum mode one = 0; one < MODES; one++)
		if (mode == MODES || mode == one)
			add_part(job, one);
	job->to = fixture_database(kind, text("map_%s", name));
	job->config = fixture_config(job->name,
		"sinks: [ { name: map, database: \"%s\", stream: %s, batch: 150, lease: 1s, %s } ]\n",
		job->to, job->name, tables_of(job));
	job->js = jetstream_open(nats.url);
	jetstream_make(job->js, job->name, text("\"%s.>\"", job->name),
		queue ? "\"retention\":\"workqueue\"" : NULL);
	make_tables(job);
}

/* What one event does, by the rules and nothing of Dray's. */
static void apply(struct part *part, int key, int64_t number, int64_t version, bool deletes)
{
	struct row *row = &part->rows[key];

	part->good++;
	part->seen[number]++;
	if (part->mode == VERSIONS && row->known && version < row->version)
		return;
	*row = (struct row){
		.there = !deletes, .known = true, .number = number, .version = version
	};
}

static void publish(struct job *job, const struct part *part, int key, const char *payload)
{
	jetstream_publish(job->js, text("%s.%s.k%02d", job->name, mode_names[part->mode], key),
		NULL, payload);
	job->events++;
}

static void publish_one(struct job *job, int64_t number, uint32_t *random)
{
	struct part *part = &job->parts[fixture_random(random) % (uint32_t)job->count];
	int key = (int)(fixture_random(random) % KEYS);
	int64_t version = (int64_t)(fixture_random(random) % 100);
	bool deletes = part->mode != INSERT && fixture_random(random) % 5 == 0;
	int times = fixture_random(random) % 10 == 0 ? 2 : 1;
	char *payload = text("{\"n\":%" PRId64 ",\"v\":%" PRId64 ",\"price\":%" PRId64 ".10%s%s}",
		number, version, number, deletes ? ",\"op\":\"delete\"" : "",
		number % 3 ? ",\"rest\":null" : "");

	if (number % BAD == BAD - 1) {
		publish(job, part, key, "{ no");
		job->bad++;
		return;
	}
	for (; times > 0; times--) {
		publish(job, part, key, deletes && part->mode == UPSERT ? "" : payload);
		apply(part, key, number, version, deletes);
	}
}

static int64_t stored(struct job *job)
{
	int64_t seq = 0;

	if (!testdb_try_int(job->look, &seq,
		    text("SELECT max(seq) FROM %s", testdb_table(job->look, "sink_position"))))
		return 0;
	return seq;
}

static void kill_everywhere(struct job *job)
{
	static const char *const points[] = { "sink.after_fetch=kill@2", "sink.before_store=kill@2",
		"sink.after_store=kill", "sink.after_store=kill@3" };

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct proc *dray_ = dray_start(job->name, points[i], "run", "-c", job->config);
		assert_int_equal(proc_wait(dray_, patience(60000)), 128 + SIGKILL);
	}
	if (!job->queue)
		return;
	struct proc *dray_ =
		dray_start(job->name, "sink.before_ack=kill", "run", "-c", job->config);
	assert_int_equal(proc_wait(dray_, patience(60000)), 128 + SIGKILL);
}

static void wait_stored(struct job *job)
{
	if (job->queue)
		WAIT_UNTIL(120000, jetstream_count(job->js, job->name) == 0);
	else
		WAIT_UNTIL(120000, stored(job) == job->events);
}

static void check_inserted(void *context, const char *const *cells)
{
	struct part *part = context;
	int64_t number = strtoll(cells[0], NULL, 10);

	assert_string_equal(cells[1], text("%" PRId64 ".10", number));
	if (number % 3)
		assert_null(cells[2]);
	else
		assert_string_equal(cells[2], "none");
	assert_true(number >= 0 && number < event_count());
	assert_true(--part->seen[number] >= 0);
}

static void check_upserted(void *context, const char *const *cells)
{
	struct part *part = context;
	struct row *row = &part->rows[atoi(cells[3] + 1)];

	if (!row->there || strtoll(cells[0], NULL, 10) != row->number)
		give_up("key %s is %s, and should be %" PRId64 " (%s)", cells[3], cells[0],
			row->number, row->there ? "there" : "deleted");
	assert_string_equal(cells[1], text("%" PRId64 ".10", row->number));
	row->there = false;
}

static void check_table(struct job *job, struct part *part)
{
	const char *table = mode_names[part->mode];
	int64_t rows = testdb_int(job->look, "SELECT count(*) FROM %s", table);

	if (part->mode == INSERT)
		assert_int_equal(rows, part->good);
	testdb_each(job->look, part->mode == INSERT ? check_inserted : check_upserted, part,
		text("SELECT n, price, rest, k FROM %s", table));
	for (int key = 0; part->mode != INSERT && key < KEYS; key++)
		if (part->rows[key].there)
			give_up("%s: key %d is missing", table, key);
}

static void check_tables(struct job *job)
{
	for (int i = 0; i < job->count; i++)
		check_table(job, &job->parts[i]);
	assert_int_equal(testdb_int(job->look, "SELECT count(*) FROM %s",
				 testdb_table(job->look, "sink_dead")),
		job->bad);
}

/* By what events were known is removed when they cannot come again. */
static void check_forgotten(struct job *job)
{
	struct proc *daemon = dray_start(job->name, NULL, "run", "-c", job->config);

	WAIT_UNTIL(30000,
		testdb_int(job->look, "SELECT count(*) FROM %s",
			testdb_table(job->look, "sink_version")) == 0);
	dray_stop(daemon);
}

static void run(const char *kind, enum mode mode, bool queue)
{
	struct job job;
	uint32_t random = 7;
	int64_t half;

	job_start(&job, kind, mode, queue);
	half = event_count() / 2;
	for (int64_t number = 0; number < half; number++)
		publish_one(&job, number, &random);
	kill_everywhere(&job);
	struct proc *daemon = dray_start(job.name, NULL, "run", "-c", job.config);
	for (int64_t number = half; number < event_count(); number++) {
		publish_one(&job, number, &random);
		if (number == half + half / 2) {
			proc_kill(daemon);
			if (strcmp(kind, "postgres") == 0)
				pg_server_restart(&pg);
			daemon = dray_start(job.name, NULL, "run", "-c", job.config);
		}
		if (number == half + half / 3 && strcmp(kind, "postgres") == 0)
			pg_server_restart(&pg); /* under the running one */
	}
	wait_stored(&job);
	dray_stop(daemon);
	testdb_close(job.look);
	job.look = testdb_open(job.to); /* its server was restarted */
	if (mode == INSERT && queue)
		check_forgotten(&job);
	check_tables(&job);
	jetstream_delete(job.js, job.name);
	jetstream_close(job.js);
	testdb_close(job.look);
}

static void test_insert(void **state)
{
	run(*state, INSERT, false);
}

static void test_upsert(void **state)
{
	run(*state, UPSERT, false);
}

static void test_own_versions(void **state)
{
	run(*state, VERSIONS, false);
}

static void test_three_tables(void **state)
{
	run(*state, MODES, false);
}

static void test_three_tables_from_a_workqueue(void **state)
{
	run(*state, MODES, true);
}

static void test_insert_from_a_workqueue(void **state)
{
	run(*state, INSERT, true);
}

static void test_upsert_from_a_workqueue(void **state)
{
	run(*state, UPSERT, true);
}

/* Each takes seconds, most of them for dray to start again, or for a durable to give events again. */
int main(void)
{
	const struct CMUnitTest few[] = {
		FOR_ONE(test_insert, "sqlite"),
		FOR_BOTH(test_upsert),
		FOR_BOTH(test_three_tables),
		FOR_ONE(test_insert_from_a_workqueue, "postgres"),
	};
	const struct CMUnitTest all[] = {
		FOR_BOTH(test_insert),
		FOR_BOTH(test_upsert),
		FOR_BOTH(test_own_versions),
		FOR_BOTH(test_insert_from_a_workqueue),
		FOR_BOTH(test_upsert_from_a_workqueue),
		FOR_BOTH(test_three_tables),
		FOR_BOTH(test_three_tables_from_a_workqueue),
	};

	only_named_tests();
	if (long_run())
		return cmocka_run_group_tests_name("mapping", all, fixture_start, NULL);
	return cmocka_run_group_tests_name("mapping", few, fixture_start, NULL);
}
