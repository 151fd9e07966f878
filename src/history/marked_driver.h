#ifndef HISTORY_MARKED_DRIVER_H
#define HISTORY_MARKED_DRIVER_H

#include "history/marked.h"

/*
 * What the two databases do for the rows of marked.h: parameters are the stream, the lowest id and since, as texts. The
 * one that is open is closed by its own close. Errors, and the end, as marked_next has them.
 */
struct marked {
	struct db *db;
	struct marked_postgres *postgres; /* one of the two */
	struct marked_sqlite *sqlite;
};

enum marked_column { MARKED_SEQ, MARKED_ID, MARKED_EVENT_ID, MARKED_DELIVERED_MS };

struct marked_postgres *marked_postgres_open(
	struct db *db, const char *table, const char *const parameters[3], struct error *err);
void marked_postgres_close(struct db *db, struct marked_postgres *marked);
bool marked_postgres_next(
	struct db *db, struct marked_postgres *marked, struct marked_row *row, struct error *err);

struct marked_sqlite *marked_sqlite_open(
	struct db *db, const char *table, const char *const parameters[3], struct error *err);
void marked_sqlite_close(struct marked_sqlite *marked);
bool marked_sqlite_next(
	struct db *db, struct marked_sqlite *marked, struct marked_row *row, struct error *err);

#endif
