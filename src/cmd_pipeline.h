#ifndef CMD_PIPELINE_H
#define CMD_PIPELINE_H

#include "cli.h"
#include "db/migrate.h"

/* What `dray relay DATABASE` and `dray sink DATABASE` have in common. */

/* Adds the one pipeline to a config without a file, and makes what it needs. */
typedef bool cmd_pipeline_prepare_fn(
	const struct cli *cli, struct config *config, struct error *err);

/* Prepares, and runs until it is told to stop. Gives the exit status. ERROR_USAGE where -c was given. */
int cmd_pipeline_run(const struct cli *cli, cmd_pipeline_prepare_fn *prepare);

/*
 * Makes or upgrades Dray's tables, as cmd_migrate_table does, and logs what was done under the pipeline's name; own:
 * the pipeline's table is one of them.
 */
bool cmd_pipeline_migrate(const char *name, const char *database, enum migrate_target target,
	const char *table, bool own, struct error *err);

/* --name, or a name made from the stream's, or fallback. Belongs to the caller. */
char *cmd_pipeline_name(const struct cli *cli, const char *fallback);

/*
 * Applies --table and --set to a section of the given kind; nats.*, log.* and shutdown_timeout go to the
 * config.
 */
bool cmd_pipeline_set(const struct cli *cli, struct config *config, void *section, const char *kind,
	struct error *err);

#endif
