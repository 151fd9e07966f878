#ifndef CHAOS_FAULTS_H
#define CHAOS_FAULTS_H

#include "plan.h"
#include "world.h"

/*
 * The kinds of faults. Each does its harm and undoes it: when it returns, every server is up again and
 * dray runs, though it may still be busy finding its feet. Main thread only.
 */
struct fault_kind {
	const char *name;
	bool (*run)(struct world *world, const struct fault_kind *kind, uint64_t *random);
	unsigned needs;
	int64_t most; /* a failpoint's: passes before it strikes, at most */
};

enum {
	NEEDS_POSTGRES = 1,
	NEEDS_SQLITE = 2,
	NEEDS_CLUSTER = 4,
	NEEDS_ONE_NODE = 8,
	NEEDS_STANDBY = 16,
	NEEDS_NO_STANDBY = 32,
	NEEDS_FENCE = 64, /* a long duplicate window, or ordering: stream */
	NEEDS_DATABASE_DISK = 128, /* small, under what the name says */
	NEEDS_NATS_DISKS = 256,
};

/*
 * Those that runs with these options can have, if the seed decides for the settings that they need, and those
 * that a run can have: both in a fixed order; they give how many.
 */
int faults_known(const struct options *options, const struct fault_kind **kinds, int room);
int faults_possible(const struct plan *plan, const struct fault_kind **kinds, int room);
bool fault_is_possible(const struct plan *plan, const struct fault_kind *kind);

extern const struct fault_kind faults_of_dray[], faults_of_nats[], faults_of_databases[];

/* Whether one of a plan's faults has this need. */
bool faults_need(const struct plan *plan, unsigned need);

/* A disk is full for a while. */
void disk_full(const char *path, uint64_t *random);

/* What the networks before both servers have in common. */
void network_cut(struct proxy *proxy); /* and refuses to connect */
void network_pause(uint64_t *random, int64_t most_ms); /* half of the time none at all */
void network_slow(struct proxy *proxy, int ms, uint64_t *random);

/* The next message to a client with this in it gets lost; and whether one was, within so many ms. */
int network_lose_next(struct world *world, const char *what);
bool network_has_lost(struct world *world, int before, int64_t ms);

/* Each fault of the plan, while the writers go on, and what came of it. */
void faults_run(struct world *world);
void faults_report(const struct world *world);

/* Which fault a moment (wall clock) belongs to: NULL before the first. */
const char *faults_at(const struct world *world, int64_t from_ms, int64_t to_ms);

#endif
