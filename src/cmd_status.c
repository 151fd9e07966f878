/* dray status: a line a pipeline, on a terminal; everything with --json. */
#include "cmd.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/findings.h"
#include "cmd_common.h"
#include "status.h"

#define WATCH_MS 2000
#define CELL	 CMD_AGE

struct work {
	const struct cli *cli;
	int status;
};

static void failed(void *context, const struct error *err)
{
	struct work *work = context;

	work->status = findings_worse_status(work->status, cli_fail(work->cli, err));
}

static void format_count(const json_t *value, char text[CELL])
{
	if (json_is_integer(value))
		snprintf(text, CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		snprintf(text, CELL, "-");
}

static void format_age(const json_t *value, char text[CELL])
{
	if (json_is_integer(value))
		cmd_format_age(json_integer_value(value), text);
	else
		snprintf(text, CELL, "-");
}

static void format_rate(const json_t *value, char text[CELL])
{
	if (json_is_real(value))
		snprintf(text, CELL, "%.1f", json_real_value(value));
	else
		snprintf(text, CELL, "-");
}

static const char *text_of(const json_t *item, const char *name)
{
	const char *text = json_string_value(json_object_get(item, name));

	return text ? text : "-";
}

static void print_item(const json_t *item)
{
	const json_t *pending = json_object_get(item, "pending");
	char counts[3][CELL], ages[2][CELL], rate[CELL];

	format_count(json_is_null(pending) ? json_object_get(item, "backlog") : pending, counts[0]);
	format_count(json_object_get(item, "dead"), counts[1]);
	format_count(json_object_get(item, "stuck"), counts[2]);
	format_age(json_object_get(item, "lag_ms"), ages[0]);
	format_age(json_object_get(item, "oldest_ms"), ages[1]);
	format_rate(json_object_get(item, "rate"), rate);
	printf("%-20s %-6s %-10s %10s %8s %6s %10s %7s %7s  %s\n", text_of(item, "name"),
		text_of(item, "kind"), text_of(item, "state"), counts[0], counts[1], counts[2],
		rate, ages[0], ages[1], text_of(item, "resource"));
	if (json_is_string(json_object_get(item, "paused_at")))
		printf("  paused, %s by %s; \"dray resume %s\" ends that\n",
			text_of(item, "paused_at"), text_of(item, "paused_by"),
			text_of(item, "name"));
	if (json_is_string(json_object_get(item, "paused_why")))
		printf("  because %s\n", text_of(item, "paused_why"));
	else if (json_is_string(json_object_get(item, "last_error")))
		printf("  last error, %s: %s\n", text_of(item, "last_error_at"),
			text_of(item, "last_error"));
}

static void print_table(const json_t *items)
{
	const json_t *item;
	size_t i;

	printf("%-20s %-6s %-10s %10s %8s %6s %10s %7s %7s  %s\n", "NAME", "KIND", "STATE",
		"PENDING", "DEAD", "STUCK", "RATE/S", "LAG", "OLDEST", "RESOURCE");
	json_array_foreach(items, i, item) print_item(item);
}

static void show(struct work *work, const struct config *config)
{
	json_t *items = config ? status_of_config(config, NULL, failed, work)
			       : status_of_database(work->cli->database, failed, work);

	if (work->cli->json) {
		cmd_print_json(json_pack("{so}", "pipelines", items));
		return;
	}
	if (work->cli->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	if (json_array_size(items) > 0)
		print_table(items);
	else if (work->status == 0)
		puts("no pipelines");
	json_decref(items);
}

int cmd_status(const struct cli *cli)
{
	struct work work = { cli, 0 };
	struct error err = { 0 };

	if (cli->database && !cmd_check_database(cli->database, NULL, &err))
		return cli_fail(cli, &err);
	struct config *config = cli->database ? NULL : cli_config(cli, true, &work.status);
	if (!config && !cli->database)
		return work.status;
	show(&work, config);
	while (cli->watch && fflush(stdout) == 0) {
		clock_sleep_ms(WATCH_MS);
		work.status = 0;
		show(&work, config);
	}
	config_destroy(config);
	return work.status;
}
