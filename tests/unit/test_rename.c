/* The new names of events that are published again. */
#include "support/common.h"

#include "history/rename.h"

static struct batch *one(const char *id, const char *subject)
{
	struct batch *batch = batch_create(1);

	batch_add(batch,
		&(struct row){ .event = { .id = slice_of(id), .subject = slice_of(subject) } });
	return batch;
}

static char *subject_of(const char *to, const char *subject)
{
	const struct config_list closed = { 0 };
	const struct rename rename = { "RUN", to, &closed };
	struct batch *batch = one("id-1", subject);

	assert_true(rename_rows(&rename, batch, NULL));
	const struct event *event = &batch->rows[0]->event;
	assert_true(slice_is(event->id, "id-1.RUN"));
	assert_true(slice_is(event->replay, "RUN"));
	char *text = text_bytes(event->subject.data, event->subject.size);
	batch_destroy(batch);
	return text;
}

static void a_subject_goes_where_it_is_named(void **state)
{
	(void)state;
	assert_string_equal(subject_of("{subject}", "a.b"), "a.b");
	assert_string_equal(subject_of("replay.{subject}", "a.b"), "replay.a.b");
	assert_string_equal(subject_of("x.{subject}.y", "a.b"), "x.a.b.y");
	assert_string_equal(subject_of("all", "a.b"), "all");
	assert_string_equal(subject_of("x.{subject}", ""), "x.");
}

/* What counts is the subject that it would get. */
static void a_closed_stream_gets_nothing(void **state)
{
	char *patterns[] = { (char *)(uintptr_t)"whole.>" };
	const struct config_list closed = { patterns, 1 };
	const struct rename there = { "RUN", "whole.{subject}", &closed };
	const struct rename away = { "RUN", "other.{subject}", &closed };
	struct batch *batch = one("1", "a"), *own = one("2", "whole.a");
	struct error err = { 0 };

	(void)state;
	assert_false(rename_rows(&there, batch, &err));
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_contains(err.text, "whole.a");
	assert_true(rename_rows(&away, own, &err));
	batch_destroy(batch);
	batch_destroy(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subject_goes_where_it_is_named),
		cmocka_unit_test(a_closed_stream_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
