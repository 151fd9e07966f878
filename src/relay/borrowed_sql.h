#ifndef RELAY_BORROWED_SQL_H
#define RELAY_BORROWED_SQL_H

#include "base/buf.h"
#include "config.h"
#include "db/db.h"

/*
 * The statements for a table that Dray did not make, from what the config says of its columns and the database
 * of their types. Values travel as text; lists of ids as JSON arrays of texts. One thread.
 */
struct borrowed_sql {
	char *first; /* rows to deliver, in their order: relay, limit, bytes */
	char *next; /* the same behind a row: relay, limit, bytes, its order, its id */
	char *behind; /* ids of rows to deliver that are not: relay, limit, bytes, order, id */
	char *some; /* of these ids ($4), those to deliver, in their order: relay, limit, bytes, ids */
	char *oldest; /* when the oldest row to deliver was written, ms since 1970: relay */
	char *deliver; /* marks or deletes: ids */
	bool sorts; /* an order is named, or ids are numbers */
	char id_type[64];
	char *give_up; /* marks: ids; NULL: nothing is marked in the table */
};

enum borrowed_column {
	BORROWED_ID,
	BORROWED_ORDER,
	BORROWED_EVENT_ID,
	BORROWED_SUBJECT,
	BORROWED_KEY,
	BORROWED_HEADERS,
	BORROWED_PAYLOAD, /* hexadecimal */
	BORROWED_CREATED, /* ms since 1970 */
	BORROWED_ATTEMPTS,
	BORROWED_WAIT, /* ms until the next try; 0 and less: now */
};

/* ERROR_SCHEMA: the table is not there, or has no such column. */
bool borrowed_sql_make(struct borrowed_sql *sql, struct db *db, const struct config_relay *relay,
	struct error *err);
void borrowed_sql_finish(struct borrowed_sql *sql);

/* A list of texts. It is empty at first; its end gives it as a parameter, which stays with it. */
void borrowed_list_add(struct buf *list, const char *text);
const char *borrowed_list_end(struct buf *list);

#endif
