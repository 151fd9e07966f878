/*
 * Streams that change under Dray: one that lost its end, was purged, sealed, deleted, filled up or made
 * anew. Nothing of it passes in silence, and nothing is lost or stored twice that the stream still has.
 */
#include "stage.h"

/* What a power cut does to a server that has not synced: its store is an earlier one. */
static char *copy_store(void)
{
	char *copy = scratch_path("store_before");

	nats_server_end(&nats);
	stage_copy(nats.folder, copy);
	nats_server_again(&nats);
	return copy;
}

static void put_store_back(const char *copy)
{
	nats_server_kill(&nats);
	stage_copy(copy, nats.folder);
}

/* Rows 1..100 are in the stream and in the archive, of which the copy has 1..50. */
static char *lose_half(struct stage *s)
{
	stage_run(s, NULL);
	stage_emit(s, 1, 50, 7);
	stage_delivered(s);
	stage_archives(s, 50);
	nap(300);
	char *copy = copy_store();
	stage_emit(s, 51, 100, 7);
	stage_delivered(s);
	stage_archives(s, 100);
	nap(300); /* the relay's position stands at 100 */
	return copy;
}

static void other_events(struct stage *s, int from, int to)
{
	struct jetstream *js = jetstream_open(nats.url);

	for (int i = from; i <= to; i++)
		jetstream_publish(js, text("%s.other%d", s->name, i), NULL, text("other %d", i));
	jetstream_close(js);
}

static void reopen(struct stage *s)
{
	jetstream_close(s->js);
	s->js = jetstream_open(nats.url);
}

/* The archive has what came before the loss and what came after it, each once. */
static void archive_is_whole(struct stage *s, int64_t events, int64_t new_ones)
{
	const char *table = testdb_table(s->archive, "events");

	stage_archives(s, events);
	assert_int_equal(
		testdb_int(s->archive, "SELECT count(*) FROM %s WHERE epoch = 1", table), new_ones);
	assert_int_equal(testdb_int(s->archive,
				 "SELECT count(*) FROM (SELECT DISTINCT subject, msg_id, "
				 "payload FROM %s) AS d",
				 table),
		events);
}

static void lost_end(struct stage *s)
{
	s->log_from = strlen(proc_log(s->daemon));
	reopen(s);
	assert_int_equal(jetstream_last(s->js, s->name), 50);
}

/* The server comes back without 51..100; the next rows take these sequences. */
static void test_a_stream_loses_its_end(void **state)
{
	struct stage s = stage_set(*state, "end", NULL, true);
	char *copy = lose_half(&s);

	put_store_back(copy);
	nats_server_again(&nats);
	lost_end(&s);
	stage_says(&s, "error", "out: stream end_");
	stage_says(&s, "error", "in: stream end_");
	stage_last_error(&s, true, "lost its end");
	stage_last_error(&s, false, "lost its end");
	nats_server_end(&nats); /* the next session finds the same: it is told already */
	nats_server_again(&nats);
	stage_says(&s, "info", "out: working again after");
	reopen(&s);
	assert_int_equal(lines_with(proc_log(s.daemon), 0, "out: ", "lost its end"), 1);
	stage_emit(&s, 101, 120, 7);
	stage_delivered(&s);
	assert_int_equal(jetstream_last(s.js, s.name), 70);
	archive_is_whole(&s, 120, 20);
	struct oracle_counts counts = stage_count_stream(&s);
	assert_int_equal(counts.lost, 50); /* those that the stream lost, and no other */
	assert_int_equal(counts.duplicated + counts.leaked + counts.reordered, 0);
	stage_end(&s);
}

/* And has grown past the position again before anybody looks: as long as ever, and yet another. */
static void test_a_stream_loses_its_end_unseen(void **state)
{
	struct stage s = stage_set(*state, "unseen", NULL, true);
	char *copy = lose_half(&s);

	stage_stop(&s);
	put_store_back(copy);
	nats_server_again(&nats);
	reopen(&s);
	other_events(&s, 51, 130);
	stage_emit(&s, 101, 110, 7);
	s.log_from = strlen(proc_log(s.daemon));
	stage_run(&s, NULL);
	stage_says(&s, "error", "out: stream unseen_");
	stage_says(&s, "error", "in: stream unseen_");
	stage_last_error(&s, true, "lost its end and has grown again");
	stage_delivered(&s);
	archive_is_whole(&s, 190, 90);
	stage_end(&s);
}

