/* The seed, spelt out. */
#include "plan.h"

#include "actions.h"
#include "faults.h"
#include "support/common.h"

#define SHORT_WINDOW_MS 1000
#define LONG_WINDOW_MS	120000

uint64_t random_next(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15u;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
	return mixed ^ (mixed >> 31);
}

int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
	return low + (int64_t)(random_next(state) % (uint64_t)(high - low + 1));
}

bool random_chance(uint64_t *state, int percent)
{
	return random_between(state, 0, 99) < percent;
}

static void choose_settings(struct plan *plan, uint64_t *random)
{
	static const int batches[] = { 50, 100, 500, 1000 }, windows[] = { 16, 256, 4096 };
	static const char *const orderings[] = { "key", "key", "key", "key", "stream", "stream",
		"none" };

	plan->ordering = orderings[random_between(random, 0, 6)];
	plan->deletes = random_chance(random, 25);
	plan->polls = random_chance(random, 40);
	plan->standby = random_chance(random, 35);
	plan->other_name = random_chance(random, 50);
	plan->named_stream = random_chance(random, 50);
	plan->cached_ids = random_chance(random, 20);
	plan->long_open = random_chance(random, 30);
	plan->window_ms = random_chance(random, 50) ? SHORT_WINDOW_MS : LONG_WINDOW_MS;
	plan->lease_ms = random_chance(random, 60) ? 1000 : 2000;
	plan->batch = batches[random_between(random, 0, 3)];
	plan->max_in_flight = windows[random_between(random, 0, 2)];
	plan->writers = (int)random_between(random, 3, PLAN_WRITERS);
	plan->drawn_last = random_chance(random, 40);
	plan->brief = random_chance(random, 30);
	plan->long_open = plan->long_open && !plan->brief;
}

static void choose_weights(struct plan *plan, uint64_t *random)
{
	for (int action = 0; action < ACTIONS; action++) {
		unsigned usual = action_weight((enum action)action, plan);
		plan->weights[action] = usual * (unsigned)random_between(random, 1, 4);
	}
}

static void shuffle(const struct fault_kind **deck, int count, uint64_t *random)
{
	for (int i = count - 1; i > 0; i--) {
		int other = (int)random_between(random, 0, i);
		const struct fault_kind *kept = deck[i];
		deck[i] = deck[other];
		deck[other] = kept;
	}
}

static void fit_settings(struct plan *plan, const struct fault_kind *kind)
{
	if (kind->needs & (NEEDS_STANDBY | NEEDS_NO_STANDBY))
		plan->standby = (kind->needs & NEEDS_STANDBY) != 0;
	if (!(kind->needs & NEEDS_FENCE) || fault_is_possible(plan, kind))
		return;
	if (!plan->options.window_ms)
		plan->window_ms = LONG_WINDOW_MS;
	else if (!plan->options.ordering)
		plan->ordering = "stream";
}

/* Takes a kind into the plan, and the settings with it, unless one that is in it already forbids them. */
static void take(struct plan *plan, const struct fault_kind *kind)
{
	struct plan changed = *plan;

	fit_settings(&changed, kind);
	changed.faults[changed.fault_count++] = kind;
	for (int i = 0; i < changed.fault_count; i++)
		if (!fault_is_possible(&changed, changed.faults[i]))
			return;
	*plan = changed;
}

/* Half of the faults go round with the seeds, so that a few seeds have all kinds. */
static void choose_round(struct plan *plan)
{
	const struct fault_kind *deck[PLAN_FAULTS];
	int count = faults_known(&plan->options, deck, PLAN_FAULTS);
	int half = plan->options.faults / 2;

	if (plan->options.faults > PLAN_FAULTS || count == 0)
		give_up("at most %d faults, of kinds that there are", PLAN_FAULTS);
	int64_t turn = (int64_t)(plan->options.seed * (uint64_t)half % (uint64_t)count);
	for (int i = 0; i < half; i++)
		take(plan, deck[(turn + i) % count]);
}

/* The rest is chance. */
static void choose_faults(struct plan *plan, uint64_t *random)
{
	const struct fault_kind *deck[PLAN_FAULTS];
	int count = faults_possible(plan, deck, PLAN_FAULTS);

	if (count == 0)
		give_up("no such fault can happen with these settings");
	while (plan->fault_count < plan->options.faults)
		plan->faults[plan->fault_count++] = deck[random_between(random, 0, count - 1)];
	shuffle(plan->faults, plan->fault_count, random);
}

void plan_make(struct plan *plan, const struct options *options)
{
	uint64_t random = options->seed * 2654435761u + 97;

	*plan = (struct plan){ .options = *options };
	choose_settings(plan, &random);
	if (options->window_ms)
		plan->window_ms = options->window_ms;
	if (options->ordering)
		plan->ordering = options->ordering;
	choose_round(plan);
	if (strcmp(plan->ordering, "stream") == 0)
		plan->named_stream = true;
	choose_weights(plan, &random);
	choose_faults(plan, &random);
}

void plan_say(const struct plan *plan)
{
	say("seed %llu on %s: ordering %s, on_delivered %s, wakeup %s, lease %d ms, duplicate window "
	    "%d ms, batch %d, max_in_flight %d, %s, %d writers%s%s%s%s",
		(unsigned long long)plan->options.seed,
		plan->options.postgres ? "postgres" : "sqlite", plan->ordering,
		plan->deletes ? "delete" : "mark", plan->polls ? "poll" : "notify", plan->lease_ms,
		plan->window_ms, plan->batch, plan->max_in_flight,
		plan->named_stream ? "stream named" : "stream found by subject", plan->writers,
		plan->standby ? ", a standby" : "",
		plan->standby && plan->other_name ? " under another name" : "",
		plan->cached_ids && plan->options.postgres ? ", ids in blocks of 20" : "",
		plan->brief ? ", brief transactions" : "");
	for (int i = 0; i < plan->fault_count; i++)
		say("  fault %d: %s", i + 1, plan->faults[i]->name);
}
