/* dray replay: events of an outbox or an archive into NATS again. */
#include "cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cmd_common.h"
#include "cmd_history.h"
#include "config_check.h"
#include "config_secret.h"
#include "history/replay.h"
#include "nats/stream.h"

#define SAMPLE 10

struct work {
	const struct cli *cli;
	struct config *config;
	struct run run;
	const char *database; /* the URL */
	const struct config_relay *like;
	struct config_list closed;
	int64_t shown_ms, before; /* when the progress began, and with how many */
};

static const char *const states[] = { "pending", "delivered", "dead", "all", NULL };

static bool parse_state(const char *text, char **which, struct error *err)
{
	for (size_t i = 0; states[i]; i++)
		if (strcmp(text, states[i]) == 0) {
			*which = strcmp(text, "all") == 0 ? NULL : memory_text(text);
			return true;
		}
	return error_set(
		err, ERROR_USAGE, "--state %.40s: it is pending, delivered, dead or all", text);
}

static bool parse_rate(const struct cli *cli, int64_t *rate, struct error *err)
{
	char *end;

	if (!cli->rate)
		return true;
	*rate = strtoll(cli->rate, &end, 10);
	return (end != cli->rate && !*end && *rate >= 0 && *rate <= 100000000) ||
		error_set(err, ERROR_USAGE,
			"--rate: \"%.40s\" is not a whole number of events a second; 0: as fast as it goes",
			cli->rate);
}

/* With a word in place of {subject}, the subject must be one that can be published. */
static bool check_to(const char *to, struct error *err)
{
	const char *at = strstr(to, "{subject}");
	char *subject = memory_format("%.*s%s%s", (int)(at ? (size_t)(at - to) : strlen(to)), to,
		at ? "a" : "", at ? at + strlen("{subject}") : "");
	bool ok = event_check_subject(slice_of(subject), err) && !strpbrk(subject, "{}");

	free(subject);
	return ok ||
		error_set(err, ERROR_USAGE,
			"--to %.80s: it is a subject, with {subject} for the event's own, such as "
			"replay.{subject}",
			to);
}

static bool parse_filter(const struct cli *cli, struct run *run, struct error *err)
{
	struct source_filter *filter = &run->filter;

	if (cli->since && !cmd_parse_when(cli->since, &filter->low, &filter->since, err))
		return error_prefix(err, "--since");
	if (cli->until && !cmd_parse_when(cli->until, &filter->high, &filter->before, err))
		return error_prefix(err, "--until");
	if (cli->subject && !check_subject_pattern(cli->subject, err))
		return error_prefix(err, "--subject");
	if (cli->key && !event_check_key(slice_of(cli->key), err)) {
		err->kind = ERROR_USAGE;
		return error_prefix(err, "--key");
	}
	filter->subject = memory_text(cli->subject);
	filter->key = memory_text(cli->key);
	run->to = memory_text(cli->to ? cli->to : "{subject}");
	run->stream = memory_text(cli->stream);
	if (cli->stream && !check_stream_name(cli->stream, err))
		return error_prefix(err, "--stream");
	return check_to(run->to, err);
}

static const struct config_relay *relay_named(const struct config *config, const char *name)
{
	for (size_t i = 0; name && i < config->relay_count; i++)
		if (strcmp(config->relays[i].name, name) == 0)
			return &config->relays[i];
	return NULL;
}

static const struct config_sink *sink_named(const struct config *config, const char *name)
{
	for (size_t i = 0; name && i < config->sink_count; i++)
		if (strcmp(config->sinks[i].name, name) == 0)
			return &config->sinks[i];
	return NULL;
}

static bool use_database(struct work *work, const char *url, const char *table, struct error *err)
{
	struct buf shown = { 0 };
	enum db_kind kind;

	if (!cmd_check_database(url, &kind, err))
		return error_prefix(err, "--database");
	work->database = url;
	config_hide_secrets(url, &shown);
	if (work->run.place && strcmp(work->run.place, shown.data) != 0)
		error_set(err, ERROR_USAGE, "the replay reads %.200s, not %.200s", work->run.place,
			shown.data);
	bool ok = !work->run.place || strcmp(work->run.place, shown.data) == 0;
	free(work->run.place);
	work->run.place = shown.data;
	if (!work->run.table)
		work->run.table = memory_text(table ? table
				: kind == DB_SQLITE ? "dray_outbox"
						    : "dray.outbox");
	if (!config_has_secrets(url) && !work->run.database)
		work->run.database = memory_text(url);
	return ok;
}

/* The archive among a sink's tables; NULL: it has none, or several. */
static const char *archive_of(const struct config_sink *sink)
{
	size_t count;
	const struct config_table *tables = config_tables(sink, &count);
	const char *archive = NULL;

	if (count == 1)
		return tables[0].table;
	for (size_t i = 0; i < count; i++) {
		if (tables[i].mode != SINK_ARCHIVE)
			continue;
		if (archive)
			return NULL;
		archive = tables[i].table;
	}
	return archive;
}

