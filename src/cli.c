/* Reads the command line by the tables of cli_table.c, and runs the command. */
#include "cli.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/log.h"
#include "base/units.h"
#include "cli_table.h"
#include "cmd.h"
#include "nats/library.h"

#define OPTIONS_MAX 64
#define LONG_ONLY   256 /* getopt's value of an option: this and its index */

/* getopt_long's tables, made from cli_options. */
struct getopt_tables {
	struct option options[OPTIONS_MAX];
	char letters[2 * OPTIONS_MAX + 2];
};

static void make_tables(struct getopt_tables *tables)
{
	char *letters = tables->letters;
	int i = 0;

	*letters++ = ':'; /* a missing argument is told apart */
	for (; cli_options[i].name && i < OPTIONS_MAX - 1; i++) {
		bool argument = cli_options[i].type != CLI_FLAG;
		tables->options[i] = (struct option){ cli_options[i].name,
			argument ? required_argument : no_argument, NULL, LONG_ONLY + i };
		if (cli_options[i].letter) {
			*letters++ = cli_options[i].letter;
			if (argument)
				*letters++ = ':';
		}
	}
	tables->options[i] = (struct option){ 0 };
	*letters = '\0';
}

static const struct cli_option *option_of(int code)
{
	if (code >= LONG_ONLY)
		return &cli_options[code - LONG_ONLY];
	for (const struct cli_option *option = cli_options; option->name; option++)
		if (option->letter == code)
			return option;
	return NULL;
}

static bool unknown_option(const char *word, struct error *err)
{
	const char *names[OPTIONS_MAX];
	size_t count = 0, size = strcspn(word, "=");
	char name[64];

	if (optopt > 0 && optopt < LONG_ONLY)
		return error_set(
			err, ERROR_USAGE, "unknown option -%c; see \"dray --help\"", optopt);
	if (optopt >= LONG_ONLY)
		return error_set(
			err, ERROR_USAGE, "option --%s takes no value", option_of(optopt)->name);
	for (const struct cli_option *option = cli_options; option->name; option++)
		names[count++] = option->name;
	names[count] = NULL;
	snprintf(name, sizeof(name), "%.*s", (int)size, word);
	const char *near = units_near_miss(name + strspn(name, "-"), names);
	if (near)
		return error_set(
			err, ERROR_USAGE, "unknown option %s; did you mean --%s?", name, near);
	return error_set(err, ERROR_USAGE, "unknown option %s; see \"dray --help\"", name);
}

static bool missing_value(struct error *err)
{
	const struct cli_option *option = option_of(optopt);

	return error_set(err, ERROR_USAGE, "option --%s needs a value: --%s %s", option->name,
		option->name, option->argument);
}

static bool keep(struct cli *cli, const struct cli_option *option, struct error *err)
{
	void *place = (char *)cli + option->place;

	if (option->type == CLI_FLAG) {
		*(bool *)place = true;
	} else if (option->type == CLI_TEXT) {
		*(const char **)place = optarg;
	} else {
		struct cli_list *list = place;
		if (list->count == CLI_LIST)
			return error_set(err, ERROR_USAGE, "--%s is there more than %d times",
				option->name, CLI_LIST);
		list->items[list->count++] = optarg;
	}
	return true;
}

static bool unknown_command(const char *word, struct error *err)
{
	const char *names[OPTIONS_MAX];
	size_t count = 0;

	for (const struct cli_command *command = cli_commands; command->name; command++)
		names[count++] = command->name;
	names[count] = NULL;
	const char *near = units_near_miss(word, names);
	if (near)
		return error_set(err, ERROR_USAGE,
			"unknown command \"%.80s\"; did you mean \"%s\"?", word, near);
	return error_set(
		err, ERROR_USAGE, "unknown command \"%.80s\"; \"dray --help\" lists them", word);
}

static bool check_count(const struct cli *cli, const struct cli_command *command, struct error *err)
{
	const char *usage = command->arguments;

	if (cli->argument_count < command->least)
		return error_set(
			err, ERROR_USAGE, "too few arguments: dray %s %s", command->name, usage);
	if (cli->argument_count > command->most)
		return error_set(err, ERROR_USAGE, "\"%.80s\" is too much: dray %s%s%s",
			cli->arguments[command->most], command->name, *usage ? " " : "", usage);
	return true;
}

