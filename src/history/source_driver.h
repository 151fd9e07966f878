#ifndef HISTORY_SOURCE_DRIVER_H
#define HISTORY_SOURCE_DRIVER_H

#include "history/source.h"

/* The columns of a reading. */
enum source_column {
	SOURCE_NUMBER,
	SOURCE_EVENT_ID,
	SOURCE_SUBJECT,
	SOURCE_KEY,
	SOURCE_HEADERS,
	SOURCE_PAYLOAD,
};

/* The parameters of a statement, as texts. A reading has two more than a count. */
#define SOURCE_PARAMETERS 11
#define SOURCE_COUNTED	  9

/* What the two databases do each. */
bool source_postgres_read(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, struct batch **batch, struct error *err);
bool source_sqlite_read(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, size_t limit, int64_t bytes,
	struct batch **batch, struct error *err);

bool source_postgres_prepare(struct db *db, struct error *err);
/* Makes dray_matches(pattern, subject) known to the connection. */
bool source_sqlite_prepare(struct db *db, struct error *err);

#endif
