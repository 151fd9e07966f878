/* dray run: everything of the config until a signal; SIGHUP has it read again. */
#include "cmd.h"

#include <string.h>

#include "base/log.h"
#include "daemon.h"

static bool has_pipelines(const struct config *config, struct error *err)
{
	return config->relay_count + config->sink_count > 0 ||
		error_set(err, ERROR_USAGE, "%s has no relay and no sink; there is nothing to run",
			config->file);
}

/* Each problem has its line, and is the error itself where it is the only one. */
static void say_problems(const char *file, char *lines, const struct error *err)
{
	const char *line;

	if (!lines || !*lines)
		log_error(NULL, "%s", err->text);
	while ((line = strsep(&lines, "\n")))
		if (*line)
			log_error(NULL, "%s", line);
	log_error(NULL, "%s is not taken; everything goes on as before", file);
}

static struct config *read_again(void *context, const char *file)
{
	const struct cli *cli = context;
	struct buf problems = { 0 };
	struct error err = { 0 };
	struct config *config = config_load(file, &problems, &err);

	if (!config || !cli_use_nats(cli, config, &err) || !has_pipelines(config, &err)) {
		say_problems(file, problems.data, &err);
		config_destroy(config);
		config = NULL;
	}
	buf_finish(&problems);
	return config;
}

static int run_on(const struct cli *cli, struct config *config)
{
	struct daemon_reload reload = { .read = read_again, .context = (void *)(uintptr_t)cli };
	int status = 0;

	while (config) {
		cli_setup_log(cli, config);
		reload.next = NULL;
		status = daemon_run(config, &reload);
		config_destroy(config);
		config = reload.next;
	}
	return status;
}

int cmd_run(const struct cli *cli)
{
	struct error err = { 0 };
	int status = 0;

	daemon_block_signals();
	struct config *config = cli_config(cli, true, &status);
	if (!config)
		return status;
	if (has_pipelines(config, &err))
		return run_on(cli, config);
	status = cli_fail(cli, &err);
	config_destroy(config);
	return status;
}
