#ifndef HISTORY_MARKED_H
#define HISTORY_MARKED_H

#include "base/slice.h"
#include "db/db.h"

/*
 * The rows of an outbox that were marked delivered, in the order in which one stream holds them. The database
 * sorts them, so memory is bounded however many they are; they are those of one moment. While it is open the
 * connection is in use. One thread.
 */
struct marked_row {
	int64_t id;
	uint64_t seq;
	struct slice event_id; /* good until the next row */
	int64_t delivered_ms; /* wall clock of the database */
};

struct marked_scope {
	const char *table, *stream;
	int64_t from_id;
	const char *since; /* delivered then or later, RFC 3339; NULL: whenever */
};

struct marked;

struct marked *marked_open(struct db *db, const struct marked_scope *scope, struct error *err);
void marked_close(struct marked *marked); /* accepts NULL */

/* The next row; false with ERROR_NONE in err->kind after the last. */
bool marked_next(struct marked *marked, struct marked_row *row, struct error *err);

#endif
