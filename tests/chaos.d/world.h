#ifndef CHAOS_WORLD_H
#define CHAOS_WORLD_H

#include "plan.h"
#include "support/support.h"

#define STREAM "CHAOS" /* takes chaos.> and side.>, at times late.>, and keeps them */
#define QUEUE  "QUEUE" /* takes queue.>, and lets go of what was acknowledged */

/* Over these, an event is dead: the server's limit, and the stream's. */
#define MAX_PAYLOAD  65536
#define MAX_MSG_SIZE 32768

struct fault_record {
	int64_t from_ms; /* wall clock */
	bool hit;
};

/* The servers, the proxies before them, and one dray or two. */
struct world {
	const struct plan *plan;
	struct nats_cluster cluster; /* only the first node where it is no cluster */
	int nodes;
	struct proxy *nats_proxies[NATS_CLUSTER_SIZE];
	struct pg_server pg;
	struct proxy *pg_proxy;
	char *url; /* of the database, without a proxy */
	char *db_disk; /* where it has a small one of its own; else NULL */
	char *configs[2], *hasty_configs[2];
	struct proc *drays[2];
	int dray_count;
	struct testdb *db; /* the main thread's own */
	struct writers *writers;
	struct feeder *feeder;
	struct fault_record records[PLAN_FAULTS];
	bool refuses_side, takes_late;
	int given_up; /* keys so far whose first row somebody was about to give up */
	int side_rows; /* such keys of writers_begin_side */
};

void world_start(struct world *world, const struct plan *plan);
void world_finish(struct world *world);

/* ordering: stream, and nobody commits late: an SQLite file has one writer at a time. */
bool world_is_in_total_order(const struct world *world);

/* A connection to a node that answers. */
struct jetstream *world_jetstream(struct world *world);

/*
 * What the sink of the queue would make itself, but for the wait: messages that it had fetched when it
 * died come again only after that, half a minute by default, which is too long for each run.
 */
void world_make_consumer(struct jetstream *js);

/* Whether the stream takes side.>, which the rows of some keys go to; and late.>, which it does not at first. */
void world_take_side(struct world *world, bool take);
void world_take_late(struct world *world, bool take);

/*
 * dray number i, with failpoints or NULL; one that gives a row up at its first failure; and whether none has ended
 * by itself, which fails the run.
 */
void world_start_dray(struct world *world, int i, const char *failpoints);
void world_start_hasty_dray(struct world *world, int i, const char *failpoints);
void world_check_drays(struct world *world);

/*
 * SIGTERM. It ends with 0, or by the signal itself where it has only just been started, or says that it
 * could not finish in time: a database that the network has forgotten is not heard of before that.
 */
void world_end_dray(struct world *world, int i);

/* Both networks are as they should be, again. */
void world_clear_network(struct world *world);

/* Which dray works on the outbox just now; the first where nobody does. */
int world_holder(struct world *world);

int64_t wall_ms(void);

#endif
