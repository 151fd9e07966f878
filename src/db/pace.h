#ifndef DB_PACE_H
#define DB_PACE_H

#include "db/db.h"

/*
 * Work on many rows in small steps, so that nobody waits for it: a step aims at 20 ms, and what it takes decides how
 * many rows the next one looks at, and how long to pause before it.
 */
struct pace {
	int64_t rows; /* a step looks at so many */
	int64_t pause_ms; /* for others to work, after the last step */
};

void pace_init(struct pace *pace);

/*
 * Runs a step. polite: another writer of an SQLite file is not waited for; the step, which did nothing then, is
 * left for later.
 */
typedef bool pace_step_fn(void *context, struct db *db, int64_t rows, struct error *err);
bool pace_step(struct pace *pace, struct db *db, bool polite, pace_step_fn *step, void *context,
	struct error *err);

/* How often to look for what has reached this age, at most every so often. */
int64_t pace_every_ms(int64_t age_ms, int64_t longest_ms);

#endif
