/*
 * dray audit: what a stream lost after it had acknowledged it is named, and nothing else; and it comes back, each
 * event once. A power cut is played by a store that is put back to a copy taken before.
 */
#include <jansson.h>

#include "fixture.h"

#define KEYS 100

struct scene {
	const char *kind, *name;
	char *url, *stream, *config;
	struct testdb *db;
	struct jetstream *js;
	struct proc *daemon;
	int64_t rows;
};

static void open_scene(struct scene *s, const char *kind, const char *name, const char *more)
{
	*s = (struct scene){ .kind = kind, .name = name, .url = fixture_database(kind, name) };
	s->stream = text("AUDIT_%s_%s", name, kind);
	s->config = fixture_config(s->stream,
		"relays: [ { name: shop, database: \"%s\", stream: %s%s } ]\n", s->url, s->stream,
		more);
	s->js = jetstream_open(nats.url);
	dray_expect(0, "migrate", "-c", s->config);
	s->db = testdb_open(s->url);
}

static void make_stream(struct scene *s, const char *more)
{
	jetstream_make(s->js, s->stream, text("\"%s.>\"", s->stream), more);
}

static void close_scene(struct scene *s)
{
	proc_kill(s->daemon);
	jetstream_close(s->js);
	testdb_close(s->db);
}

static void start(struct scene *s)
{
	s->daemon = dray_start(s->stream, NULL, "run", "-c", s->config);
}

static void write_rows(struct scene *s, int64_t count)
{
	fixture_bulk(s->db, text("'%s.' || key", s->stream), s->rows + 1, count, KEYS);
	s->rows += count;
}

static void deliver(struct scene *s, int64_t count)
{
	write_rows(s, count);
	start(s);
	WAIT_UNTIL(120000, testdb_in_state(s->db, "pending") == 0);
	dray_stop(s->daemon);
}

static void shell(const char *command)
{
	const struct launch launch = { .argv = (const char *const[]){ "sh", "-c", command, NULL } };
	struct result result = command_run(&launch, 60000);

	if (result.status != 0)
		give_up("%s: %s", command, result.err);
}

/* What the disk has for sure. */
static void keep_store(struct scene *s)
{
	jetstream_close(s->js);
	nats_server_end(&nats);
	shell(text("rm -rf %s.copy && cp -a %s %s.copy", nats.folder, nats.folder, nats.folder));
	nats_server_again(&nats);
	s->js = jetstream_open(nats.url);
}

static void cut_power(struct scene *s)
{
	jetstream_close(s->js);
	nats_server_kill(&nats);
	shell(text("rm -rf %s && mv %s.copy %s", nats.folder, nats.folder, nats.folder));
	nats_server_again(&nats);
	s->js = jetstream_open(nats.url);
}

/* What an audit says, line by line. */
struct said {
	int status;
	int64_t missing, others, rows, present, healed, unmarked, expired, former, moved;
	int64_t first, last; /* ids of the missing ones */
	char *err;
};

static int64_t number(const json_t *line, const char *name)
{
	return json_integer_value(json_object_get(line, name));
}

static void hear(struct said *said, const json_t *line)
{
	const char *class = json_string_value(json_object_get(line, "class"));

	if (!class) {
		said->rows += number(line, "rows");
		said->present += number(line, "present");
		said->healed += number(line, "healed");
		said->unmarked += number(line, "unmarked");
		said->expired += number(line, "expired");
		said->former += number(line, "former");
		said->moved += number(line, "moved");
		return;
	}
	if (strcmp(class, "missing") != 0) {
		said->others++;
		return;
	}
	int64_t id = number(line, "id");
	said->missing++;
	said->first = said->first == 0 || id < said->first ? id : said->first;
	said->last = id > said->last ? id : said->last;
}

static struct said audit(struct scene *s, const char *option)
{
	const char *arguments[] = { "audit", "-c", s->config, "--json", option, NULL };
	struct result result = dray_run(arguments, NULL);
	struct said said = { .status = result.status, .err = result.err };

	for (char *line = strtok(result.out, "\n"); line; line = strtok(NULL, "\n")) {
		json_t *parsed = json_loads(line, 0, NULL);
		assert_non_null(parsed);
		hear(&said, parsed);
		json_decref(parsed);
	}
	return said;
}

static void require_all_there(struct scene *s)
{
	struct oracle *oracle = oracle_from_outbox(s->db, "TRUE");
	struct oracle_counts counts = oracle_see_stream(oracle, s->js, s->stream);

	assert_int_equal(counts.expected, s->rows);
	counts.reordered = 0; /* what comes back comes behind what was not lost */
	oracle_require(counts);
	oracle_destroy(oracle);
}

