/* dray ddl: the table and the columns that a sample of a stream suggests. It changes nothing. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "cmd_common.h"
#include "cmd_pipeline.h"
#include "sink/ddl.h"
#include "sink/suggest.h"

/* One table of the sink. */
struct ddl {
	struct config_sink *sink;
	struct config_table *config;
	size_t at; /* which of them */
	enum db_kind kind;
	const char *table;
	struct sample sample;
	bool left_out;
	struct buf sql, yaml;
};

static struct config_sink *find(const struct cli *cli, struct config *config, struct error *err)
{
	if (cli->argument_count == 0) {
		error_set(
			err, ERROR_USAGE, "name a sink of the config, or --database and --stream");
		return NULL;
	}
	for (size_t i = 0; i < config->sink_count; i++)
		if (strcmp(config->sinks[i].name, cli->arguments[0]) == 0)
			return &config->sinks[i];
	error_set(err, ERROR_USAGE, "the config has no sink \"%.80s\"", cli->arguments[0]);
	return NULL;
}

/* Without a config: --stream, perhaps --table, and settings by --set. */
static struct config_sink *make(const struct cli *cli, struct config *config, struct error *err)
{
	if (cli->argument_count > 0 || !cli->stream) {
		error_set(err, ERROR_USAGE,
			"with --database, name the stream: dray ddl --database DATABASE --stream NAME");
		return NULL;
	}
	struct config_sink *sink = config_add_sink(config, "", cli->database, "");
	bool ok = config_set(sink, "sink", "stream", cli->stream, err) &&
		(!cli->subjects || config_set(sink, "sink", "subjects", cli->subjects, err)) &&
		cmd_pipeline_set(cli, config, sink, "sink", err);
	return ok ? sink : NULL;
}

/* An archive has a table of its own: what is suggested is one beside it. */
static const char *table_of(const struct config_table *config)
{
	if (config->table && config->mode != SINK_ARCHIVE)
		return config->table;
	return config->table && strstr(config->table, "dray") != config->table ? config->table
									       : "events";
}

static bool check_key(const struct ddl *ddl, struct error *err)
{
	for (size_t i = 0; i < ddl->config->key.count; i++)
		if (!columns_find(&ddl->config->columns, ddl->config->key.items[i]))
			return error_set(err, ERROR_USAGE,
				"key: the sample has nothing for a column \"%.80s\"",
				ddl->config->key.items[i]);
	return true;
}

static bool is_one_of_several(const struct ddl *ddl)
{
	return ddl->sink->table_count > 0;
}

static void print_text(const struct ddl *ddl)
{
	const struct sample *sample = &ddl->sample;
	size_t not_json = sample_not_json(sample);

	printf("%s-- After %zu events of stream %s.\n", ddl->at > 0 ? "\n" : "", sample->seen,
		ddl->sink->stream);
	if (not_json > 0)
		printf("-- %zu of their payloads are no JSON: they have none of its values.\n",
			not_json);
	if (ddl->left_out)
		printf("-- They have more values than columns: %zu.\n", ddl->config->columns.count);
	printf("%s;\n\n# of the %s, in the config:\n%s", ddl->sql.data,
		is_one_of_several(ddl) ? "entry under tables:" : "sink", ddl->yaml.data);
}

static void print_json(const struct ddl *ddl)
{
	json_t *columns = json_object();

	for (size_t i = 0; i < ddl->config->columns.count; i++) {
		const struct config_column *column = &ddl->config->columns.items[i];
		json_object_set_new(columns, column->name,
			cmd_json_text(column->from ? column->from : column->value));
	}
	cmd_print_json(json_pack("{ss ss sI sI ss so}", "stream", ddl->sink->stream, "table",
		ddl->table, "events", (json_int_t)ddl->sample.seen, "not_json",
		(json_int_t)sample_not_json(&ddl->sample), "sql", ddl->sql.data, "columns",
		columns));
}

static bool write_all(struct ddl *ddl, struct error *err)
{
	if (ddl->sample.seen == 0)
		return error_set(err, ERROR_SCHEMA, "stream %s has no event of %s to look at",
			ddl->sink->stream, is_one_of_several(ddl) ? ddl->table : "it");
	if (ddl->config->columns.count == 0)
		suggest_columns(&ddl->sample, &ddl->config->columns, &ddl->left_out);
	if (!check_key(ddl, err))
		return false;
	ddl_table(ddl->config, ddl->table, ddl->kind, &ddl->sample, &ddl->sql);
	ddl_columns(&ddl->config->columns, is_one_of_several(ddl) ? 8 : 4, &ddl->yaml);
	return true;
}

static bool show_table(const struct cli *cli, struct link *link, struct ddl ddl, struct error *err)
{
	ddl.table = table_of(ddl.config);
	sample_init(&ddl.sample);
	bool ok = ddl_read(link, ddl.sink, ddl.at, &ddl.sample, err) && write_all(&ddl, err);
	if (ok)
		(cli->json ? print_json : print_text)(&ddl);
	sample_finish(&ddl.sample);
	buf_finish(&ddl.sql);
	buf_finish(&ddl.yaml);
	return ok;
}

static bool run(const struct cli *cli, struct config *config, struct error *err)
{
	struct ddl ddl = { .sink = (cli->database ? make : find)(cli, config, err) };

	if (!ddl.sink || !cmd_check_database(ddl.sink->database, &ddl.kind, err))
		return false;
	struct link *link = cmd_connect(config, err);
	size_t count = ddl.sink->table_count ? ddl.sink->table_count : 1;
	bool ok = link != NULL;
	for (; ok && ddl.at < count; ddl.at++) {
		ddl.config = ddl.sink->table_count ? &ddl.sink->tables[ddl.at] : &ddl.sink->own;
		ok = show_table(cli, link, ddl, err);
	}
	link_destroy(link);
	return ok;
}

int cmd_ddl(const struct cli *cli)
{
	struct error err = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, !cli->database, &status);

	if (!config)
		return status;
	if (!run(cli, config, &err))
		status = cli_fail(cli, &err);
	config_destroy(config);
	return status;
}
