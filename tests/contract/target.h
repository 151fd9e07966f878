#ifndef TARGET_H
#define TARGET_H

#include "both.h"

#include "sink/load.h"
#include "sink/table.h"

/* A sink that maps, over a table of the test's own, in a database of its own: no stream is needed. */
struct target {
	struct testdb *look;
	struct config *config;
	struct config_sink *sink;
	struct table *table;
	struct table_position position;
	struct load load;
};

/*
 * A database with this table (both texts are whole statements); the sink is not open yet: target_set its
 * settings first, "mode" and "table" (t) stand.
 */
struct target target_make(
	bool postgres, const char *mode, const char *table_sqlite, const char *table_postgres);

/* One with several tables, made by these statements; settings are lines of the sink in a config, 4 blanks in. */
struct target target_make_several(bool postgres, const char *tables, const char *settings);
void target_set(struct target *target, const char *key, const char *value);
void target_open(struct target *target); /* opens, takes the lease, begins at 0 */
bool target_try_open(struct target *target, struct error *err);
void target_drop(struct target *target);

/* Adds an event to the load; headers are JSON or NULL. Texts outlive the target. */
void target_add(struct target *target, int64_t seq, const char *key, const char *headers,
	const char *payload);
void target_add_to(struct target *target, int64_t seq, const char *subject, const char *key,
	const char *headers, const char *payload);

/* Stores the load as a sink does, and gives how many of it were set aside. */
size_t target_store(struct target *target);
bool target_try_store(struct target *target, struct error *err);

/* The rows of a query as one text: cells with | between, NULL as ~, rows with ; behind. */
char *target_rows(struct target *target, const char *query);
char *target_dead(struct target *target); /* the errors, by sequence */

#endif
