/* The delivered rows of an outbox, by whichever database. */
#include "history/marked_driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

struct marked *marked_open(struct db *db, const struct marked_scope *scope, struct error *err)
{
	struct marked *marked = memory_new(sizeof(*marked));
	char from[24];
	const char *const parameters[3] = { scope->stream, from, scope->since };

	snprintf(from, sizeof(from), "%" PRId64, scope->from_id);
	marked->db = db;
	if (db_kind(db) == DB_SQLITE)
		marked->sqlite = marked_sqlite_open(db, scope->table, parameters, err);
	else
		marked->postgres = marked_postgres_open(db, scope->table, parameters, err);
	if (marked->sqlite || marked->postgres)
		return marked;
	free(marked);
	return NULL;
}

void marked_close(struct marked *marked)
{
	if (!marked)
		return;
	if (marked->sqlite)
		marked_sqlite_close(marked->sqlite);
	else
		marked_postgres_close(marked->db, marked->postgres);
	free(marked);
}

bool marked_next(struct marked *marked, struct marked_row *row, struct error *err)
{
	return marked->sqlite ? marked_sqlite_next(marked->db, marked->sqlite, row, err)
			      : marked_postgres_next(marked->db, marked->postgres, row, err);
}
