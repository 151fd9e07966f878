#ifndef SINK_STATEMENT_H
#define SINK_STATEMENT_H

#include "db/db.h"
#include "sink/plan.h"

/*
 * The text of a statement of sql/ with the words of a plan in it: {table}, {columns} and the like. Names are
 * quoted; types and defaults stand as the catalogue gives them. Belongs to the caller.
 *
 * In PostgreSQL a column of the plan takes the arrays that the driver fills in the same order; the first of all is $24. In
 * SQLite column i is ?i, counted from 1, and whether its own default is to be taken is ?(columns + i).
 */
char *statement_text(enum db_kind kind, enum statement statement, const char *table,
	const struct plan *plan, bool in_order);

/* Whether events of a sink that upserts are kept beside the table, all of them. */
bool statement_beside(const struct plan *plan, bool in_order);

/* Whether it is known, for every key, which version is stored. */
bool statement_knows(const struct plan *plan);

/* Whether an event can be older than what is stored. */
bool statement_compares(const struct plan *plan, bool in_order);

#endif
