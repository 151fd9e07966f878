/* dray sink DATABASE --stream NAME: one sink without a config; its table is made where missing. */
#include "cmd.h"

#include <stdlib.h>

#include "cmd_common.h"
#include "cmd_pipeline.h"

static bool set_up(const struct cli *cli, struct config *config, struct error *err)
{
	const char *database = cli->arguments[0];

	if (!cmd_check_database(database, NULL, err))
		return false;
	if (!cli->stream)
		return error_set(err, ERROR_USAGE, "a sink needs a stream: dray sink %s",
			"DATABASE --stream NAME");
	char *name = cmd_pipeline_name(cli, "sink");
	struct config_sink *sink = config_add_sink(config, "", database, "");
	bool ok = config_set(sink, "sink", "name", name, err) &&
		config_set(sink, "sink", "stream", cli->stream, err) &&
		(!cli->subjects || config_set(sink, "sink", "subjects", cli->subjects, err)) &&
		cmd_pipeline_set(cli, config, sink, "sink", err) && config_check_sink(sink, err);
	free(name);
	return ok;
}

static bool prepare(const struct cli *cli, struct config *config, struct error *err)
{
	if (!set_up(cli, config, err))
		return false;
	cli_setup_log(cli, config);
	const struct config_sink *sink = &config->sinks[0];
	return cmd_pipeline_migrate(sink->name, sink->database, MIGRATE_EVENTS, sink->own.table,
		sink->own.mode == SINK_ARCHIVE, err);
}

int cmd_sink(const struct cli *cli)
{
	return cmd_pipeline_run(cli, prepare);
}
