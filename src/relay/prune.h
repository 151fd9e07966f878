#ifndef RELAY_PRUNE_H
#define RELAY_PRUNE_H

#include "db/pace.h"

/*
 * Deletes the delivered rows of an outbox that are older than its retention, a few in a transaction, so that
 * nobody waits for it: a step aims at 20 ms. Rows that are pending or dead stay. An SQLite file that is set
 * so (auto_vacuum is incremental) gives its pages back, down to a tenth of the file.
 *
 * A pass goes once through the table by id, up to the first rows that are too young to have been delivered so
 * long ago. One thread, the one of the connection; no transaction is open.
 */
struct prune {
	const char *table;
	int64_t retention_ms;
	int64_t at; /* rows up to this id were looked at in this pass */
	int64_t from; /* none up to this id is left, as far as is known */
	int64_t full_ms; /* monotonic: when to begin at the first row once more */
	int64_t deleted, in_pass; /* since the beginning; of this pass */
	struct pace pace;
	bool kept; /* a row was left in this pass */
	bool vacuums; /* all rows were looked at; pages are given back now */
};

void prune_init(struct prune *prune, const char *table, int64_t retention_ms);

/*
 * A step. over: the pass has ended, the next step begins another. dry: only counts, in `deleted`.
 * polite: another writer of an SQLite file is not waited for; the step is left for later.
 */
bool prune_step(
	struct prune *prune, struct db *db, bool dry, bool polite, bool *over, struct error *err);

/* How often a pass should be made, for this retention. */
int64_t prune_every_ms(int64_t retention_ms);

#endif
