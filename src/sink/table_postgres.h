#ifndef SINK_TABLE_POSTGRES_H
#define SINK_TABLE_POSTGRES_H

#include "base/buf.h"
#include "db/postgres.h"
#include "sink/table_driver.h"

/* What both drivers of PostgreSQL share: the one for an archive and the one for tables of others. */

/* The arrays of events that are set aside, in the order of the statements. */
enum table_dead_array {
	DEAD_SEQ,
	DEAD_SUBJECT,
	DEAD_KEY,
	DEAD_HEADERS,
	DEAD_PAYLOAD,
	DEAD_ERROR,
	DEAD_MSG_ID,
	DEAD_PUBLISHED_AT,
	DEAD_ARRAYS
};

/* Fills the arrays with the events at fault; gives how many they are. */
size_t table_dead_arrays(struct buf arrays[DEAD_ARRAYS], const struct table_store *store);

void table_add_slice(struct buf *array, struct slice text); /* data NULL: SQL NULL */

/* The statement's first ten parameters: lease and position. numbers must stay until the call is over. */
#define TABLE_NUMBERS	  5
#define TABLE_NUMBER_SIZE 24
void table_add_frame(struct postgres_call *call, const struct table *table,
	const struct table_store *store, char numbers[TABLE_NUMBERS][TABLE_NUMBER_SIZE]);

/* Whether lease and position were as expected, or the event was set aside; otherwise nothing was stored. */
bool table_check_frame(const struct table *table, const struct table_store *store,
	const PGresult *result, struct error *err);

/* What a new connection needs before its statements are prepared. */
bool table_set_up_session(struct table *table, struct error *err);

#endif
