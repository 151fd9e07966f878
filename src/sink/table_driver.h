#ifndef SINK_TABLE_DRIVER_H
#define SINK_TABLE_DRIVER_H

#include "sink/route.h"
#include "sink/table.h"

/* One store as a driver gets it: position is what it was, seq what it becomes. */
struct table_store {
	const struct table_position *position;
	const struct table_event *events;
	size_t count;
	int64_t seq;
	bool again; /* one event that was set aside, in the epoch of position; the lease does not count */
};

/* What a database has to do for the tables. The connection is open but in create and destroy. */
struct table_driver {
	struct table *(*create)(void);
	void (*destroy)(struct table *table);
	bool (*opened)(struct table *table, struct error *err); /* a new connection: prepare */
	bool (*store)(struct table *table, const struct table_store *store, struct error *err);
};

extern const struct table_driver table_sqlite, table_postgres;

struct table {
	const struct table_driver *driver;
	const struct config_sink *config;
	struct db *db;
	struct lease lease;
	struct routes routes;
	bool keeps_marks; /* of what is stored, beside the tables: they are not one archive, which tells it */
	bool in_order; /* every event is newer than all before it */
	size_t already; /* events that stood there when they were to be stored */
};

/* Whether the columns are still those of the plans; else err (ERROR_CONFLICT: open again). */
bool table_check_plans(struct table *table, struct error *err);

/* Puts the event's table before err, where there are several. False. */
bool table_name_route(
	const struct table *table, const struct table_event *event, struct error *err);

/* The newest event of a store as it is in the stream, or NULL. */
const struct table_event *table_newest_of(const struct table_store *store);

/* What a store says when it changed nothing. */
bool table_lost_lease(const struct table *table, struct error *err);
bool table_moved(const struct table *table, struct error *err);
bool table_not_aside(const struct table *table, const struct table_store *store, struct error *err);

#endif
