#ifndef CMD_PIPELINE_H
#define CMD_PIPELINE_H

#include "cli.h"

/* What `dray relay DATABASE` and `dray sink DATABASE` have in common. */

/* A config without a file, with --nats; ERROR_USAGE where -c was given. NULL on an error. */
struct config *cmd_pipeline_config(const struct cli *cli, struct error *err);

/* --name, or a name made from the stream's, or fallback. Belongs to the caller. */
char *cmd_pipeline_name(const struct cli *cli, const char *fallback);

/*
 * Applies --table and --set to a section of the given kind; nats.*, log.* and shutdown_timeout go to the
 * config.
 */
bool cmd_pipeline_set(const struct cli *cli, struct config *config, void *section, const char *kind,
	struct error *err);

#endif
