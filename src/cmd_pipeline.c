/* A pipeline from the command line alone. */
#include "cmd_pipeline.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "cmd_common.h"
#include "daemon.h"

#define NAME_SIZE 64

/* With --nats; NULL on an error. */
static struct config *make_config(const struct cli *cli, struct error *err)
{
	if (cli->config_file) {
		error_set(err, ERROR_USAGE,
			"dray %s takes no config; leave -c out and use --set, or use \"dray run -c %s\"",
			cli->command, cli->config_file);
		return NULL;
	}
	struct config *config = config_default();
	if (cli_use_nats(cli, config, err))
		return config;
	config_destroy(config);
	return NULL;
}

int cmd_pipeline_run(const struct cli *cli, cmd_pipeline_prepare_fn *prepare)
{
	struct error err = { 0 };
	struct config *config = make_config(cli, &err);
	int status;

	daemon_block_signals();
	if (config && prepare(cli, config, &err))
		status = daemon_run(config, NULL);
	else
		status = cli_fail(cli, &err);
	config_destroy(config);
	return status;
}

bool cmd_pipeline_migrate(const char *name, const char *database, enum migrate_target target,
	const char *table, bool own, struct error *err)
{
	struct migrate_report report;

	if (!cmd_migrate_table(database, target, own ? table : NULL, &report, err))
		return false;
	if (report.switched_to_wal)
		log_info(name, "switched the file to WAL, which stays with it");
	if (report.applied)
		log_info(name, "%s: %d migrations applied", table, report.applied);
	return true;
}

char *cmd_pipeline_name(const struct cli *cli, const char *fallback)
{
	char *name = memory_text(cli->name ? cli->name : cli->stream ? cli->stream : fallback);

	if (cli->name)
		return name;
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			*c = '-';
	if (strlen(name) > NAME_SIZE)
		name[NAME_SIZE] = '\0';
	return name;
}

static bool set_one(struct config *config, void *section, const char *kind, const char *key,
	const char *value, struct error *err)
{
	if (strncmp(key, "nats.", 5) == 0)
		return config_set(&config->nats, "nats", key + 5, value, err);
	if (strncmp(key, "log.", 4) == 0 || strcmp(key, "shutdown_timeout") == 0)
		return config_set(config, "", key, value, err);
	return config_set(section, kind, key, value, err);
}

static bool set_text(
	struct config *config, void *section, const char *kind, const char *text, struct error *err)
{
	const char *equal = strchr(text, '=');

	if (!equal)
		return error_set(err, ERROR_USAGE, "--set %.80s: it is KEY=VALUE", text);
	char *key = memory_copy(text, (size_t)(equal - text));
	bool ok = set_one(config, section, kind, key, equal + 1, err);
	free(key);
	return ok || error_prefix(err, "--set");
}

bool cmd_pipeline_set(const struct cli *cli, struct config *config, void *section, const char *kind,
	struct error *err)
{
	if (cli->table && !config_set(section, kind, "table", cli->table, err))
		return error_prefix(err, "--table");
	for (size_t i = 0; i < cli->settings.count; i++)
		if (!set_text(config, section, kind, cli->settings.items[i], err))
			return false;
	return true;
}
