#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The command line: one table of commands and their options, from which getopt_long's tables, --help and
 * the man page's option lists are made.
 */
#define CLI_LIST 64

struct cli {
	const char *command;
	const char *config_file; /* -c; NULL: the default places */
	const char *nats_url; /* --nats, else NATS_URL, else NULL */
	const char *database; /* --database */
	bool json, verbose, quiet, watch;
	const char *name; /* --name */
	const char *stream; /* --stream */
	const char *subjects; /* --subjects: comma separated */
	const char *table; /* --table */
	const char *key; /* --key */
	const char *relay; /* --relay */
	const char *headers[CLI_LIST]; /* --header N=V */
	size_t header_count;
	const char *settings[CLI_LIST]; /* --set KEY=VALUE of relay and sink */
	size_t setting_count;
	const char *count; /* --count */
	const char *since; /* --since */
	const char *const *arguments; /* what is left */
	size_t argument_count;
};

/* Parses, sets up the log, runs the command; the whole of main(). */
int cli_main(int argc, char **argv);

/* Says "dray: TEXT" on stderr (or as JSON with --json) and gives the exit status of its kind. */
int cli_fail(const struct cli *cli, const struct error *err);

#endif
