#ifndef RELAY_OUTBOX_H
#define RELAY_OUTBOX_H

#include "base/arena.h"
#include "config.h"
#include "db/db.h"
#include "db/lease.h"
#include "db/report.h"
#include "relay/row.h"

/*
 * An outbox table, the same for SQLite and PostgreSQL. It is used by one thread at a time: the database
 * reads and settles one after the other, on one connection, so a row that was settled is never read again.
 *
 * Every call gives ERROR_UNAVAILABLE when the database is away (the connection is closed then),
 * ERROR_CONFLICT when the lease is lost, ERROR_SCHEMA when a person must act.
 */
struct outbox;

enum outcome { OUTCOME_DELIVERED, OUTCOME_RETRY, OUTCOME_DEAD };

/* What became of a row. */
struct verdict {
	struct row *row;
	int64_t id; /* the row's, so that sorting looks at nothing else */
	enum outcome outcome;
	size_t stream; /* delivered: which, counted by the caller */
	uint64_t seq; /* delivered */
	int64_t delay_ms; /* retry: from now */
	char *error; /* retry and dead; belongs to the verdict */
};

/* A relay's place in a stream: every own message up to seq is settled. */
struct position {
	char stream[256], created[40];
	uint64_t seq;
	uint64_t marked_seq; /* the newest message that was marked delivered; 0: none */
	char marked_id[EVENT_ID_MAX + 1]; /* its Nats-Msg-Id */
};

/* What a read should look for, besides new rows and open gaps. */
struct read_plan {
	size_t limit; /* rows for each question: 1 and more */
	int64_t bytes; /* payload bytes for each question, one row at least */
	bool sweep; /* goes on with the sweep that outbox_sweep began */
	bool due; /* rows that failed or were scheduled, and whose time has come */
	int64_t ahead_ms; /* with due: or comes within so long */
};

struct outbox *outbox_create(
	const struct config_relay *config, struct stop *stop, struct error *err);
void outbox_destroy(struct outbox *outbox); /* accepts NULL */
struct db *outbox_db(struct outbox *outbox);
struct lease *outbox_lease(struct outbox *outbox);
bool outbox_is_guest(const struct outbox *outbox); /* see outbox_driver.h */
bool outbox_is_done(const struct outbox *outbox); /* a guest is; any thread */

size_t outbox_parts(const struct outbox *outbox); /* see outbox_driver.h; at least 1 */

/* Writes what `dray status` shows; a guest is not shown. */
bool outbox_report(struct outbox *outbox, const struct report *report, struct error *err);

/* Connects if need be, checks the table, takes the lease (ERROR_CONFLICT: somebody else works on it). */
bool outbox_open(struct outbox *outbox, struct error *err);
void outbox_close(struct outbox *outbox); /* gives the lease back */

/* The positions of this outbox, one a stream, in the arena. */
bool outbox_positions(struct outbox *outbox, struct arena *arena, struct position **positions,
	size_t *count, struct error *err);

/* When the oldest pending row was created (wall clock, ms); INT64_MAX where none is pending. */
bool outbox_oldest(struct outbox *outbox, int64_t *created_ms, struct error *err);

/* Nobody will read for a while: writers need not ring. */
void outbox_rest(struct outbox *outbox);

/* Forgets the cursor and the gaps: the next reads start with the first pending row. */
void outbox_rewind(struct outbox *outbox);

/* Begins a sweep at an id; it ends where the cursor is by then (batch->sweep_done), or when stopped. */
void outbox_sweep(struct outbox *outbox, int64_t from);
void outbox_stop_sweep(struct outbox *outbox);

/*
 * One reading statement: new rows, rows in open gaps, and what the plan asks for, in one snapshot, since
 * two would turn a key around. The batch belongs to the caller.
 */
bool outbox_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err);

/*
 * The next settlement may read by this plan on its way, where that makes no difference: so the database works on the
 * one while the rows of the other are taken in. take is called then, once at most, with what outbox_read would give.
 */
struct read_beside {
	struct read_plan plan;
	void (*take)(void *context, struct batch *batch);
	void *context;
};

void outbox_expect(
	struct outbox *outbox, const struct read_beside *beside); /* until it is settled */

/*
 * Writes verdicts, which come in the order of their rows, each on the condition that the row is still pending and
 * the same event, together with the position of each stream, and renews the lease: all of it only if the lease is
 * still held. missed counts rows that were not as expected any more.
 */
bool outbox_settle(struct outbox *outbox, const struct verdict *verdicts, size_t count,
	const struct position *positions, size_t streams, size_t *missed, struct error *err);

/*
 * Deletes a few rows that were delivered longer ago than the retention, which is not off, and waits for nobody.
 * next_ms: how long until the next step.
 */
bool outbox_prune(struct outbox *outbox, int64_t *next_ms, struct error *err);

/*
 * Sleeps until a row may have been inserted, wake_fd is readable, or ms have passed; returns sooner where
 * something has to be looked at again.
 */
bool outbox_wait(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err);

/* There are more open gaps than can be watched: rows in them come by sweeps, which should be frequent. */
bool outbox_needs_sweeps(const struct outbox *outbox);

/* How many gaps are open, and how many rows came late out of one. */
size_t outbox_gaps(const struct outbox *outbox);
uint64_t outbox_late(const struct outbox *outbox);

#endif
