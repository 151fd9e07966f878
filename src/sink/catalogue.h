#ifndef SINK_CATALOGUE_H
#define SINK_CATALOGUE_H

#include "db/db.h"
#include "sink/plan.h"

/*
 * Reads what the database tells of a table; no columns where there is none. The texts lie in the arena, but
 * for the table's name.
 */
bool catalogue_read(struct db *db, const char *table, struct arena *arena,
	struct catalogue *catalogue, struct error *err);

#endif
