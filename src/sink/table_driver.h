#ifndef SINK_TABLE_DRIVER_H
#define SINK_TABLE_DRIVER_H

#include "sink/table.h"

/* One store as a driver gets it: position is what it was, seq what it becomes. */
struct table_store {
	const struct table_position *position;
	const struct table_event *events;
	size_t count;
	int64_t seq;
	bool again; /* one event that was set aside, in the epoch of position; seq and lease do not count */
};

/* What a database has to do for a target table. The connection is open but in create and destroy. */
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
	size_t already; /* events that stood there when they were to be stored */
};

/* What a store says when it changed nothing. */
bool table_lost_lease(const struct table *table, struct error *err);
bool table_moved(const struct table *table, struct error *err);
bool table_not_aside(const struct table *table, const struct table_store *store, struct error *err);

#endif
