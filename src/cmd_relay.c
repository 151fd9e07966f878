/* dray relay DATABASE: one relay without a config; its table, and its stream, are made where missing. */
#include "cmd.h"

#include <stdlib.h>

#include "base/log.h"
#include "cmd_common.h"
#include "cmd_pipeline.h"

static bool set_up(const struct cli *cli, struct config *config, struct error *err)
{
	const char *database = cli->arguments[0];

	if (!cmd_check_database(database, NULL, err))
		return false;
	if (cli->subjects && !cli->stream)
		return error_set(err, ERROR_USAGE,
			"--subjects are those of a missing stream; name it with --stream");
	char *name = cmd_pipeline_name(cli, "relay");
	struct config_relay *relay = config_add_relay(config, "", database);
	bool ok = config_set(relay, "relay", "name", name, err) &&
		config_set(relay, "relay", "stream", cli->stream, err) &&
		cmd_pipeline_set(cli, config, relay, "relay", err);
	free(name);
	if (ok && relay->ordering == ORDERING_STREAM && !relay->stream)
		return error_set(err, ERROR_USAGE,
			"ordering=stream needs --stream: one that this relay alone publishes into");
	return ok;
}

/* With --subjects a missing stream is made. */
static bool make_stream(const struct cli *cli, struct config *config, struct error *err)
{
	bool made;

	if (!cli->subjects)
		return true;
	struct config_stream *stream = config_add_stream(config, cli->stream);
	if (!config_set(stream, "stream", "subjects", cli->subjects, err))
		return error_prefix(err, "--subjects");
	struct link *link = cmd_connect(config, err);
	bool ok = link && cmd_make_stream(link, stream, &made, err);
	link_destroy(link);
	if (ok && made)
		log_info(config->relays[0].name, "made the stream %s for %s", cli->stream,
			cli->subjects);
	return ok;
}

static bool prepare(const struct cli *cli, struct config *config, struct error *err)
{
	if (!set_up(cli, config, err))
		return false;
	cli_setup_log(cli, config);
	config_finish_relay(&config->relays[0]);
	const struct config_relay *relay = &config->relays[0];
	bool own = !relay->borrowed.id;
	return config_check_relay(relay, err) &&
		cmd_pipeline_migrate(relay->name, relay->database,
			own ? MIGRATE_OUTBOX : MIGRATE_CORE, relay->table, own, err) &&
		make_stream(cli, config, err);
}

int cmd_relay(const struct cli *cli)
{
	return cmd_pipeline_run(cli, prepare);
}
