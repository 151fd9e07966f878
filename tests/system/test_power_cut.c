/*
 * A power cut takes from each part what it had not synced: the outbox, the stream and the archive come back as
 * they were at three different moments, in every order of these. What the parts still have between them is put
 * right, what they have not is named, and nothing is there twice that was there once.
 */
#include "stage.h"

#include <stdio.h>

#define STEP	30 /* events from one moment to the next */
#define PENDING 10 /* of them are not published yet at the moment */
#define FRESH	20 /* after the cut */

/* Which part each moment belongs to, the earliest first: o(utbox), s(tream), a(rchive). */
struct cut {
	const char *order, *kind; /* kind: the outbox's; the archive is of the other one */
};

struct scene {
	struct stage stage;
	const struct cut *cut;
	int64_t outbox, stream,
		archive; /* events that each part had seen delivered at its moment */
};

static char *copy_path(const struct scene *s, char part)
{
	return scratch_path("%s.%c", s->stage.name, part);
}

static void put_up(struct scene *s)
{
	struct stage *stage = &s->stage;
	const char *other = other_kind(s->cut->kind);

	*stage = stage_set(s->cut->kind, text("cut_%s", s->cut->order), NULL, true);
	testdb_close(stage->archive);
	stage->to = fixture_database(other, text("cut_%s_archive", s->cut->order));
	stage_configure(stage, true);
	dray_expect(0, "migrate", "-c", stage->config);
	stage->archive = testdb_open(stage->to);
}

/* Moves a database, or what nats-server stores, between its place and its copy; nobody works on it. */
static void move(struct scene *s, char part, bool back)
{
	struct stage *stage = &s->stage;
	const char *url = part == 'o' ? stage->from : stage->to, *here = pg.data;

	if (part == 's')
		here = nats.folder;
	else if (strncmp(url, "sqlite:", 7) == 0)
		here = url + 7;
	if (here != nats.folder && here != pg.data && back) {
		stage_remove(text("%s-wal", here));
		stage_remove(text("%s-shm", here));
	}
	stage_copy(back ? copy_path(s, part) : here, back ? here : copy_path(s, part));
}

static void close_all(struct scene *s)
{
	testdb_close(s->stage.outbox);
	testdb_close(s->stage.archive);
	jetstream_close(s->stage.js);
}

static void open_all(struct scene *s)
{
	s->stage.outbox = testdb_open(s->stage.from);
	s->stage.archive = testdb_open(s->stage.to);
	s->stage.js = jetstream_open(nats.url);
}

static void copy_part(struct scene *s, char part)
{
	close_all(s);
	nats_server_end(&nats);
	pg_server_end(&pg);
	move(s, part, false);
	pg_server_again(&pg);
	nats_server_again(&nats);
	open_all(s);
}

static void cut_power(struct scene *s)
{
	proc_kill(s->stage.daemon);
	close_all(s);
	nats_server_kill(&nats);
	pg_server_kill(&pg);
	for (const char *part = s->cut->order; *part; part++)
		move(s, *part, true);
	pg_server_again(&pg);
	nats_server_again(&nats);
	open_all(s);
}

/* Up to the cut: at each moment Dray is dead, some rows are pending, and one part is copied. */
static void live(struct scene *s)
{
	struct stage *stage = &s->stage;

	stage_run(stage, NULL);
	stage_emit(stage, 1, STEP, 7);
	stage_delivered(stage);
	stage_archives(stage, STEP);
	for (int moment = 1; moment <= 3; moment++) {
		int at = moment * STEP;
		char part = s->cut->order[moment - 1];
		proc_kill(stage->daemon);
		stage_emit(stage, at + 1, at + PENDING, 7);
		copy_part(s, part);
		*(part == 'o' ? &s->outbox : part == 's' ? &s->stream : &s->archive) = at;
		stage_run(stage, NULL);
		stage_emit(stage, at + PENDING + 1, at + STEP, 7);
		stage_delivered(stage);
		stage_archives(stage, at + STEP);
	}
}

/* What is gone is named, by whoever knew of it; nothing else is. */
static void check_what_is_said(struct scene *s)
{
	const char *relay = text("out: stream %s lost its end", s->stage.name);
	const char *sink = text("in: stream %s lost its end", s->stage.name);

	if (s->stream < s->outbox)
		stage_says(&s->stage, "error", relay);
	else
		assert_null(strstr(proc_log(s->stage.daemon), relay));
	if (s->stream < s->archive)
		stage_says(&s->stage, "error", sink);
	else
		assert_null(strstr(proc_log(s->stage.daemon), sink));
	if (s->stream > s->outbox)
		stage_says(&s->stage, "info",
			text("stream %s holds %lld messages after sequence %lld, the last one that "
			     "is marked here, of which no row is known",
				s->stage.name, (long long)(s->stream - s->outbox - PENDING),
				(long long)s->outbox));
	else
		assert_null(strstr(proc_log(s->stage.daemon), "no row is known"));
}

