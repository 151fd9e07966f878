/* Faults of dray itself: killed anywhere, killed between two steps, paused, ended. */
#include <signal.h>

#include "faults.h"
#include "writers.h"

#define KILLED (128 + SIGKILL)

static void start_all(struct world *world)
{
	for (int i = 0; i < world->dray_count; i++)
		if (!proc_running(world->drays[i]))
			world_start_dray(world, i, NULL);
}

static bool kill_holder(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	proc_kill(world->drays[world_holder(world)]);
	nap(random_between(random, 0, 1500));
	start_all(world);
	return true;
}

static bool kill_all(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	for (int i = 0; i < world->dray_count; i++)
		proc_kill(world->drays[i]);
	nap(random_between(random, 0, 1500));
	start_all(world);
	return true;
}

static bool end_holder(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	world_end_dray(world, world_holder(world));
	start_all(world);
	return true;
}

static void pause_holder(struct world *world, int64_t ms)
{
	struct proc *holder = world->drays[world_holder(world)];

	proc_signal(holder, SIGSTOP);
	nap(ms);
	proc_signal(holder, SIGCONT);
}

static bool pause_short(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	pause_holder(world, random_between(random, 50, world->plan->lease_ms / 2));
	return true;
}

/* Longer than its lease: it must notice when it wakes up. */
static bool pause_long(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	int64_t lease = world->plan->lease_ms;

	(void)kind;
	pause_holder(world, random_between(random, lease + 200, 2 * lease + 700));
	return true;
}

static void end_all(struct world *world)
{
	for (int i = 0; i < world->dray_count; i++)
		world_end_dray(world, i);
}

/* Whether it came to its failpoint; it is dead afterwards. */
static bool has_died(struct proc *dray)
{
	int64_t end = now_ms() + patience(5000);

	while (proc_running(dray) && now_ms() < end)
		nap(5);
	bool died = !proc_running(dray);
	if (died && dray->status != KILLED)
		give_up("BREACH dray ended by itself with %d", dray->status);
	proc_kill(dray);
	return died;
}

/* The one that is to die works alone, so that it comes to the place; the name is the failpoint's. */
static bool die_at(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	const struct plan *plan = world->plan;
	int64_t few =
		plan->options.rows / (plan->fault_count + 1) / 8; /* of those that are there */

	end_all(world);
	world_start_dray(world, 0,
		text("%s=kill@%lld", strchr(kind->name, ' ') + 1,
			(long long)random_between(random, 1, kind->most < few ? kind->most : few)));
	bool died = has_died(world->drays[0]);
	if (random_chance(random, 50))
		nap(random_between(random, 0, 1500));
	start_all(world);
	return died;
}

/*
 * A row is given up, and before the table knows it dray dies, not quite at once. Then what refused the row is mended,
 * so it goes out after all: what comes behind it must not have gone before.
 */
static bool die_giving_up(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	end_all(world);
	if (world->takes_late)
		world_take_late(world, false);
	writers_add_late(world->writers, ++world->given_up);
	world_start_hasty_dray(world, 0,
		text("relay.before_settle=sleep:%lld,relay.before_giving_up=kill",
			(long long)random_between(random, 20, 60)));
	bool died = has_died(world->drays[0]);
	world_take_late(world, true);
	start_all(world);
	return died;
}

const struct fault_kind faults_of_dray[] = {
	{ "kill-dray", kill_holder, 0, 0 },
	{ "end-dray", end_holder, 0, 0 },
	{ "pause-dray", pause_short, 0, 0 },
	{ "pause-dray-long", pause_long, NEEDS_NO_STANDBY, 0 },
	{ "die-at relay.before_read", die_at, 0, 8 },
	{ "die-at relay.after_read", die_at, 0, 4 },
	{ "die-at relay.before_publish", die_at, 0, 250 },
	{ "die-at relay.after_acknowledgement", die_at, 0, 250 },
	{ "die-at relay.before_settle", die_at, 0, 4 },
	{ "die-at relay.before_commit", die_at, NEEDS_SQLITE, 4 },
	{ "die-at relay.after_settle", die_at, 0, 4 },
	{ "die-giving-up", die_giving_up, 0, 0 },
	{ "die-at sink.after_fetch", die_at, 0, 3 },
	{ "die-at sink.before_store", die_at, 0, 3 },
	{ "die-at sink.after_store", die_at, 0, 3 },
	{ "die-at sink.before_ack", die_at, 0, 3 },
	{ "die-at sink.after_ack", die_at, 0, 3 },
	/* far from the one that goes without a standby, so that one run need not have both */
	{ "kill-all-drays", kill_all, NEEDS_STANDBY, 0 },
	{ "pause-holder", pause_long, NEEDS_STANDBY | NEEDS_FENCE, 0 },
	{ NULL, NULL, 0, 0 },
};
