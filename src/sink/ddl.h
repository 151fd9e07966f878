#ifndef SINK_DDL_H
#define SINK_DDL_H

#include "base/buf.h"
#include "config.h"
#include "db/db.h"
#include "nats/link.h"
#include "sink/sample.h"

/* A table for the events of a stream, after a sample of them: dray ddl, and a sink with create: true. */

/*
 * Reads the sample for one of the sink's tables (see config_tables): half of it from the stream's beginning, half
 * from its end. ERROR_SCHEMA: no such stream.
 */
bool ddl_read(struct link *link, const struct config_sink *sink, size_t at, struct sample *sample,
	struct error *err);

/*
 * The CREATE TABLE for these columns, with their key as the primary key. What the sample never shows becomes
 * text.
 */
void ddl_table(const struct config_table *config, const char *table, enum db_kind kind,
	const struct sample *sample, struct buf *sql);

/* The columns as they stand in a config, so many blanks from its edge. */
void ddl_columns(const struct config_columns *columns, int indent, struct buf *yaml);

bool ddl_is_there(struct db *db, const char *table, bool *there, struct error *err);

/*
 * create: true of one of the sink's tables. Makes it where it is missing (*made). ERROR_UNAVAILABLE: the stream has no event yet
 * that tells the types.
 */
bool ddl_create(struct db *db, struct link *link, const struct config_sink *sink, size_t at,
	bool *made, struct error *err);

#endif
