#ifndef CHAOS_ACTIONS_H
#define CHAOS_ACTIONS_H

#include "plan.h"
#include "support/support.h"

/*
 * What a writer does in one turn. Every transaction writes what it does into `ledger` too, so that the
 * ledger holds what was committed, and nothing else, whatever the writer was told of its COMMIT. Writers
 * of a key take turns by the lock on its row in `business`, and count in it: n in the ledger is the order
 * of the commits of the key.
 */
enum action {
	ACTION_SINGLE,
	ACTION_BURST, /* many rows of several keys */
	ACTION_HOT_BURST, /* many rows of one key */
	ACTION_KEYLESS,
	ACTION_ROLLBACK,
	ACTION_SAVEPOINT, /* some of it rolled back */
	ACTION_SCHEDULED,
	ACTION_POISON,
	ACTION_SAME_ID, /* two events under one event_id */
	ACTION_LATE, /* ids are drawn long before the commit */
	ACTION_AHEAD, /* ids are drawn before the transaction */
	ACTION_SLOW, /* much time between the id and the row */
	ACTION_PREPARED,
	ACTIONS
};

extern const char *const action_names[ACTIONS];

/* How often, in a run with these settings; 0 where it does not go with them. */
unsigned action_weight(enum action action, const struct plan *plan);

struct writer {
	const struct plan *plan;
	struct testdb *db;
	uint64_t random;
	int number;
	int64_t turns;
	bool prepared, drawn; /* something is to be finished by a later turn */
	char sql[16384]; /* what is being put together */
	size_t size;
};

/* Gives how many rows were committed, as far as the database said. Any thread, one at a time. */
int64_t action_do(struct writer *writer, enum action action);

/* Finishes what was left open. */
void action_finish(struct writer *writer);

/* The keys of all writers, made before they start. */
void action_make_keys(struct testdb *db);

#endif