/* A relay's outbox or a sink's archive. */
static bool use_pipeline(struct work *work, const char *name, struct error *err)
{
	const struct config *config = work->config;
	const struct config_relay *relay = relay_named(config, name);
	const struct config_sink *sink = sink_named(config, name);

	if (!name && config->relay_count + config->sink_count == 1) {
		relay = config->relay_count ? &config->relays[0] : NULL;
		sink = config->sink_count ? &config->sinks[0] : NULL;
	}
	if (relay && sink)
		return error_set(err, ERROR_USAGE,
			"a relay and a sink are called \"%.80s\"; name the one's database with "
			"--database and its table with --table",
			name);
	if (!relay && !sink)
		return error_set(err, ERROR_USAGE,
			name ? "the config has no relay and no sink \"%.80s\""
			     : "say whose table with --pipeline NAME, or name a database with --database",
			name);
	if (relay && relay->borrowed.id && !work->cli->table)
		return error_set(err, ERROR_USAGE,
			"relay %s has a table that Dray did not make: name an archive of its events",
			relay->name);
	if (sink && !relay && !work->cli->table && !archive_of(sink))
		return error_set(err, ERROR_USAGE,
			"sink %s has several tables: name the archive among them with --table",
			sink->name);
	work->like = relay;
	free(work->run.relay);
	work->run.relay = memory_text(relay ? relay->name : sink->name);
	if (sink && !relay && !work->run.filter.which)
		work->run.filter.which = memory_text(sink->stream);
	return use_database(work, relay ? relay->database : sink->database,
		work->cli->table ? work->cli->table
			: relay	 ? relay->table
				 : archive_of(sink),
		err);
}

static bool names_its_table(const struct work *work, struct error *err)
{
	const struct run *run = &work->run;

	return work->cli->database || run->database || run->relay ||
		error_set(err, ERROR_USAGE,
			"the replay reads %.200s, and its URL holds a secret: give it with --database",
			run->place);
}

static bool find_table(struct work *work, struct error *err)
{
	const struct cli *cli = work->cli;
	const char *database = cli->database ? cli->database : work->run.database;

	if (cli->database || (database && !work->run.relay))
		return use_database(work, database, cli->table, err);
	return use_pipeline(work, work->run.relay ? work->run.relay : cli->pipeline, err);
}

/* What the kind of the table asks for. */
static bool find_which(struct work *work, struct db *db, struct error *err)
{
	const struct cli *cli = work->cli;
	struct run *run = &work->run;
	char **which = &run->filter.which;

	if (!source_find_kind(db, run->table, &run->kind, err))
		return false;
	if (run->kind == SOURCE_OUTBOX && cli->source)
		return error_set(err, ERROR_USAGE, "--source is for an archive; %s is an outbox",
			run->table);
	if (run->kind == SOURCE_OUTBOX)
		return parse_state(cli->state ? cli->state : "delivered", which, err);
	if (cli->state)
		return error_set(
			err, ERROR_USAGE, "--state is for an outbox; %s is an archive", run->table);
	if (cli->source) {
		free(*which);
		*which = memory_text(cli->source);
	}
	return *which || source_find_stream(db, run->table, which, err);
}

static bool count(struct work *work, struct db *db, struct error *err)
{
	struct run *run = &work->run;
	const struct source source = { run->kind, run->table, &run->filter };
	struct source_counts counts;

	if (!source_count(db, &source, INT64_MIN, INT64_MAX, &counts, err))
		return false;
	run->total = counts.rows;
	run->until = counts.last;
	return true;
}

static void print_sample(const struct work *work, const struct batch *batch)
{
	const struct run *run = &work->run;
	json_t *list = json_array();

	for (size_t i = 0; i < batch->count; i++) {
		const struct event *event = &batch->rows[i]->event;
		char *id = memory_copy(event->id.data, event->id.size);
		char *subject = memory_copy(event->subject.data, event->subject.size);
		if (work->cli->json)
			json_array_append_new(list,
				json_pack("{sI so so sI}", "id", (json_int_t)batch->rows[i]->id,
					"event_id", cmd_json_text(id), "subject",
					cmd_json_text(subject), "bytes",
					(json_int_t)event->payload.size));
		else
			printf("%12" PRId64 "  %-36s  %s, %zu bytes\n", batch->rows[i]->id, id,
				subject, event->payload.size);
		free(id);
		free(subject);
	}
	if (work->cli->json)
		cmd_print_json(json_pack("{sI ss so}", "events", (json_int_t)run->total, "to",
			run->to, "sample", list));
	else
		json_decref(list);
}

static bool dry_run(struct work *work, struct db *db, struct error *err)
{
	struct run *run = &work->run;
	const struct source source = { run->kind, run->table, &run->filter };
	struct batch *batch;

	if (!source_read(db, &source, INT64_MIN, run->until, SAMPLE, INT64_MAX / 2, &batch, err))
		return false;
	if (!work->cli->json)
		printf("%" PRId64 " events of %s would be published to %s%s\n", run->total,
			run->table, run->to, run->total ? "; the first of them:" : "");
	print_sample(work, batch);
	batch_destroy(batch);
	return true;
}

