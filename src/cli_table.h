#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "cli.h"

enum cli_option_type { CLI_FLAG, CLI_TEXT, CLI_MANY };

struct cli_option {
	const char *name;
	char letter; /* 0: none */
	enum cli_option_type type;
	const char *argument; /* what --help calls it */
	size_t place; /* in struct cli */
	const char *help;
	bool global; /* every command takes it */
};

struct cli_command {
	const char *name;
	int (*run)(const struct cli *cli);
	const char *summary; /* one sentence */
	const char *arguments; /* "[FILE]" */
	size_t least, most; /* how many of them */
	const char *const *options; /* names, ended by NULL; beside the global ones */
	const char *example;
};

extern const struct cli_option cli_options[]; /* both end with name NULL */
extern const struct cli_command cli_commands[];

const struct cli_command *cli_find_command(const char *name);
bool cli_takes(const struct cli_command *command, const struct cli_option *option);

/* What an option means to a command; NULL command: to most of them. Static text. */
const char *cli_option_help(const struct cli_command *command, const struct cli_option *option);

/* --help of one command, or of the program where command is NULL. */
void cli_print_help(const struct cli_command *command, FILE *out);

#endif