static bool check_options(
	const struct cli_command *command, const bool given[OPTIONS_MAX], struct error *err)
{
	for (size_t i = 0; cli_options[i].name; i++)
		if (given[i] && !cli_takes(command, &cli_options[i]))
			return error_set(err, ERROR_USAGE,
				"dray %s has no option --%s; see \"dray %s --help\"", command->name,
				cli_options[i].name, command->name);
	return true;
}

static bool check_command(struct cli *cli, const bool given[OPTIONS_MAX], struct error *err)
{
	if (!cli->command)
		return true;
	const struct cli_command *command = cli_find_command(cli->command);
	if (!command)
		return unknown_command(cli->command, err);
	if (cli->help)
		return true;
	return check_options(command, given, err) && check_count(cli, command, err);
}

bool cli_parse(int argc, char **argv, struct cli *cli, struct error *err)
{
	bool given[OPTIONS_MAX] = { false };
	struct getopt_tables tables;
	int code;

	*cli = (struct cli){ 0 };
	make_tables(&tables);
	optind = 0; /* begin anew, with glibc's own state */
	opterr = 0;
	while ((code = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
		if (code == '?')
			return unknown_option(argv[optind - 1], err);
		if (code == ':')
			return missing_value(err);
		const struct cli_option *option = option_of(code);
		given[option - cli_options] = true;
		if (!keep(cli, option, err))
			return false;
	}
	cli->arguments = (const char *const *)argv + optind;
	cli->argument_count = (size_t)(argc - optind);
	if (cli->argument_count > 0) {
		cli->command = *cli->arguments++;
		cli->argument_count--;
	}
	return check_command(cli, given, err);
}

static const char *kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERROR_USAGE:
		return "usage";
	case ERROR_SCHEMA:
		return "setup";
	case ERROR_UNAVAILABLE:
		return "unavailable";
	case ERROR_CONFLICT:
		return "conflict";
	case ERROR_REJECTED:
		return "rejected";
	case ERROR_STOPPED:
		return "stopped";
	default:
		return "internal";
	}
}

int cli_fail(const struct cli *cli, const struct error *err)
{
	int status = error_exit_status(err->kind);

	if (!cli->json) {
		fprintf(stderr, "dray: %s\n", err->text);
		return status;
	}
	json_t *line = json_pack("{ss ss si}", "error", err->text, "kind", kind_name(err->kind),
		"exit_status", status);
	if (!line) /* the text is not UTF-8 */
		line = json_pack("{ss ss si}", "error", "(not UTF-8)", "kind", kind_name(err->kind),
			"exit_status", status);
	json_dumpf(line, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(line);
	return status;
}

void cli_setup_log(const struct cli *cli, const struct config *config)
{
	enum log_level level = (enum log_level)config->log_level;

	if (cli->verbose)
		level = LOG_DEBUG;
	else if (cli->quiet)
		level = LOG_ERROR;
	log_setup(cli->json || config->log_format == LOG_FORMAT_JSON, level);
}

static int run(const struct cli *cli)
{
	if (cli->help) {
		cli_print_help(cli->command ? cli_find_command(cli->command) : NULL, stdout);
		return 0;
	}
	if (cli->version)
		return cmd_version(cli);
	if (!cli->command) {
		cli_print_help(NULL, stderr);
		return error_exit_status(ERROR_USAGE);
	}
	return cli_find_command(cli->command)->run(cli);
}

int cli_main(int argc, char **argv)
{
	struct error err = { 0 };
	struct cli cli;

	signal(SIGPIPE, SIG_IGN); /* a write that fails says so itself */
	if (!cli_parse(argc, argv, &cli, &err))
		return cli_fail(&cli, &err);
	log_setup(cli.json, cli.verbose ? LOG_DEBUG : cli.quiet ? LOG_ERROR : LOG_INFO);
	int status = run(&cli);
	library_close();
	if (fflush(stdout) != 0 && status == 0)
		status = 1; /* nobody reads what we say */
	return status;
}
