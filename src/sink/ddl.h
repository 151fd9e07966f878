#ifndef SINK_DDL_H
#define SINK_DDL_H

#include "base/buf.h"
#include "config.h"
#include "db/db.h"
#include "nats/link.h"
#include "sink/sample.h"

/* A table for the events of a stream, after a sample of them: dray ddl, and a sink with create: true. */

/* Reads the sample: half of it from the stream's beginning, half from its end. ERROR_SCHEMA: no such stream. */
bool ddl_read(struct link *link, const struct config_sink *sink, struct sample *sample,
	struct error *err);

/*
 * The CREATE TABLE for a sink's columns, with its key as the primary key. What the sample never shows becomes
 * text.
 */
void ddl_table(const struct config_sink *sink, const char *table, enum db_kind kind,
	const struct sample *sample, struct buf *sql);

/* The columns as they stand in a config. */
void ddl_columns(const struct config_columns *columns, struct buf *yaml);

bool ddl_is_there(struct db *db, const char *table, bool *there, struct error *err);

/*
 * create: true. Makes the table where it is missing (*made). ERROR_UNAVAILABLE: the stream has no event yet
 * that tells the types.
 */
bool ddl_create(struct db *db, struct link *link, const struct config_sink *sink, bool *made,
	struct error *err);

#endif
