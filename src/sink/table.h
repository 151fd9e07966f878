#ifndef SINK_TABLE_H
#define SINK_TABLE_H

#include "config.h"
#include "db/db.h"
#include "db/lease.h"
#include "event.h"
#include "sink/plan.h"

/*
 * The tables of a sink with its position beside them, the same for SQLite and PostgreSQL. The position row
 * is the only truth about what is stored: every move of it is a compare-and-set on what it was, in the
 * transaction that stores the events, into all of its tables.
 *
 * Calls give ERROR_UNAVAILABLE when the database is away, ERROR_CONFLICT when the lease is lost or the
 * position is not where it was believed to be (nothing was stored), ERROR_SCHEMA when a person must act.
 * After an error: table_close, table_open, table_take, table_load. One thread.
 */
struct table;
struct routes;

struct table_position {
	char created[40]; /* of the stream: a stream made anew has another one */
	int64_t epoch; /* how often it was made anew */
	int64_t seq; /* everything up to here is stored or set aside */
};

enum table_action {
	TABLE_STORE,
	TABLE_DELETE, /* only the cells of the key count */
	TABLE_SKIP, /* nothing but the position moves over it */
};

struct table_event {
	struct event event; /* UTF-8 without NUL, but for the payload */
	int64_t seq, time_ns; /* when the stream stored it, since 1970 */
	const char *fault; /* NULL: to be stored; otherwise to be set aside for this reason */
	bool repaired; /* its texts are not quite those of the stream */

	size_t route; /* which of the tables (see route.h) */
	enum table_action action;

	/* Where its table is no archive. */
	const struct cell *cells; /* one a column */
	int64_t version; /* of SINK_UPSERT; of SINK_INSERT its time */
};

/* Strings belong to the config. stop ends waits for a connection. */
struct table *table_create(const struct config_sink *config, struct stop *stop, struct error *err);
void table_destroy(struct table *table); /* accepts NULL; gives the lease back */

bool table_open(struct table *table, struct error *err); /* connects and checks the tables */
bool table_take(
	struct table *table, struct error *err); /* the lease: ERROR_CONFLICT names who has it */
void table_close(struct table *table); /* keeps the lease: it expires */

/* How events become rows. Good until the table is opened again. */
const struct routes *table_routes(const struct table *table);

/* Whether one of them inserts or upserts. */
bool table_maps(const struct table *table);

/* To be called before the first store: whether every event is newer than all before it. */
void table_expect(struct table *table, bool in_order);

/* Where events come in any order: up to this sequence none comes again. */
bool table_acknowledged(struct table *table, int64_t epoch, int64_t seq, struct error *err);

struct db *table_db(struct table *table);
struct lease *table_lease(struct table *table);
const char *table_label(const struct table *table);

/* Where the sink stands in its stream; found false where it was never there. */
bool table_load(
	struct table *table, bool *found, struct table_position *position, struct error *err);

/*
 * Sets the first position, at seq, in a stream of this creation, and gives it. The epoch is the one that
 * other sinks of this database know the stream by, or one that was never used for its name.
 */
bool table_begin(struct table *table, const char *created, int64_t seq,
	struct table_position *position, struct error *err);

/* The stream is the one that it was, but says now that this was its creation. */
bool table_same_stream(struct table *table, const char *created, struct table_position *position,
	struct error *err);

/*
 * Moves to a sequence of the next epoch: the stream was made anew (0), or its sequences behind that one are
 * other events now. Where another sink of this database is in a later epoch of this creation, it is that one.
 */
bool table_next_epoch(struct table *table, const char *created, int64_t seq,
	struct table_position *position, struct error *err);

/* How many events stood in an archive already in the stores since the last call. */
size_t table_take_already(struct table *table);

/* Whether what stands in its archive, in an epoch, under an event's sequence is that event; other tables know. */
bool table_has(struct table *table, int64_t epoch, const struct table_event *event, bool *has,
	struct error *err);

/* A stored event: enough to know it by. seq 0: there is none. */
struct table_mark {
	int64_t seq;
	const char *subject, *id; /* id "" where it has none */
	const char *time; /* when the stream stored it, as clock_format writes it */
	struct arena arena; /* holds them */
};

/* The newest stored event of an epoch up to a sequence. */
bool table_newest(struct table *table, int64_t epoch, int64_t up_to, struct table_mark *mark,
	struct error *err);
void table_mark_finish(struct table_mark *mark);

/*
 * Stores events, or sets them aside, and moves the position to seq, which is not below what it was; renews
 * the lease. All in one transaction. ERROR_REJECTED: the database refuses at least one of them, none is
 * stored. Events that are stored already stay as they are.
 */
bool table_store(struct table *table, struct table_position *position,
	const struct table_event *events, size_t count, int64_t seq, struct error *err);

/*
 * Stores an event that was set aside in an epoch after all, and takes it out of sink_dead, in one transaction.
 * It needs no lease and moves no position, so the sink may run meanwhile. ERROR_REJECTED: the database still
 * refuses it, or its key has a row and which of the two is newer is not known; ERROR_CONFLICT: it is not there
 * any more. Then nothing was changed. One that is older than what is stored counts as stored.
 */
bool table_store_again(
	struct table *table, int64_t epoch, const struct table_event *event, struct error *err);

#endif
