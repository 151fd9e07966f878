/* dray run: everything of the config until a signal. */
#include "cmd.h"

#include "daemon.h"

int cmd_run(const struct cli *cli)
{
	struct error err = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, true, &status);

	if (!config)
		return status;
	cli_setup_log(cli, config);
	if (config->relay_count + config->sink_count > 0) {
		status = daemon_run(config);
	} else {
		error_set(&err, ERROR_USAGE, "%s has no relay and no sink; there is nothing to run",
			config->file);
		status = cli_fail(cli, &err);
	}
	config_destroy(config);
	return status;
}
