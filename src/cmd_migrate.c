/* dray migrate: the tables of every database of the config, or of one; then the streams. */
#include "cmd.h"

#include <stdio.h>

#include "base/findings.h"
#include "cmd_common.h"
#include "config_secret.h"

struct work {
	const struct cli *cli;
	json_t *tables, *streams;
	int status;
};

static void failed(struct work *work, const struct error *err)
{
	work->status = findings_worse_status(work->status, cli_fail(work->cli, err));
}

static void say_table(struct work *work, const char *label, const char *table,
	const struct migrate_report *report)
{
	if (work->cli->json) {
		json_array_append_new(work->tables,
			json_pack("{so ss si sb}", "database", cmd_json_text(label), "table", table,
				"applied", report->applied, "switched_to_wal",
				report->switched_to_wal));
		return;
	}
	if (report->switched_to_wal)
		printf("%s: switched to WAL, which stays with the file\n", label);
	if (report->applied)
		printf("%s: %s: %d migration%s applied\n", label, table, report->applied,
			report->applied == 1 ? "" : "s");
	else
		printf("%s: %s: up to date\n", label, table);
}

/* table NULL: what Dray keeps beside a table that it did not make. */
static void migrate(
	struct work *work, const char *url, enum migrate_target target, const char *table)
{
	struct migrate_report report;
	struct error err = { 0 };
	struct buf label = { 0 };

	config_hide_secrets(url, &label);
	if (cmd_migrate_table(url, target, table, &report, &err))
		say_table(work, label.data, table ? table : "what Dray keeps beside", &report);
	else
		failed(work, &err);
	buf_finish(&label);
}

static void say_stream(struct work *work, const char *name, bool made)
{
	if (work->cli->json)
		json_array_append_new(
			work->streams, json_pack("{ss sb}", "stream", name, "made", made));
	else
		printf("stream %s: %s\n", name, made ? "made" : "is there");
}

static void make_streams(struct work *work, const struct config *config)
{
	struct error err = { 0 };
	struct link *link = config->stream_count ? cmd_connect(config, &err) : NULL;
	bool made;

	if (config->stream_count && !link)
		failed(work, &err);
	for (size_t i = 0; link && i < config->stream_count; i++) {
		if (cmd_make_stream(link, &config->streams[i], &made, &err))
			say_stream(work, config->streams[i].name, made);
		else
			failed(work, &err);
	}
	link_destroy(link);
}

/* Its archives; what is kept beside other tables comes with them. */
static void migrate_sink(struct work *work, const struct config_sink *sink)
{
	size_t count, archives = 0;
	const struct config_table *tables = config_tables(sink, &count);

	for (size_t i = 0; i < count; i++)
		if (tables[i].mode == SINK_ARCHIVE) {
			migrate(work, sink->database, MIGRATE_EVENTS, tables[i].table);
			archives++;
		}
	if (archives == 0)
		migrate(work, sink->database, MIGRATE_EVENTS, NULL);
}

static void migrate_config(struct work *work)
{
	struct config *config = cli_config(work->cli, true, &work->status);

	if (!config)
		return;
	for (size_t i = 0; i < config->relay_count; i++) {
		const struct config_relay *relay = &config->relays[i];
		bool own = !relay->borrowed.id;
		migrate(work, relay->database, own ? MIGRATE_OUTBOX : MIGRATE_CORE,
			own ? relay->table : NULL);
	}
	for (size_t i = 0; i < config->sink_count; i++)
		migrate_sink(work, &config->sinks[i]);
	make_streams(work, config);
	config_destroy(config);
}

/* Without a config both of Dray's tables are made, by their own names. */
static void migrate_database(struct work *work, const char *url)
{
	struct error err = { 0 };
	enum db_kind kind;

	if (!cmd_check_database(url, &kind, &err)) {
		failed(work, &err);
		return;
	}
	migrate(work, url, MIGRATE_OUTBOX, kind == DB_SQLITE ? "dray_outbox" : "dray.outbox");
	if (work->status == 0)
		migrate(work, url, MIGRATE_EVENTS,
			kind == DB_SQLITE ? "dray_events" : "dray.events");
}

int cmd_migrate(const struct cli *cli)
{
	struct work work = { cli, json_array(), json_array(), 0 };

	if (cli->argument_count)
		migrate_database(&work, cli->arguments[0]);
	else
		migrate_config(&work);
	json_t *result = json_pack("{so so}", "tables", work.tables, "streams", work.streams);
	if (cli->json && (work.status == 0 || json_array_size(work.tables) > 0))
		cmd_print_json(json_incref(result));
	json_decref(result);
	return work.status;
}