/* The same with a workqueue, which has nothing left to compare: the events that come tell. */
static void test_a_workqueue_loses_its_end_unseen(void **state)
{
	struct stage s =
		stage_set(*state, "queue", "\"retention\":\"workqueue\"," STAGE_WINDOW, true);
	char *copy = lose_half(&s);

	reopen(&s);
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 0);
	stage_stop(&s);
	put_store_back(copy);
	nats_server_again(&nats);
	reopen(&s);
	other_events(&s, 51, 145);
	s.log_from = strlen(proc_log(s.daemon));
	stage_run(&s, NULL);
	stage_says(&s, "error", "in: stream queue_");
	archive_is_whole(&s, 195, 95);
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 0);
	stage_end(&s);
}

/* --- streams that are changed on purpose --- */

/* Rows 1..20 are through. */
static struct stage begin(const char *kind, const char *name, const char *more, bool named)
{
	struct stage s = stage_set(kind, name, more, named);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 20, 7);
	stage_delivered(&s);
	stage_archives(&s, 20);
	nap(300);
	s.log_from = strlen(proc_log(s.daemon));
	return s;
}

/* The rows of `from` and later are in the stream, each once and in order, and so many events in the archive. */
static void end_with(struct stage *s, int from, int64_t archived)
{
	stage_delivered(s);
	stage_archives(s, archived);
	struct oracle *oracle = oracle_from_outbox(s->outbox, text("id >= %d", from));
	struct oracle_counts counts = oracle_see_stream(oracle, s->js, s->stream);
	assert_int_equal(counts.lost + counts.duplicated + counts.reordered + counts.altered, 0);
	oracle_destroy(oracle);
	stage_end(s);
}

static size_t troubles(struct stage *s)
{
	return lines_with(proc_log(s->daemon), s->log_from, "Z warning ", "") +
		lines_with(proc_log(s->daemon), s->log_from, "Z error ", "");
}

static void purge(struct stage *s, const char *how)
{
	jetstream_api(s->js, text("STREAM.PURGE.%s", s->name), how);
}

/* What was stored may go: nobody needs it, so nobody speaks of it. */
static void test_a_purge(void **state)
{
	struct stage s = begin(*state, "purge", NULL, true);

	purge(&s, "{\"seq\":11}");
	stage_emit(&s, 21, 40, 7);
	stage_archives(&s, 40);
	purge(&s, NULL);
	stage_emit(&s, 41, 60, 7);
	stage_delivered(&s);
	assert_int_equal(jetstream_last(s.js, s.name), 60);
	stage_archives(&s, 60);
	assert_int_equal(troubles(&s), 0);
	end_with(&s, 41, 60);
}

/* What was not stored is counted and named, and a person says where the sink goes on. */
static void test_a_purge_before_it_was_stored(void **state)
{
	struct stage s = begin(*state, "unread", NULL, false);

	stage_stop(&s);
	other_events(&s, 1, 10);
	purge(&s, NULL);
	stage_emit(&s, 21, 30, 7);
	stage_run(&s, NULL);
	stage_says(&s, "error", "10 events (sequence 21 to 30) were removed from stream");
	stage_last_error(&s, false, "were removed from stream");
	stage_delivered(&s);
	assert_int_equal(stage_archived(&s), 20);
	dray_expect(0, "seek", "in", "--to", "seq:31", "-c", s.config);
	end_with(&s, 21, 30);
}

static void make(struct stage *s, const char *more)
{
	jetstream_make(s->js, s->name, text("\"%s.>\"", s->name), more ? more : STAGE_WINDOW);
}

static void test_a_stream_is_deleted(void **state)
{
	struct stage s = begin(*state, "deleted", NULL, true);

	jetstream_delete(s.js, s.name);
	stage_emit(&s, 21, 40, 7);
	stage_says(&s, "warning", "out: waiting: there is no stream");
	stage_says(&s, "warning", "in: waiting: ");
	stage_last_error(&s, true, "there is no stream");
	nap(1000);
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 20);
	make(&s, NULL);
	stage_says(&s, "error", "out: stream deleted_");
	stage_says(&s, "error", "in: stream deleted_");
	stage_last_error(&s, true, "was made anew");
	stage_last_error(&s, false, "was made anew");
	stage_delivered(&s);
	assert_int_equal(stage_attempts(&s), 0);
	end_with(&s, 21, 40);
}

/* Without `stream:` nobody knows that there was one for these rows: each waits for itself. */
static void test_a_stream_is_deleted_that_was_not_named(void **state)
{
	struct stage s = begin(*state, "unnamed", NULL, false);

	jetstream_delete(s.js, s.name);
	stage_emit(&s, 21, 40, 7);
	WAIT_UNTIL(10000, stage_attempts(&s) > 0);
	stage_last_error(&s, true, "no stream listens to subject");
	make(&s, NULL);
	stage_delivered(&s);
	end_with(&s, 21, 40);
}

