/* Runs dray on rows or on a stream, to the last row, and watches its memory. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS	      20
#define FIRST_LOOK_MS 2

/*
 * The highest pending row. Asked downwards, since the index still holds what was settled before it. Where there is
 * none, PostgreSQL goes through all that was settled.
 */
static const struct question pending = {
	"SELECT id FROM dray_outbox WHERE state = 'pending' AND state <> 'delivered' "
	"ORDER BY id DESC LIMIT 1",
	"SELECT id FROM dray.outbox WHERE state = 'pending' ORDER BY id DESC LIMIT 1"
};
static const struct question position = { "SELECT max(seq) FROM dray_sink_position",
	"SELECT max(seq) FROM dray.sink_position" };

/* A snapshot that keeps vacuum and checkpoints away from whatever is settled after it. */
static void hold_snapshot(const struct options *options, struct any_db *db)
{
	static const struct question any_row = { "SELECT count(*) FROM dray_schema_version",
		"SELECT count(*) FROM dray.schema_version" };

	*db = any_connect(options->database);
	any_do(db, "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ");
	any_int(db, &any_row);
}

/*
 * Until the question's answer is the wanted one. Gives the time when that was asked: it was so by then, and the look
 * itself is nobody's work.
 */
static int64_t watch(struct child *child, struct any_db *db, const struct question *question,
	int64_t wanted, const struct options *options)
{
	int64_t asked = now_ns(), end = asked + options->limit_s * 1000000000;

	while (any_int(db, question) != wanted) {
		child_look(child);
		if (now_ns() > end)
			die("%s: not done within %lld s", options->label,
				(long long)options->limit_s);
		nap_ms(LOOK_MS);
		asked = now_ns();
	}
	return asked;
}

static void say(const struct child *child, int64_t rows, int64_t ns)
{
	figure("rows", (double)rows);
	figure("seconds", (double)ns / 1e9);
	child_say(child);
}

/*
 * The first look that found rows at the far end. What comes from then on is counted, since the floors too are connected
 * and prepared when their time begins.
 */
struct start {
	int64_t ns, rows;
	double cpu_s;
};

static struct start wait_for_first(struct child *child, const struct options *options,
	int64_t (*count)(void *context), void *context)
{
	int64_t rows;

	while ((rows = count(context)) <= 0) {
		child_look(child);
		if (now_ns() > child->started_ns + options->limit_s * 1000000000)
			die("%s: nothing within %lld s", options->label,
				(long long)options->limit_s);
		nap_ms(FIRST_LOOK_MS);
	}
	if (rows >= options->rows)
		die("%s: over before it was looked at", options->label);
	return (struct start){ now_ns(), rows, process_cpu(child->pid) };
}

/* Ends the process and says what it did between the two times. */
static void end(struct child *child, const struct start *start, int64_t end_ns,
	const struct options *options)
{
	double cpu_s = process_cpu(child->pid) - start->cpu_s;

	child_end(child);
	child->cpu_s = cpu_s;
	say(child, options->rows - start->rows, end_ns - start->ns);
}

static void say_start(const struct child *child, const struct start *start)
{
	figure("start_s", (double)(start->ns - child->started_ns) / 1e9);
}

/* What the stream holds is what was asked for, no more and no less. */
static void check_stream(const struct options *options)
{
	natsConnection *nc = nats_connect(options->nats, false);
	int64_t messages = stream_messages(nc);

	if (messages != options->rows + options->earlier)
		die("%s: the stream holds %lld messages, not %lld", options->label,
			(long long)messages, (long long)(options->rows + options->earlier));
	natsConnection_Destroy(nc);
}

static int64_t count_messages(void *nc)
{
	return stream_messages(nc);
}

int cmd_relay(const struct options *options)
{
	struct any_db db = any_connect(options->database), snapshot = { 0 };
	natsConnection *nc = nats_connect(options->nats, false);
	struct child dray;

	stream_make(options);
	if (options->snapshot)
		hold_snapshot(options, &snapshot);
	child_start(&dray, options->command);
	struct start start = wait_for_first(&dray, options, count_messages, nc);
	int64_t end_ns = watch(&dray, &db, &pending, 0, options);
	end(&dray, &start, end_ns, options);
	say_start(&dray, &start);
	check_stream(options);
	natsConnection_Destroy(nc);
	any_close(&snapshot);
	any_close(&db);
	return 0;
}

/*
 * A relay that has settled what was there (`earlier` rows), or is past those that it cannot settle (state
 * held: cmd_behind); then rows are inserted, and it is seen how fast those go.
 */
int cmd_more(const struct options *options)
{
	struct any_db db = any_connect(options->database), snapshot = { 0 };
	struct child dray;
	struct options one = *options;

	one.state = "pending";
	stream_make(options);
	if (options->snapshot)
		hold_snapshot(options, &snapshot);
	int64_t held = strcmp(options->state, "held") == 0 ? any_int(&db, &pending)
							   : 0; /* the last of them */
	child_start(&dray, options->command);
	one.rows = 1;
	fill(&one);
	watch(&dray, &db, &pending, held, options);
	one.rows = options->rows;
	fill(&one);
	struct start start = { now_ns(), 0, process_cpu(dray.pid) };
	int64_t end_ns = watch(&dray, &db, &pending, held, options);
	end(&dray, &start, end_ns, options);
	any_close(&snapshot);
	any_close(&db);
	return 0;
}

/* How many rows a sink's table has to hold in the end: `rows` events of `keys` keys. */
static void check_stored(const struct options *options, struct any_db *db)
{
	static const struct question archive = { "SELECT count(*) FROM dray_events",
		"SELECT count(*) FROM dray.events" };
	static const struct question insert = { "SELECT count(*) FROM bench_insert",
		"SELECT count(*) FROM bench_insert" };
	static const struct question upsert = { "SELECT count(*) FROM bench_upsert",
		"SELECT count(*) FROM bench_upsert" };
	bool upserts = strcmp(options->mode, "upsert") == 0;
	int64_t wanted = upserts && options->keys < options->rows ? options->keys : options->rows;
	int64_t count = any_int(db,
		upserts					       ? &upsert
			: strcmp(options->mode, "insert") == 0 ? &insert
							       : &archive);

	if (count != wanted)
		die("%s: %lld rows are stored, not %lld", options->label, (long long)count,
			(long long)wanted);
}

static int64_t count_stored(void *db)
{
	return any_int(db, &position);
}

int cmd_sink(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	struct child dray;

	child_start(&dray, options->command);
	struct start start = wait_for_first(&dray, options, count_stored, &db);
	int64_t end_ns = watch(&dray, &db, &position, options->rows, options);
	end(&dray, &start, end_ns, options);
	say_start(&dray, &start);
	check_stored(options, &db);
	any_close(&db);
	return 0;
}
