#ifndef SINK_PLAN_H
#define SINK_PLAN_H

#include "config.h"
#include "sink/paths.h"
#include "sink/value.h"
#include "source.h"

/* What a database tells of a table. */
struct catalogue_column {
	const char *name;
	const char *type; /* as SQL writes it */
	const char *cast; /* the type to cast a text to: one that does not cut it */
	const char *fallback; /* the expression of its own default, or NULL */
	enum column_kind kind;
	bool not_null;
	bool made; /* the database makes its value: generated, or an identity that takes no other */
};

/* One column of a unique index that ON CONFLICT can use. */
struct catalogue_key {
	const char *index, *column;
};

struct catalogue {
	const char *table; /* as the config names it */
	struct catalogue_column *columns;
	struct catalogue_key *keys; /* those of one index follow each other */
	size_t column_count, key_count;
	bool any_case; /* names of columns are the same in any case (SQLite) */
	bool strict; /* the database takes what does not fit its type (SQLite) */
};

/*
 * The columns of a table, resolved against its catalogue. Pure: made once when the table is opened, read-only
 * afterwards.
 */
struct plan_column {
	const char *name; /* as the table has it */
	const char *type, *cast; /* as in the catalogue */
	const char *own_default; /* a missing value becomes this expression of the table; or NULL */
	const char *fallback; /* or this text of the config; or NULL */
	const char *constant; /* of SOURCE_CONSTANT */
	enum column_kind kind;
	bool is_key, not_null;
	struct source source;
};

#define PLAN_NONE SIZE_MAX

struct plan {
	enum sink_mode mode; /* SINK_ARCHIVE has nothing but the table */
	const char *table;
	const char *
		prefix; /* what keys in sink_version begin with: a sink has them of all its tables */
	struct plan_column *columns;
	size_t column_count;
	struct source version; /* SINK_UPSERT */
	size_t version_column, epoch_column; /* where the table keeps them, or PLAN_NONE */
	struct source delete_when; /* where delete_equals is not NULL */
	const char *delete_equals;
	const char *stream;
	bool own_version; /* not @seq */
	bool tombstones, skip_replays, strict;
	struct arena arena; /* holds all of it */
};

/*
 * Of one of the sink's tables. ERROR_SCHEMA names the column and says what to do. The config outlives the plan;
 * the catalogue need not. NULL on an error.
 */
struct plan *plan_create(const struct config_sink *sink, const struct config_table *config,
	const struct catalogue *catalogue, struct error *err);
void plan_destroy(struct plan *plan); /* accepts NULL */

/* Whether both tables' columns are the same to these plans; else err (ERROR_SCHEMA) names one that is not. */
bool plan_same(const struct plan *before, const struct plan *now, struct error *err);

#endif