/* Under their eyes, and at once there again. */
static void test_a_stream_is_made_anew(void **state)
{
	struct stage s = begin(*state, "anew", NULL, true);

	for (int i = 1; i <= 3; i++) {
		jetstream_delete(s.js, s.name);
		make(&s, NULL);
		stage_emit(&s, 20 * i + 1, 20 * i + 20, 7);
		stage_delivered(&s);
		stage_archives(&s, 20 * i + 20);
	}
	stage_says(&s, "error", "out: stream anew_");
	stage_says(&s, "error", "in: stream anew_");
	assert_int_equal(stage_attempts(&s), 0);
	end_with(&s, 61, 80);
}
/*
 * Servers (2.9.10, 2.10.27; not 2.15.1) name another time of creation when a stream was changed after a restart and they are
 * restarted again. What stands in the tables is then another time than the stream's: here it is put there.
 */
static void test_a_stream_names_another_creation(void **state)
{
	struct stage s = begin(*state, "creation", NULL, true);
	const char *other = "2020-01-01T00:00:00.000000001Z";

	stage_stop(&s);
	testdb_exec(s.outbox, "UPDATE %s SET created = '%s'",
		testdb_table(s.outbox, "relay_position"), other);
	testdb_exec(s.archive, "UPDATE %s SET created = '%s'",
		testdb_table(s.archive, "sink_position"), other);
	stage_emit(&s, 21, 40, 7);
	s.log_from = strlen(proc_log(s.daemon));
	stage_run(&s, NULL);
	stage_exact(&s);
	assert_int_equal(testdb_int(s.archive, "SELECT max(epoch) FROM %s",
				 testdb_table(s.archive, "events")),
		0);
	assert_null(strstr(proc_log(s.daemon) + s.log_from, "made anew"));
	stage_end(&s);
}

static void test_a_stream_is_sealed(void **state)
{
	struct stage s = begin(*state, "sealed", NULL, true);

	jetstream_change(s.js, s.name, text("\"%s.>\"", s.name),
		"\"sealed\":true,\"discard\":\"new\",\"deny_delete\":true,\"deny_purge\":true,"
		"\"allow_rollup_hdrs\":false," STAGE_WINDOW);
	stage_emit(&s, 21, 40, 7);
	stage_says(&s, "warning", "sealed");
	stage_last_error(&s, true, "sealed");
	nap(1000);
	assert_int_equal(testdb_in_state(s.outbox, "pending"), 20);
	jetstream_delete(s.js, s.name);
	make(&s, NULL);
	stage_delivered(&s);
	assert_int_equal(stage_attempts(&s), 0);
	end_with(&s, 21, 40);
}

/* The rows wait, each for itself, since the stream takes others. */
static void test_a_stream_takes_other_subjects(void **state)
{
	struct stage s = begin(*state, "subjects", NULL, true);

	jetstream_change(s.js, s.name, "\"elsewhere.>\"", STAGE_WINDOW);
	stage_emit(&s, 21, 40, 7);
	WAIT_UNTIL(10000, stage_attempts(&s) > 0);
	stage_last_error(&s, true, "no stream listens to subject");
	jetstream_change(s.js, s.name, text("\"%s.>\"", s.name), STAGE_WINDOW);
	stage_delivered(&s);
	end_with(&s, 1, 40);
}

/* Full, and freed again: twice, by count and by size. */
static void test_a_stream_is_full(void **state)
{
	struct stage s = begin(*state, "full", "\"discard\":\"new\"," STAGE_WINDOW, true);
	char *subjects = text("\"%s.>\"", s.name);

	jetstream_change(
		s.js, s.name, subjects, "\"max_msgs\":25,\"discard\":\"new\"," STAGE_WINDOW);
	stage_emit(&s, 21, 40, 7);
	stage_says(&s, "warning", "maximum messages exceeded");
	stage_last_error(&s, true, "maximum messages exceeded");
	nap(500);
	assert_int_equal(jetstream_count(s.js, s.name), 25);
	purge(&s, "{\"seq\":21}");
	stage_delivered(&s);
	jetstream_change(
		s.js, s.name, subjects, "\"max_bytes\":4096,\"discard\":\"new\"," STAGE_WINDOW);
	stage_emit(&s, 41, 80, 7);
	stage_says(&s, "warning", "maximum bytes exceeded");
	jetstream_change(
		s.js, s.name, subjects, "\"max_bytes\":-1,\"discard\":\"new\"," STAGE_WINDOW);
	stage_delivered(&s);
	assert_int_equal(stage_attempts(&s), 0);
	end_with(&s, 21, 80);
}

/* --- consumers --- */

static char *first_consumer(struct stage *s)
{
	static const char before[] = "\"consumers\":[\"";
	char *list = NULL;

	WAIT_UNTIL(10000,
		strstr(list = jetstream_api(s->js, text("CONSUMER.NAMES.%s", s->name), NULL),
			before));
	char *name = strstr(list, before) + strlen(before);
	name[strcspn(name, "\"")] = '\0';
	return name;
}

