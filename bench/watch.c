/* Runs dray on rows or on a stream, from the start of its process to the last row, and watches its memory. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS 20

struct question {
	const char *sqlite, *pg;
};

/* The highest pending row. Asked downwards, since the index still holds what was settled before it. */
static const struct question pending = {
	"SELECT id FROM dray_outbox WHERE state = 'pending' AND state <> 'delivered' "
	"ORDER BY id DESC LIMIT 1",
	"SELECT id FROM dray.outbox WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
};
static const struct question delivered = {
	"SELECT count(*) FROM dray_outbox WHERE state = 'delivered'",
	"SELECT count(*) FROM dray.outbox WHERE state = 'delivered'"
};
static const struct question position = { "SELECT max(seq) FROM dray_sink_position",
	"SELECT max(seq) FROM dray.sink_position" };
static const struct question stored = { "SELECT count(*) FROM dray_events",
	"SELECT count(*) FROM dray.events" };

static int64_t ask(struct any_db *db, const struct question *question)
{
	return any_int(db, question->sqlite, question->pg);
}

/* Until the question's answer is the wanted one. */
static void watch(struct child *child, struct any_db *db, const struct question *question,
	int64_t wanted, const struct options *options)
{
	int64_t end = now_ns() + options->limit_s * 1000000000;

	while (ask(db, question) != wanted) {
		child_look(child);
		if (now_ns() > end)
			die("%s: not done within %lld s", options->label,
				(long long)options->limit_s);
		nap_ms(LOOK_MS);
	}
}

static void say(const struct options *options, const struct child *child, int64_t rows, int64_t ns)
{
	printf("%s,%lld,%.4f,%.3f,%lld,%lld\n", options->label, (long long)rows, (double)ns / 1e9,
		child->cpu_s, (long long)child->rss_anon, (long long)child->vm_hwm);
}

int cmd_relay(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	struct child dray;

	if (options->nats)
		stream_make(options->nats);
	child_start(&dray, options->command);
	watch(&dray, &db, &pending, 0, options);
	int64_t took = now_ns() - dray.started_ns;
	child_end(&dray);
	int64_t count = ask(&db, &delivered);
	if (count != options->rows)
		die("%lld rows are delivered, not %lld", (long long)count,
			(long long)options->rows);
	say(options, &dray, count, took);
	any_close(&db);
	return 0;
}

int cmd_sink(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	struct child dray;

	child_start(&dray, options->command);
	watch(&dray, &db, &position, options->rows, options);
	int64_t took = now_ns() - dray.started_ns;
	child_end(&dray);
	if (ask(&db, &stored) != options->rows)
		die("%lld events are stored, not %lld", (long long)ask(&db, &stored),
			(long long)options->rows);
	say(options, &dray, options->rows, took);
	any_close(&db);
	return 0;
}

/*
 * Many rows behind a failing key are there already (cmd_behind). Once the relay is past them, rows of
 * other keys are inserted, and it is seen how fast those go.
 */
int cmd_hold(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	struct child dray;
	struct options few = *options;

	stream_make(options->nats);
	int64_t held = ask(&db, &pending); /* the last of them */
	child_start(&dray, options->command);
	few.rows = 1;
	fill(&few);
	watch(&dray, &db, &pending, held, options);
	int64_t past = now_ns() - dray.started_ns;
	fill(options);
	int64_t began = now_ns();
	watch(&dray, &db, &pending, held, options);
	int64_t took = now_ns() - began;
	child_end(&dray);
	fprintf(stderr, "%s: past the held rows after %.1f s\n", options->label,
		(double)past / 1e9);
	say(options, &dray, options->rows, took);
	any_close(&db);
	return 0;
}
