#ifndef HISTORY_SOURCE_H
#define HISTORY_SOURCE_H

#include "base/arena.h"
#include "db/db.h"
#include "relay/outbox.h"

/*
 * Events that a table holds, an outbox or an archive of a stream, in their order. Every row has one number
 * that grows: an outbox's id; of an archive, epoch * 2^48 + sequence. Needs no right but SELECT, and changes
 * nothing. One thread.
 */
enum source_kind { SOURCE_OUTBOX, SOURCE_ARCHIVE };

struct source_filter {
	int64_t low, high; /* ids or sequences, both included */
	char *since, *before; /* when they were written, RFC 3339; NULL: any */
	char *subject; /* a pattern; NULL: any */
	char *key; /* NULL: any */
	char *which; /* of an outbox the state, NULL: any; of an archive the stream */
};

void source_filter_init(struct source_filter *filter); /* everything */
void source_filter_finish(struct source_filter *filter);

struct source {
	enum source_kind kind;
	const char *table;
	const struct source_filter *filter;
};

/* "dray.events" has the columns of an archive, "dray.outbox" those of an outbox. ERROR_SCHEMA: neither. */
bool source_find_kind(struct db *db, const char *table, enum source_kind *kind, struct error *err);

/* The one stream that an archive holds; ERROR_USAGE where it holds several, with their names. */
bool source_find_stream(struct db *db, const char *table, char **stream, struct error *err);

/* To be called once for every connection that the others get. */
bool source_open(struct db *db, struct error *err);

struct source_counts {
	int64_t rows, bytes; /* of payload */
	int64_t last; /* the highest number; INT64_MIN where there is none */
};

bool source_count(struct db *db, const struct source *source, int64_t after, int64_t until,
	struct source_counts *counts, struct error *err);

/*
 * Rows with numbers above `after` and up to `until`: at most `limit` (1 and more), and so many payload bytes,
 * one row at least; none where there are no more. The batch belongs to the caller; NULL on an error.
 */
bool source_read(struct db *db, const struct source *source, int64_t after, int64_t until,
	size_t limit, int64_t bytes, struct batch **batch, struct error *err);

/*
 * Any statement that gives number, event_id, subject, key, headers and payload: at most `limit` rows, and on
 * SQLite so many payload bytes, are read.
 */
bool source_run(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, size_t limit, int64_t bytes,
	struct batch **batch, struct error *err);

#endif
