/* Faults of nats-server, of the network before it, and of what it holds for the sinks. */
#include <jansson.h>

#include "faults.h"
#include "writers.h"

/* One that counts: mostly the stream's leader. */
static struct nats_server *choose_node(struct world *world, uint64_t *random)
{
	if (world->nodes > 1 && random_chance(random, 60))
		return &world->cluster.servers[nats_cluster_leader(&world->cluster, STREAM)];
	return &world->cluster.servers[random_between(random, 0, world->nodes - 1)];
}

/* A cluster may lose one node at a time. */
static void wait_until_whole(struct world *world)
{
	if (world->nodes == 1)
		return;
	nats_cluster_wait(&world->cluster, STREAM);
	nats_cluster_wait(&world->cluster, QUEUE);
}

static bool kill_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct nats_server *node = choose_node(world, random);

	(void)kind;
	nats_server_kill(node);
	nap(random_between(random, 0, 1200));
	nats_server_again(node);
	wait_until_whole(world);
	return true;
}

static bool restart_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct nats_server *node = choose_node(world, random);

	(void)kind;
	nats_server_end(node);
	nap(random_between(random, 0, 500));
	nats_server_again(node);
	wait_until_whole(world);
	return true;
}

static bool pause_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct nats_server *node = choose_node(world, random);

	(void)kind;
	nats_server_pause(node);
	nap(random_between(random, 100, random_chance(random, 25) ? 7000 : 2500));
	nats_server_resume(node);
	wait_until_whole(world);
	return true;
}

/* Some versions take no more, or end no more, until they are started again. */
static bool fill_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct nats_server *node = choose_node(world, random);

	(void)kind;
	disk_full(node->folder, random);
	nats_server_kill(node);
	nats_server_again(node);
	wait_until_whole(world);
	return true;
}

static bool cut_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	for (int i = 0; i < world->nodes; i++)
		network_cut(world->nats_proxies[i]);
	network_pause(random, 2000);
	world_clear_network(world);
	return true;
}

static bool forget_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	for (int i = 0; i < world->nodes; i++)
		proxy_forget(world->nats_proxies[i]);
	return true;
}

/* Half open: nobody is told. What was on its way arrives afterwards, or never. */
static bool hold_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	int directions = (int)random_between(random, PROXY_TO_SERVER, PROXY_BOTH);

	(void)kind;
	for (int i = 0; i < world->nodes; i++)
		proxy_hold(world->nats_proxies[i], directions);
	nap(random_between(random, 200, random_chance(random, 25) ? 7000 : 2500));
	for (int i = 0; random_chance(random, 50) && i < world->nodes; i++)
		proxy_cut(world->nats_proxies[i]);
	world_clear_network(world);
	return true;
}

static bool slow_nats(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	int ms = (int)random_between(random, 2, 100);

	(void)kind;
	for (int i = 0; i < world->nodes; i++)
		network_slow(world->nats_proxies[i], ms, random);
	nap(random_between(random, 500, 1500));
	world_clear_network(world);
	return true;
}

/*
 * Rows of some keys fail, not for so long that they would be given up; through a slow network what comes behind
 * them is on its way before their answer is back.
 */
static bool refuse_subject(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	int64_t times = random_between(random, 1, 4);
	bool slow = random_chance(random, 60);

	(void)kind;
	for (int i = 0; slow && i < world->nodes; i++)
		proxy_delay(world->nats_proxies[i], 60);
	for (int64_t i = 0; i < times; i++) {
		world_take_side(world, false);
		nap(random_between(random, 100, 1000 / times));
		world_take_side(world, true);
		nap(random_between(random, 20, 200));
	}
	world_clear_network(world);
	return true;
}

/*
 * Rows have failed for some time, and then comes one with a lower id, which fails too: now there are two, and in total
 * order the first one's turn comes long before the other's.
 */
static bool refuse_late_row(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	writers_begin_side(world->writers, ++world->side_rows);
	world_take_side(world, false);
	nap(random_between(random, 800, 1300));
	writers_commit_side(world->writers);
	nap(random_between(random, 50, 250));
	world_take_side(world, true);
	return true;
}

static int lost(const struct world *world)
{
	int count = 0;

	for (int i = 0; i < world->nodes; i++)
		count += proxy_lost(world->nats_proxies[i]);
	return count;
}

