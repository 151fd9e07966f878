#ifndef SINK_TOMBSTONES_H
#define SINK_TOMBSTONES_H

#include "db/pace.h"

/*
 * Forgets the keys that a sink deleted longer ago than this age, a few in a transaction. A pass goes once through the
 * deleted keys of the sink, in their order. One thread, the one of the connection; no transaction is open.
 */
struct tombstones {
	const char *sink; /* its name */
	int64_t age_ms;
	struct pace pace;
	char *stream, *key; /* those up to here were looked at in this pass; NULL: none */
	int64_t forgotten; /* since the beginning */
};

void tombstones_init(struct tombstones *tombstones, const char *sink, int64_t age_ms);
void tombstones_finish(struct tombstones *tombstones);

/* A step, as in pace.h. over: the pass has ended, the next step begins another. dry: only counts. */
bool tombstones_step(struct tombstones *tombstones, struct db *db, bool dry, bool polite,
	bool *over, struct error *err);

/* How often a pass should be made, for this age. */
int64_t tombstones_every_ms(int64_t age_ms);

#endif
