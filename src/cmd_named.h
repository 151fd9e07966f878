#ifndef CMD_NAMED_H
#define CMD_NAMED_H

#include "cli.h"
#include "db/db.h"

/* The pipeline that a command is about, by its name on the command line, and its open database. */
struct named {
	const char *name;
	bool is_sink;
	const struct config_sink *sink; /* NULL with --database, and for a relay */
	char stream[256]; /* of a sink */
	char resource[256]; /* of its lease */
	struct db *db;
};

/*
 * Finds the command's first argument in the config, or with --database (then config is not looked at) among
 * the pipelines that ran there; relay:NAME or sink:NAME where both have one of that name. ERROR_USAGE where
 * there is none. named_close also after an error.
 */
bool named_open(
	const struct cli *cli, const struct config *config, struct named *named, struct error *err);
void named_close(struct named *named);

#endif
