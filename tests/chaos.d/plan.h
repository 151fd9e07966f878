#ifndef CHAOS_PLAN_H
#define CHAOS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What one run does, all of it decided by its seed: the pipeline's settings, how the application writes,
 * and which faults happen. What a person asks for on the command line is kept whatever the seed says.
 */
#define PLAN_WRITERS 6
#define PLAN_FAULTS  400

struct options {
	uint64_t seed;
	bool postgres, cluster;
	bool disks; /* small ones can be made here, which a fault may fill */
	int64_t rows;
	int faults;
	int window_ms; /* 0: the seed decides */
	const char *ordering; /* NULL: the seed decides */
	const char *only; /* faults whose names begin so; NULL: all */
};

struct fault_kind;

struct plan {
	struct options options;
	const char *ordering; /* none, key, stream */
	bool deletes, polls, standby, other_name, named_stream, cached_ids, long_open, drawn_last;
	bool brief; /* no transaction stays open but those that have an id and no transaction id yet */
	int window_ms, lease_ms, batch, max_in_flight;
	int writers;
	unsigned weights[16]; /* how often a writer does what, by enum action */
	const struct fault_kind *faults[PLAN_FAULTS];
	int fault_count;
};

void plan_make(struct plan *plan, const struct options *options);
void plan_say(const struct plan *plan);

/* Numbers that only depend on the state they start from. */
uint64_t random_next(uint64_t *state);
int64_t random_between(uint64_t *state, int64_t low, int64_t high); /* both included */
bool random_chance(uint64_t *state, int percent);

#endif
