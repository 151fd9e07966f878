#ifndef NAMED_H
#define NAMED_H

#include "config.h"
#include "db/db.h"

/* The pipeline that somebody names, and its open database. */
struct named {
	const char *name; /* without its kind */
	bool is_sink;
	const struct config_sink *sink; /* NULL with --database, and for a relay */
	char stream[256]; /* of a sink */
	char resource[256]; /* of its lease */
	struct db *db;
};

/*
 * Finds a pipeline in the config, or where a database is given (then config is not looked at) among those that
 * ran there; relay:NAME or sink:NAME where both have one of that name. ERROR_USAGE where there is none. stop
 * ends waits early and may be NULL. named_close also after an error; the name must live until then.
 */
bool named_open(const char *name, const char *database, const struct config *config,
	struct stop *stop, struct named *named, struct error *err);
void named_close(struct named *named);

#endif
