/* dray check: the config, then both ends of every pipeline; says everything that would go wrong. */
#include "cmd.h"

#include <stdio.h>

#include "base/findings.h"
#include "cmd_common.h"
#include "config_files.h"
#include "http/address.h"
#include "relay/preflight.h"
#include "sink/preflight.h"

static const char *const level_names[] = { "ok", "warning", "problem" };

static void check_file(const struct config *config, struct findings *findings)
{
	config_check_files(config, findings);
	address_preflight(config, findings);
	if (config->relay_count + config->sink_count == 0)
		findings_add(findings, FINDING_PROBLEM, ERROR_USAGE, NULL,
			"%s has no relay and no sink; there is nothing to run", config->file);
}

static void print_text(const struct findings *findings)
{
	size_t counts[3] = { 0 };

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *one = &findings->items[i];
		printf("%-7s  %s%s%s\n", level_names[one->level],
			one->pipeline ? one->pipeline : "", one->pipeline ? ": " : "", one->text);
		counts[one->level]++;
	}
	printf("%zu problem%s, %zu warning%s\n", counts[FINDING_PROBLEM],
		counts[FINDING_PROBLEM] == 1 ? "" : "s", counts[FINDING_WARNING],
		counts[FINDING_WARNING] == 1 ? "" : "s");
}

static void print_json(const struct findings *findings, int status)
{
	json_t *list = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *one = &findings->items[i];
		json_array_append_new(list,
			json_pack("{ss so so}", "level", level_names[one->level], "pipeline",
				cmd_json_text(one->pipeline), "text", cmd_json_text(one->text)));
	}
	cmd_print_json(json_pack("{so si}", "findings", list, "exit_status", status));
}

static void print_effective(const struct config *config)
{
	struct buf text = { 0 };

	config_print(config, &text);
	printf("%s\n", text.data);
	buf_finish(&text);
}

int cmd_check(const struct cli *cli)
{
	struct findings findings = { 0 };
	int status = 0;
	struct config *config = cli_config(cli, true, &status);

	if (!config)
		return status;
	if (cli->verbose && !cli->json)
		print_effective(config);
	check_file(config, &findings);
	for (size_t i = 0; i < config->relay_count; i++)
		relay_preflight(config, &config->relays[i], &findings);
	for (size_t i = 0; i < config->sink_count; i++)
		sink_preflight(config, &config->sinks[i], &findings);
	status = findings_exit_status(&findings);
	if (cli->json)
		print_json(&findings, status);
	else
		print_text(&findings);
	findings_finish(&findings);
	config_destroy(config);
	return status;
}
