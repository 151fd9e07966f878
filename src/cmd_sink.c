/* dray sink DATABASE --stream NAME: one sink without a config; its table is made where missing. */
#include "cmd.h"

#include <stdlib.h>

#include "base/log.h"
#include "cmd_common.h"
#include "cmd_pipeline.h"
#include "daemon.h"

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
	struct migrate_report report;

	if (!set_up(cli, config, err))
		return false;
	cli_setup_log(cli, config);
	const struct config_sink *sink = &config->sinks[0];
	const char *archive = sink->mode == SINK_ARCHIVE ? sink->table : NULL;
	if (!cmd_migrate_table(sink->database, MIGRATE_EVENTS, archive, &report, err))
		return false;
	if (report.switched_to_wal)
		log_info(sink->name, "switched the file to WAL, which stays with it");
	if (report.applied)
		log_info(sink->name, "%s: %d migrations applied", sink->table, report.applied);
	return true;
}

int cmd_sink(const struct cli *cli)
{
	struct error err = { 0 };
	struct config *config = cmd_pipeline_config(cli, &err);
	int status;

	daemon_block_signals();
	if (config && prepare(cli, config, &err))
		status = daemon_run(config, NULL);
	else
		status = cli_fail(cli, &err);
	config_destroy(config);
	return status;
}
