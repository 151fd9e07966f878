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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_a_stream_loses_its_end),
		FOR_BOTH(test_a_stream_loses_its_end_unseen),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("stream faults", tests, fixture_start, NULL);
}