static int64_t last_id(struct scene *s)
{
	return testdb_int(s->db, "SELECT max(id) FROM %s", testdb_table(s->db, "outbox"));
}

/* Delivered, the server killed and put back to what it had synced: exactly what was lost comes back. */
static void test_an_outage(void **state)
{
	struct scene s;

	open_scene(&s, *state, "outage", "");
	make_stream(&s, NULL);
	int64_t rows = number_from("DRAY_ROWS", long_run() ? 50000 : 6000);
	deliver(&s, rows / 2);
	int64_t kept = last_id(&s);
	keep_store(&s);
	deliver(&s, rows / 2);
	struct said before = audit(&s, NULL);
	assert_int_equal(before.status, 0);
	assert_int_equal(before.present, rows);
	cut_power(&s);
	struct said lost = audit(&s, NULL);
	say("%s: %lld rows, missing %lld, from row %lld to %lld", s.kind, (long long)lost.rows,
		(long long)lost.missing, (long long)lost.first, (long long)lost.last);
	assert_int_equal(lost.status, 1);
	assert_int_equal(lost.missing, rows / 2);
	assert_int_equal(lost.others, 0);
	assert_int_equal(lost.first, kept + 1);
	assert_int_equal(lost.last, last_id(&s));
	struct said healed = audit(&s, "--heal");
	assert_int_equal(healed.status, 0);
	assert_int_equal(healed.healed, rows / 2);
	struct said after = audit(&s, NULL);
	assert_int_equal(after.status, 0);
	assert_int_equal(after.present, rows);
	assert_int_equal(after.moved + after.others, 0);
	struct oracle *oracle = oracle_from_outbox(s.db, "TRUE");
	oracle_require(
		oracle_see_stream(oracle, s.js, s.stream)); /* in the order of every key, too */
	oracle_destroy(oracle);
	close_scene(&s);
}

/* The stream went on, so its sequences have other events now. A heal that is killed is not done twice. */
static void test_a_stream_that_grew_again(void **state)
{
	struct scene s;

	open_scene(&s, *state, "grown", "");
	make_stream(&s, NULL);
	deliver(&s, 500);
	keep_store(&s);
	deliver(&s, 1000);
	int64_t kept = 500, lost = 1000;
	cut_power(&s);
	deliver(&s, 700);
	struct said found = audit(&s, NULL);
	assert_int_equal(found.missing, lost);
	assert_int_equal(found.present, kept + 700);
	struct proc *proc =
		dray_start("heal", "relay.before_settle=kill@2", "audit", "-c", s.config, "--heal");
	assert_int_equal(proc_wait(proc, 60000), 128 + 9);
	int64_t there = jetstream_count(s.js, s.stream);
	assert_true(there > kept + 700);
	struct said rest = audit(&s, "--heal");
	say("%s: killed with %lld healed; then %lld elsewhere, %lld healed", s.kind,
		(long long)(there - kept - 700), (long long)rest.moved, (long long)rest.healed);
	assert_int_equal(rest.status, 0);
	assert_true(rest.moved > 0 && rest.healed < lost);
	struct said after = audit(&s, NULL);
	assert_int_equal(after.present, s.rows);
	assert_int_equal(after.moved, 0);
	require_all_there(&s);
	close_scene(&s);
}

/* What is gone for another reason than a loss is told apart, and stays away. */
static void test_what_is_no_loss(void **state)
{
	struct scene s;

	open_scene(&s, *state, "noloss", "");
	make_stream(&s, "\"max_msgs\":150");
	deliver(&s, 200);
	struct said said = audit(&s, "--heal");
	assert_int_equal(said.status, 0);
	assert_int_equal(said.expired, 50);
	assert_int_equal(said.present, 150);
	jetstream_delete(s.js, s.stream);
	said = audit(&s, NULL);
	assert_int_equal(said.status, 0);
	assert_int_equal(said.former, 200);
	make_stream(&s, NULL);
	deliver(&s, 10);
	said = audit(&s, "--heal");
	assert_int_equal(said.status, 0);
	assert_int_equal(said.former, 200);
	assert_int_equal(said.present, 10);
	assert_int_equal(jetstream_count(s.js, s.stream), 10);
	char *id = testdb_emit(s.db, text("%s.x", s.stream), NULL, NULL, "{}");
	jetstream_publish(s.js, text("%s.x", s.stream), id, "{}");
	said = audit(&s, NULL);
	assert_int_equal(said.status, 0);
	assert_int_equal(said.unmarked, 1);
	close_scene(&s);
}

