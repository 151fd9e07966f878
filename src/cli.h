#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config.h"

/*
 * The command line: one table of commands and one of options (cli_table.h), from which getopt_long's
 * tables and every --help are made.
 */
#define CLI_LIST 64

struct cli_list {
	const char *items[CLI_LIST];
	size_t count;
};

struct cli {
	const char *command; /* NULL where none was given */
	const char *config_file; /* -c; NULL: the default places */
	const char *nats_url; /* --nats */
	const char *database; /* --database */
	bool json, verbose, quiet, help, version, watch;
	bool force; /* --force */
	const char *name; /* --name */
	const char *stream; /* --stream */
	const char *subjects; /* --subjects: comma separated */
	const char *table; /* --table */
	const char *key; /* --key */
	const char *relay; /* --relay */
	struct cli_list headers; /* --header NAME=VALUE */
	struct cli_list settings; /* --set KEY=VALUE of relay and sink */
	const char *count; /* --count */
	const char *since; /* --since */
	const char *until; /* --until */
	const char *pipeline; /* --pipeline */
	const char *subject; /* --subject */
	const char *state, *source; /* --state, --source: of an outbox, of an archive */
	const char *to; /* --to */
	const char *rate; /* --rate */
	const char *file; /* --file: a replay's */
	const char *resume; /* --resume */
	const char *error; /* --error */
	const char *older, *newer; /* --older, --newer: durations */
	const char *reason; /* --reason */
	const char *discarded; /* --discarded: a duration */
	const char *tombstones; /* --tombstones: a duration */
	bool ready; /* --ready */
	bool all, dry_run, heal; /* --all, --dry-run, --heal */
	const char *const *arguments; /* what is left */
	size_t argument_count;
};

/* Parses, sets up the log, runs the command; the whole of main(). */
int cli_main(int argc, char **argv);

/*
 * Reads the arguments, which stay where they are (their order changes). ERROR_USAGE for an unknown command
 * or option, with the nearest one. Not for two threads at a time (getopt_long).
 */
bool cli_parse(int argc, char **argv, struct cli *cli, struct error *err);

/* Says "dray: TEXT" on stderr (or as JSON with --json) and gives the exit status of its kind. */
int cli_fail(const struct cli *cli, const struct error *err);

/* The file that -c or the default places give, or NULL where there is none. */
const char *cli_config_file(const struct cli *cli);

/*
 * The config of -c or the default places, with --nats. On NULL everything was said on stderr and *status is
 * the exit status. needed: no file is an error; otherwise it gives the defaults.
 */
struct config *cli_config(const struct cli *cli, bool needed, int *status);

/* Puts --nats in place of the config's URL. */
bool cli_use_nats(const struct cli *cli, struct config *config, struct error *err);

/* Sets the log up as the config says; -v, -q and --json come first. */
void cli_setup_log(const struct cli *cli, const struct config *config);

#endif
