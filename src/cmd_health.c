/* dray health: asks the dray run of this config, over its http.listen, how it is. */
#include "cmd.h"

#include <stdio.h>

#include <jansson.h>

#include "cmd_common.h"
#include "http/client.h"

static const char *text_of(const json_t *item, const char *name)
{
	const char *text = json_string_value(json_object_get(item, name));

	return text ? text : "";
}

static void print_text(const json_t *answer)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "pipelines"), i, item)
	{
		const char *error = text_of(item, "last_error");
		printf("%s %s: %s%s%s\n", text_of(item, "kind"), text_of(item, "name"),
			text_of(item, "state"), *error ? ": " : "", error);
	}
}

static bool ask(const char *listen, json_t **answer, struct error *err)
{
	struct buf body = { 0 };
	int status = 0;

	if (!client_get(listen, "/readyz", &status, &body, err))
		return false;
	*answer = body.data ? json_loads(body.data, 0, NULL) : NULL;
	buf_finish(&body);
	return json_is_boolean(json_object_get(*answer, "ready")) ||
		error_set(err, ERROR_UNAVAILABLE, "what listens at %s is no dray run (status %d)",
			listen, status);
}

static int show(const struct cli *cli, const char *listen)
{
	struct error err = { 0 };
	json_t *answer = NULL;
	int status = 0;

	if (!ask(listen, &answer, &err))
		status = cli_fail(cli, &err);
	else if (cli->ready && !json_is_true(json_object_get(answer, "ready")))
		status = 1;
	if (answer && status != 3 && cli->json)
		cmd_print_json(json_incref(answer));
	else if (answer && status != 3)
		print_text(answer);
	json_decref(answer);
	return status;
}

int cmd_health(const struct cli *cli)
{
	struct error err = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, true, &status);

	if (!config)
		return status;
	if (config->http.listen)
		status = show(cli, config->http.listen);
	else {
		error_set(&err, ERROR_USAGE,
			"%s has no http.listen, over which dray health would ask dray run",
			config->file);
		status = cli_fail(cli, &err);
	}
	config_destroy(config);
	return status;
}
