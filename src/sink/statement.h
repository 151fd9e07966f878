#ifndef SINK_STATEMENT_H
#define SINK_STATEMENT_H

#include "db/db.h"
#include "sink/plan.h"

/*
 * The text of a statement of sql/ with the words of a plan in it: {table}, {columns} and the like. Names are
 * quoted; types and defaults stand as the catalogue gives them. Belongs to the caller.
 *
 * In PostgreSQL it is a part of sink_frame, one a table: a column of the plan takes the arrays that the driver
 * fills in the same order, and place is moved to that of the next table. In SQLite (place NULL) column i is ?i, counted
 * from 1, and whether its own default is to be taken is ?(columns + i).
 */
struct statement_place {
	size_t route; /* the how many-th table, from 0 */
	size_t parameter; /* the number of its first array: STATEMENT_ARRAYS for the first table */
};

#define STATEMENT_ARRAYS 24 /* those before are sink_frame.sql's own */

char *statement_text(enum db_kind kind, enum statement statement, const struct plan *plan,
	bool in_order, struct statement_place *place);

/* Whether events of a sink that upserts are kept beside the table, all of them. */
bool statement_beside(const struct plan *plan, bool in_order);

/* Whether it is known, for every key, which version is stored. */
bool statement_knows(const struct plan *plan);

/* Whether an event can be older than what is stored. */
bool statement_compares(const struct plan *plan, bool in_order);

#endif
