/* Which faults there are, and one after the other. */
#include "faults.h"

#include "writers.h"

#define SEGMENT_MS 1200 /* the rows that belong to a fault are written within this time */

/* Which of its needs are there. */
static unsigned given(const struct options *options)
{
	return (options->postgres ? NEEDS_POSTGRES : NEEDS_SQLITE) |
		(options->cluster ? NEEDS_CLUSTER : NEEDS_ONE_NODE) |
		(options->disks ? NEEDS_DATABASE_DISK | NEEDS_NATS_DISKS : 0);
}

static bool is_wanted(const struct options *options, const struct fault_kind *kind)
{
	return !options->only || strncmp(kind->name, options->only, strlen(options->only)) == 0;
}

bool fault_is_possible(const struct plan *plan, const struct fault_kind *kind)
{
	bool fenced = plan->window_ms >= 60000 || strcmp(plan->ordering, "stream") == 0;
	unsigned has = given(&plan->options) | (plan->standby ? NEEDS_STANDBY : NEEDS_NO_STANDBY) |
		(fenced ? NEEDS_FENCE : 0);

	return (kind->needs & ~has) == 0 && is_wanted(&plan->options, kind);
}

static const struct fault_kind *const all[] = { faults_of_dray, faults_of_nats,
	faults_of_databases };

int faults_known(const struct options *options, const struct fault_kind **kinds, int room)
{
	unsigned has = given(options) | NEEDS_STANDBY | NEEDS_NO_STANDBY | NEEDS_FENCE;
	int count = 0;

	for (int i = 0; i < 3; i++)
		for (const struct fault_kind *kind = all[i]; kind->name; kind++)
			if ((kind->needs & ~has) == 0 && is_wanted(options, kind) && count < room)
				kinds[count++] = kind;
	return count;
}

int faults_possible(const struct plan *plan, const struct fault_kind **kinds, int room)
{
	int count = 0;

	for (int i = 0; i < 3; i++)
		for (const struct fault_kind *kind = all[i]; kind->name; kind++)
			if (fault_is_possible(plan, kind) && count < room)
				kinds[count++] = kind;
	return count;
}

bool faults_need(const struct plan *plan, unsigned need)
{
	for (int i = 0; i < plan->fault_count; i++)
		if (plan->faults[i]->needs & need)
			return true;
	return false;
}

void disk_full(const char *path, uint64_t *random)
{
	small_disk_fill(path);
	nap(random_between(random, 200, 3000));
	small_disk_free(path);
}

void network_cut(struct proxy *proxy)
{
	proxy_refuse(proxy);
	proxy_cut(proxy);
}

void network_pause(uint64_t *random, int64_t most_ms)
{
	nap(random_chance(random, 50) ? 0 : random_between(random, 0, most_ms));
}

void network_slow(struct proxy *proxy, int ms, uint64_t *random)
{
	proxy_delay(proxy, ms);
	if (random_chance(random, 30))
		proxy_throttle(proxy, 200000);
}

void faults_run(struct world *world)
{
	const struct plan *plan = world->plan;
	uint64_t random = plan->options.seed * 7 + 5;
	int64_t part = plan->options.rows / (plan->fault_count + 1);

	for (int i = 0; i < plan->fault_count; i++) {
		struct fault_record *record = &world->records[i];
		writers_allow(world->writers, part * (i + 1), SEGMENT_MS);
		nap(random_between(&random, 30, 600));
		record->from_ms = wall_ms();
		record->hit = plan->faults[i]->run(world, plan->faults[i], &random);
		say("  fault %d, %s: %s, %lld ms", i + 1, plan->faults[i]->name,
			record->hit ? "hit" : "missed", (long long)(wall_ms() - record->from_ms));
		world_check_drays(world);
		nap(random_between(&random, 0, 600));
	}
	writers_allow(world->writers, plan->options.rows, SEGMENT_MS);
}

void faults_report(const struct world *world)
{
	const struct plan *plan = world->plan;
	const struct fault_kind *kinds[PLAN_FAULTS];
	int count = faults_possible(plan, kinds, PLAN_FAULTS);

	for (int i = 0; i < count; i++) {
		int tried = 0, hit = 0;
		for (int fault = 0; fault < plan->fault_count; fault++) {
			tried += plan->faults[fault] == kinds[i];
			hit += plan->faults[fault] == kinds[i] && world->records[fault].hit;
		}
		say("FAULT %s %d %d", kinds[i]->name, hit, tried);
	}
}

/* The one that began within the time, else the last before it. */
const char *faults_at(const struct world *world, int64_t from_ms, int64_t to_ms)
{
	const char *name = NULL;
	int within = 0;

	for (int i = 0; i < world->plan->fault_count; i++) {
		int64_t began = world->records[i].from_ms;
		if (!began || began > to_ms)
			break;
		name = world->plan->faults[i]->name;
		within += began >= from_ms;
	}
	return within > 1 ? "several faults" : name;
}