static int64_t above(int64_t a, int64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * The stream has what it had, the pending rows that it had not, and the new ones. It lacks what only the outbox
 * knows as delivered, and holds what the outbox does not know any more.
 */
static int64_t check_stream(struct scene *s)
{
	struct oracle_counts counts = stage_count_stream(&s->stage);
	int64_t rows = s->outbox + PENDING;
	int64_t held = (s->stream > rows ? s->stream : s->stream + PENDING) + FRESH;

	assert_int_equal(counts.expected, rows + FRESH);
	assert_int_equal(counts.lost, above(s->outbox, s->stream));
	assert_int_equal(counts.leaked, above(s->stream, rows));
	assert_int_equal(counts.duplicated + counts.altered + counts.reordered, 0);
	assert_int_equal(jetstream_count(s->stage.js, s->stage.stream), held);
	return held;
}

static int64_t different_events(struct scene *s)
{
	return testdb_int(s->stage.archive, "SELECT count(DISTINCT msg_id) FROM %s",
		testdb_table(s->stage.archive, "events"));
}

/*
 * The archive keeps what it had and gets the rest of the stream. What the stream lost and gets again from the
 * outbox stands in the archive twice: as it was, and in the next epoch.
 */
static void check_archive(struct scene *s, int64_t held)
{
	int64_t kept = s->archive > s->stream ? s->stream : s->archive;
	int64_t twice = s->archive > s->stream && s->archive > s->outbox && s->outbox > s->stream
		? PENDING
		: 0;

	stage_archives(&s->stage, s->archive + held - kept);
	assert_int_equal(different_events(s), s->archive + held - kept - twice);
	assert_int_equal(testdb_int(s->stage.archive, "SELECT max(epoch) FROM %s",
				 testdb_table(s->stage.archive, "events")),
		s->archive > s->stream);
	assert_int_equal(testdb_int(s->stage.archive, "SELECT count(*) FROM %s",
				 testdb_table(s->stage.archive, "sink_dead")),
		0);
}

/* As docs/faults.md tells to send what was lost once more: whatever was delivered before the cut, and is gone. */
static void heal(struct scene *s, const char *before)
{
	int64_t rows = s->outbox + PENDING + FRESH;

	stage_stop(&s->stage);
	testdb_exec(s->stage.outbox,
		"UPDATE %s SET state = 'pending' WHERE stream = '%s' AND stream_seq > %lld AND "
		"delivered_at <= '%s'",
		testdb_table(s->stage.outbox, "outbox"), s->stage.stream, (long long)s->stream,
		before);
	stage_run(&s->stage, NULL);
	stage_delivered(&s->stage);
	struct oracle_counts counts = stage_count_stream(&s->stage);
	assert_int_equal(counts.expected, rows);
	assert_int_equal(counts.lost + counts.duplicated + counts.altered, 0);
}

static void test_each_part_goes_back(void **state)
{
	struct scene s = { .cut = *state };

	put_up(&s);
	live(&s);
	cut_power(&s);
	char *before = testdb_text(s.stage.outbox, "SELECT max(delivered_at) FROM %s",
		testdb_table(s.stage.outbox, "outbox"));
	STAGE_FORGOTTEN();
	stage_run(&s.stage, NULL);
	stage_emit(&s.stage, 1001, 1000 + FRESH, 7);
	stage_delivered(&s.stage);
	int64_t held = check_stream(&s);
	check_archive(&s, held);
	check_what_is_said(&s);
	assert_int_equal(stage_attempts(&s.stage), 0);
	if (s.outbox > s.stream)
		heal(&s, before);
	stage_end(&s.stage);
}

static const struct cut cuts[] = {
	{ "soa", "sqlite" },
	{ "oas", "postgres" },
	{ "aos", "sqlite" },
	{ "aso", "postgres" },
	{ "osa", "sqlite" },
	{ "sao", "postgres" },
	{ "soa", "postgres" },
	{ "oas", "sqlite" },
	{ "aos", "postgres" },
	{ "aso", "sqlite" },
	{ "osa", "postgres" },
	{ "sao", "sqlite" },
};

#define CUTS (sizeof(cuts) / sizeof(*cuts))

/* Two orders always, all of them where the long runs are asked for. */
int main(void)
{
	struct CMUnitTest tests[CUTS];
	size_t count = long_run() ? CUTS : 2;

	for (size_t i = 0; i < count; i++)
		tests[i] = (struct CMUnitTest){
			.name = text(
				"test_each_part_goes_back %s (%s)", cuts[i].order, cuts[i].kind),
			.test_func = test_each_part_goes_back,
			.initial_state = (void *)(uintptr_t)&cuts[i],
		};
	only_named_tests();
	return _cmocka_run_group_tests("power_cut", tests, count, fixture_start, NULL);
}