static void delete_consumer(struct stage *s)
{
	jetstream_api(s->js, text("CONSUMER.DELETE.%s.%s", s->name, first_consumer(s)), NULL);
}

static void test_a_consumer_is_deleted(void **state)
{
	struct stage s = begin(*state, "consumer", NULL, true);

	for (int i = 1; i <= 3; i++) {
		delete_consumer(&s);
		stage_emit(&s, 20 * i + 1, 20 * i + 20, 7);
		stage_archives(&s, 20 * i + 20);
	}
	stage_exact(&s);
	stage_end(&s);
}

/* A durable that gives something else may not be used: it would acknowledge what is not stored. */
static void test_a_durable_is_another_one(void **state)
{
	struct stage s =
		begin(*state, "durable", "\"retention\":\"workqueue\"," STAGE_WINDOW, true);
	char *durable = first_consumer(&s);

	delete_consumer(&s);
	stage_emit(&s, 21, 40, 7);
	stage_archives(&s, 40); /* made again */
	delete_consumer(&s);
	jetstream_api(s.js, text("CONSUMER.DURABLE.CREATE.%s.%s", s.name, durable),
		text("{\"stream_name\":\"%s\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":"
		     "\"explicit\",\"filter_subject\":\"%s.e1\"}}",
			s.name, durable, s.name));
	stage_emit(&s, 41, 60, 7);
	stage_delivered(&s);
	stage_says(&s, "warning", "cannot be used: it filters other subjects");
	stage_last_error(&s, false, "cannot be used");
	assert_int_equal(stage_archived(&s), 40);
	delete_consumer(&s);
	stage_archives(&s, 60);
	WAIT_UNTIL(20000, jetstream_count(s.js, s.name) == 0);
	oracle_require(stage_count_archive(&s));
	stage_end(&s);
}

/*
 * A server that could not write an empty stream's file begins at sequence 1 again, and its durable still stands where it
 * stood: it would give nothing.
 */
static void test_a_durable_stands_beyond_the_end(void **state)
{
	struct stage s = begin(*state, "beyond", "\"retention\":\"workqueue\"," STAGE_WINDOW, true);

	WAIT_UNTIL(20000, jetstream_count(s.js, s.name) == 0);
	stage_stop(&s);
	nats_server_end(&nats);
	stage_remove(text("%s/jetstream/$G/streams/%s/msgs", nats.folder, s.name));
	nats_server_again(&nats);
	reopen(&s);
	assert_int_equal(jetstream_last(s.js, s.name), 0);
	s.log_from = strlen(proc_log(s.daemon));
	stage_run(&s, NULL);
	stage_emit(&s, 21, 30, 7);
	archive_is_whole(&s, 30, 10);
	WAIT_UNTIL(10000, jetstream_count(s.js, s.name) == 0);
	stage_end(&s);
}

/* What runs always, and what runs where the long runs are asked for. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_a_stream_loses_its_end, "postgres"),
		FOR_ONE(test_a_stream_loses_its_end_unseen, "sqlite"),
		FOR_ONE(test_a_workqueue_loses_its_end_unseen, "sqlite"),
		FOR_ONE(test_a_stream_is_made_anew, "postgres"),
		FOR_ONE(test_a_stream_names_another_creation, "sqlite"),
		FOR_ONE(test_a_stream_is_full, "sqlite"),
		FOR_ONE(test_a_consumer_is_deleted, "postgres"),
		FOR_ONE(test_a_durable_stands_beyond_the_end, "sqlite"),
	};
	const struct CMUnitTest more[] = {
		FOR_ONE(test_a_stream_loses_its_end, "sqlite"),
		FOR_ONE(test_a_stream_loses_its_end_unseen, "postgres"),
		FOR_ONE(test_a_workqueue_loses_its_end_unseen, "postgres"),
		FOR_BOTH(test_a_purge),
		FOR_BOTH(test_a_purge_before_it_was_stored),
		FOR_BOTH(test_a_stream_is_deleted),
		FOR_BOTH(test_a_stream_is_deleted_that_was_not_named),
		FOR_ONE(test_a_stream_is_made_anew, "sqlite"),
		FOR_ONE(test_a_stream_names_another_creation, "postgres"),
		FOR_BOTH(test_a_stream_is_sealed),
		FOR_BOTH(test_a_stream_takes_other_subjects),
		FOR_ONE(test_a_stream_is_full, "postgres"),
		FOR_ONE(test_a_consumer_is_deleted, "sqlite"),
		FOR_BOTH(test_a_durable_is_another_one),
		FOR_ONE(test_a_durable_stands_beyond_the_end, "postgres"),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("stream faults", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("stream faults, more", more, NULL, NULL);
	return failed;
}