int network_lose_next(struct world *world, const char *what)
{
	int before = lost(world);

	for (int i = 0; i < world->nodes; i++)
		proxy_lose(world->nats_proxies[i], what);
	return before;
}

bool network_has_lost(struct world *world, int before, int64_t ms)
{
	int64_t end = now_ms() + ms;

	while (lost(world) == before && now_ms() < end)
		nap(5);
	for (int i = 0; i < world->nodes; i++)
		proxy_lose(world->nats_proxies[i], "");
	return lost(world) > before;
}

static bool lose(struct world *world, const char *what, int64_t ms)
{
	return network_has_lost(world, network_lose_next(world, what), ms);
}

/* Some acknowledgements get lost, and now and then dray dies before it can notice. */
static bool lose_answer(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	static const char acknowledgement[] = "{\"stream\":\"" STREAM "\"";
	bool hit = lose(world, acknowledgement, patience(4000));

	(void)kind;
	for (int64_t more = random_between(random, 0, 3); hit && more > 0; more--)
		hit = lose(world, acknowledgement, 300) || hit;
	if (random_chance(random, 50))
		return hit;
	nap(random_between(random, 0, 300));
	int holder = world_holder(world);
	proc_kill(world->drays[holder]);
	nap(random_between(random, 0, 1500));
	world_start_dray(world, holder, NULL);
	return hit;
}

/*
 * The same, and the refusal of the first of them gets lost: the second one is known to have failed before it. In total
 * order the first is missed after a while and refused again, so that two rows have failed. Elsewhere a subject is not
 * refused for so long, since its rows would be given up.
 */
static bool lose_refusal(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	int before = network_lose_next(world, "NATS/1.0 503");
	world_take_side(world, false);
	bool hit = network_has_lost(world, before, 1000);
	if (hit && strcmp(world->plan->ordering, "stream") == 0)
		nap(random_between(random, 1500, 2500));
	world_take_side(world, true);
	return hit;
}

static bool lose_message(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	return lose(world, "Nats-Msg-Id", patience(4000));
}

static int delete_consumers(struct jetstream *js, const char *stream)
{
	json_t *root = json_loads(
		jetstream_ask(js, text("CONSUMER.NAMES.%s", stream), NULL, patience(2000)), 0,
		NULL);
	json_t *names = json_object_get(root, "consumers"), *name;
	int deleted = 0;
	size_t i;

	json_array_foreach(names, i, name)
	{
		jetstream_ask(js, text("CONSUMER.DELETE.%s.%s", stream, json_string_value(name)),
			NULL, patience(2000));
		deleted++;
	}
	json_decref(root);
	return deleted;
}

static bool delete_all_consumers(
	struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct jetstream *js = world_jetstream(world);

	(void)kind;
	(void)random;
	int deleted = delete_consumers(js, STREAM) + delete_consumers(js, QUEUE);
	world_make_consumer(js); /* unless the sink was quicker */
	jetstream_close(js);
	return deleted > 0;
}

static bool step_down(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	nats_cluster_step_down(&world->cluster, STREAM);
	return true;
}

const struct fault_kind faults_of_nats[] = {
	{ "kill-nats", kill_nats, 0, 0 },
	{ "restart-nats", restart_nats, 0, 0 },
	{ "pause-nats", pause_nats, 0, 0 },
	{ "cut-nats", cut_nats, 0, 0 },
	{ "forget-nats", forget_nats, 0, 0 },
	{ "hold-nats", hold_nats, 0, 0 },
	{ "slow-nats", slow_nats, 0, 0 },
	{ "lose-answer", lose_answer, 0, 0 },
	{ "lose-message", lose_message, 0, 0 },
	{ "refuse-subject", refuse_subject, 0, 0 },
	{ "refuse-late-row", refuse_late_row, NEEDS_POSTGRES, 0 },
	{ "lose-refusal", lose_refusal, 0, 0 },
	{ "delete-consumers", delete_all_consumers, 0, 0 },
	{ "fill-nats", fill_nats, NEEDS_NATS_DISKS, 0 },
	{ "step-down", step_down, NEEDS_CLUSTER, 0 },
	{ NULL, NULL, 0, 0 },
};