/* A hole in the middle. */
static void test_a_hole(void **state)
{
	struct scene s;

	open_scene(&s, *state, "hole", "");
	make_stream(&s, NULL);
	deliver(&s, 100);
	for (int seq = 40; seq < 45; seq++)
		jetstream_api(
			s.js, text("STREAM.MSG.DELETE.%s", s.stream), text("{\"seq\":%d}", seq));
	struct said said = audit(&s, NULL);
	assert_int_equal(said.status, 1);
	assert_int_equal(said.missing, 5);
	const char *table = testdb_table(s.db, "outbox");
	testdb_exec(s.db,
		"UPDATE %s SET delivered_at = '2026-01-01T00:00:00.000Z' WHERE stream_seq < 43",
		table);
	said = audit(&s, "--since=1h");
	assert_int_equal(said.missing, 2);
	assert_int_equal(said.rows, 58);
	assert_int_equal(audit(&s,
				 text("--since=id:%lld",
					 (long long)testdb_int(s.db,
						 "SELECT id FROM %s WHERE stream_seq = 44", table)))
				 .missing,
		1);
	struct result shown = dray("audit", "-c", s.config);
	assert_int_equal(shown.status, 1);
	assert_contains(shown.out, "missing: rows");
	close_scene(&s);
}

static void test_where_nothing_can_be_healed(void **state)
{
	struct scene s;

	open_scene(&s, *state, "erases", "");
	make_stream(&s, "\"max_msgs_per_subject\":1");
	deliver(&s, 300);
	struct said said = audit(&s, NULL);
	assert_int_equal(said.status, 0);
	assert_int_equal(said.present, 100);
	assert_int_equal(said.expired, 200);
	said = audit(&s, "--heal");
	assert_int_equal(said.status, 2);
	assert_contains(said.err, "erases by itself: it keeps only so many messages a subject");
	assert_int_equal(jetstream_last(s.js, s.stream), 300);
	close_scene(&s);
	open_scene(&s, *state, "whole", ", ordering: stream");
	make_stream(&s, NULL);
	deliver(&s, 10);
	jetstream_api(s.js, text("STREAM.MSG.DELETE.%s", s.stream), "{\"seq\":5}");
	assert_int_equal(audit(&s, NULL).missing, 1);
	said = audit(&s, "--heal");
	assert_int_equal(said.status, 2);
	assert_contains(said.err, "ordering: stream");
	struct result other = dray("audit", "--database", s.url, "--heal"); /* knows no config */
	assert_int_equal(other.status, 2);
	assert_int_equal(jetstream_last(s.js, s.stream), 10);
	close_scene(&s);
	open_scene(&s, *state, "deletes", ", on_delivered: delete");
	assert_contains(audit(&s, NULL).err, "deletes delivered rows");
	close_scene(&s);
}

/* The same inside the daemon, while the relay goes on. */
static void test_the_daemon_heals(void **state)
{
	struct scene s;

	open_scene(&s, *state, "daemon", ", audit: { every: 1s, window: 1h, heal: true }");
	make_stream(&s, NULL);
	deliver(&s, 100);
	keep_store(&s);
	deliver(&s, 200);
	start(&s);
	cut_power(&s);
	write_rows(&s, 50);
	const char *healed = "had lost events; these 200 are published again";
	WAIT_UNTIL(60000, strstr(proc_log(s.daemon), healed));
	WAIT_UNTIL(60000, testdb_in_state(s.db, "pending") == 0);
	assert_int_equal(audit(&s, NULL).status, 0);
	require_all_there(&s);
	jetstream_api(s.js, text("STREAM.MSG.DELETE.%s", s.stream), "{\"seq\":120}");
	WAIT_UNTIL(60000,
		strstr(proc_log(s.daemon),
			"these 1 are published again")); /* with a window by now */
	dray_stop(s.daemon);
	close_scene(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_an_outage),
		FOR_ONE(test_a_stream_that_grew_again, "sqlite"),
		FOR_ONE(test_what_is_no_loss, "postgres"),
		FOR_BOTH(test_a_hole),
		FOR_ONE(test_the_daemon_heals, "postgres"),
		FOR_ONE(test_where_nothing_can_be_healed, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests(tests, fixture_start, NULL);
}