static void show(void *context, const struct run *run)
{
	struct work *work = context;

	cmd_progress("replayed", run->done, run->total, work->shown_ms, work->before);
}

/* Streams that the config's relays fill in the order of the whole are closed to others. */
static bool find_closed(struct work *work, struct error *err)
{
	struct link *link = cmd_connect(work->config, err);
	struct stream_info info;
	bool ok = link != NULL;

	for (size_t i = 0; ok && i < work->config->relay_count; i++) {
		const struct config_relay *relay = &work->config->relays[i];
		if (relay->ordering != ORDERING_STREAM ||
			!stream_get_info(link, relay->stream, &info, NULL, NULL))
			continue;
		struct config_list *closed = &work->closed;
		closed->items = memory_grow(
			closed->items, (closed->count + info.subjects.count + 1) * sizeof(char *));
		for (size_t j = 0; j < info.subjects.count; j++)
			closed->items[closed->count++] = memory_text(info.subjects.items[j]);
		stream_info_finish(&info);
	}
	link_destroy(link);
	return ok;
}

static void say_end(const struct work *work, bool complete)
{
	const struct run *run = &work->run;

	if (work->cli->json) {
		cmd_print_json(json_pack("{ss sI sI sI so}", "run", run->name, "events",
			(json_int_t)run->total, "done", (json_int_t)run->done, "refused",
			(json_int_t)run->refused, "resume",
			complete ? json_null() : cmd_json_text(run->file)));
		return;
	}
	printf("%" PRId64 " of %" PRId64 " events replayed as %s", run->done - run->refused,
		run->total, run->name);
	if (run->refused)
		printf(", %" PRId64 " refused", run->refused);
	printf("\n");
	if (!complete)
		printf("go on with: dray replay --resume %s\n", run->file);
}

static bool publish(struct work *work, bool *complete, struct error *err)
{
	struct stop stop;
	struct replay_options options = { .config = work->config,
		.database = work->database,
		.like = work->like,
		.progress = cmd_shows_progress(work->cli) ? show : NULL,
		.context = work };

	if (!stop_init(&stop))
		return error_set(err, ERROR_INTERNAL, "no descriptors left");
	cmd_stop_on_signals(&stop);
	work->shown_ms = clock_now_ms();
	work->before = work->run.done;
	bool ok = find_closed(work, err);
	if (ok) {
		options.closed = work->closed;
		ok = run_save(&work->run, err) && replay_run(&work->run, &options, &stop, err);
		if (options.progress)
			cmd_end_progress();
		*complete = ok && work->run.complete;
		say_end(work, *complete);
		if (*complete)
			run_remove(&work->run);
		if (*complete && work->run.refused > 0)
			ok = error_set(err, ERROR_REJECTED,
				"%" PRId64 " events were refused: see above", work->run.refused);
	}
	return ok;
}

static bool begin(struct work *work, bool *complete, struct error *err)
{
	struct run *run = &work->run;
	struct db *db = NULL;

	run_init(run);
	run->file = work->cli->file ? memory_text(work->cli->file)
				    : memory_format("dray-replay-%s.json", run->name);
	bool ok = parse_filter(work->cli, run, err) && parse_rate(work->cli, &run->rate, err) &&
		find_table(work, err) && (db = cmd_open(work->database, false, err)) &&
		source_open(db, err) && find_which(work, db, err) && count(work, db, err);
	if (ok && work->cli->dry_run)
		ok = dry_run(work, db, err);
	db_destroy(db);
	*complete = true;
	return ok && (work->cli->dry_run || publish(work, complete, err));
}

/* Everything but the rate was said when it began. */
static bool go_on(struct work *work, bool *complete, struct error *err)
{
	const struct cli *cli = work->cli;

	run_init(&work->run);
	if (cli->since || cli->until || cli->subject || cli->key || cli->state || cli->source ||
		cli->to || cli->stream || cli->table || cli->dry_run || cli->file)
		return error_set(err, ERROR_USAGE,
			"--resume goes on with what was asked for at first; beside it only "
			"--rate, --database, --nats and -c can be given");
	return run_load(&work->run, cli->resume, err) && parse_rate(cli, &work->run.rate, err) &&
		names_its_table(work, err) && find_table(work, err) && publish(work, complete, err);
}

int cmd_replay(const struct cli *cli)
{
	struct work work = { .cli = cli };
	struct error err = { 0 };
	bool complete = false;
	int status = 0;

	work.config = cli_config(cli, !cli->database && !cli->resume, &status);
	if (!work.config)
		return status;
	cli_setup_log(cli, work.config);
	bool ok = (cli->resume ? go_on : begin)(&work, &complete, &err);
	status = !ok ? cli_fail(cli, &err) : complete ? 0 : 1;
	run_finish(&work.run);
	for (size_t i = 0; i < work.closed.count; i++)
		free(work.closed.items[i]);
	free(work.closed.items);
	config_destroy(work.config);
	return status;
}
