/* Finds and loads the config for a command, and says what is wrong with it. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

static const char *const places[] = { "dray.yaml", "/etc/dray/dray.yaml" };

const char *cli_config_file(const struct cli *cli)
{
	if (cli->config_file)
		return cli->config_file;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}

bool cli_use_nats(const struct cli *cli, struct config *config, struct error *err)
{
	if (!cli->nats_url)
		return true;
	return config_set(&config->nats, "nats", "url", cli->nats_url, err) ||
		error_prefix(err, "--nats");
}

static int fail_json(const struct error *err, char *lines)
{
	json_t *list = json_array();
	int status = error_exit_status(err->kind);
	char *line;

	while ((line = strsep(&lines, "\n")))
		if (*line)
			json_array_append_new(list, json_string(line));
	json_t *whole = json_pack("{ss ss si so}", "error", err->text, "kind", "usage",
		"exit_status", status, "problems", list);
	json_dumpf(whole, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(whole);
	return status;
}

/* One problem is the error itself; several stand before it, a line each. */
static int fail_config(const struct cli *cli, const struct error *err, struct buf *problems)
{
	const char *lines = problems->data ? problems->data : "";
	const char *end = strchr(lines, '\n');

	if (cli->json && problems->data)
		return fail_json(err, problems->data);
	if (end && end[1])
		fputs(lines, stderr);
	return cli_fail(cli, err);
}

static struct config *load(const char *file, const struct cli *cli, int *status)
{
	struct buf problems = { 0 };
	struct error err = { 0 };
	struct config *config = config_load(file, &problems, &err);

	if (!config)
		*status = fail_config(cli, &err, &problems);
	buf_finish(&problems);
	return config;
}

static struct config *none(const struct cli *cli, bool needed, int *status)
{
	struct error err = { 0 };

	if (!needed)
		return config_default();
	error_set(&err, ERROR_USAGE,
		"there is no config: neither ./%s nor %s exists; \"dray init\" writes one, -c FILE "
		"names another",
		places[0], places[1]);
	*status = cli_fail(cli, &err);
	return NULL;
}

struct config *cli_config(const struct cli *cli, bool needed, int *status)
{
	const char *file = cli_config_file(cli);
	struct config *config = file ? load(file, cli, status) : none(cli, needed, status);
	struct error err = { 0 };

	if (!config || cli_use_nats(cli, config, &err))
		return config;
	*status = cli_fail(cli, &err);
	config_destroy(config);
	return NULL;
}
