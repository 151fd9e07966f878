/*
 * A stream with three replicas on a cluster of three nats-servers, under load: its leader steps down, is
 * killed, a follower is killed, two of three are killed (no quorum) and come back. Nothing is lost, twice
 * or turned around, and no row's attempts grow, whatever the ordering. DRAY_LONG=1 has all orderings on
 * both databases.
 */
#include "load.h"

static struct nats_cluster cluster;

static int start(void **state)
{
	nats_cluster_start(&cluster, "node", NULL);
	return fixture_start(state);
}

static void kill_node(int number)
{
	nats_server_kill(&cluster.servers[number]);
}

static void bring_back(struct load *load, int number)
{
	nats_server_again(&cluster.servers[number]);
	(void)load;
}

/* Works again, and every replica has caught up, so that the next fault meets a healthy cluster. */
static void wait_healthy(struct load *load)
{
	load_wait_moving(load, 60000);
	nats_cluster_wait(&cluster, load->name);
	nap(1000);
}

static void step_down(struct load *load, int times)
{
	for (int i = 0; i < times; i++) {
		load_fault_begin(load, "leader steps down");
		nats_cluster_step_down(&cluster, load->name);
		load_fault_end(load);
		wait_healthy(load);
	}
}

/* The work goes on without it; its end counts as the fault's, since the others stay. */
static void kill_one(struct load *load, bool leader)
{
	int number = nats_cluster_leader(&cluster, load->name);

	if (!leader)
		number = (number + 1) % NATS_CLUSTER_SIZE;
	load_fault_begin(load, leader ? "leader killed" : "follower killed");
	kill_node(number);
	load_fault_end(load);
	load_wait_moving(load, 60000);
	bring_back(load, number);
	wait_healthy(load);
}

static void kill_two(struct load *load)
{
	int leader = nats_cluster_leader(&cluster, load->name);

	load_fault_begin(load, "two of three killed, back after 8 s");
	kill_node(leader);
	kill_node((leader + 1) % NATS_CLUSTER_SIZE);
	nap(8000);
	bring_back(load, leader);
	load_fault_end(load);
	load_wait_moving(load, 60000);
	bring_back(load, (leader + 1) % NATS_CLUSTER_SIZE);
	wait_healthy(load);
}

static void through_all(const char *kind, const char *ordering)
{
	struct load load;
	const char *name = text("cluster_%s", ordering);

	load_start(&load,
		&(struct load_setup){ .kind = kind,
			.name = name,
			.nats_url = cluster.url,
			.look_url = cluster.servers[0].url,
			.relay = text("ordering: %s, stream: %s_%s", ordering, name, kind),
			.replicas = 3 });
	step_down(&load, long_run() ? 5 : 1);
	if (long_run()) {
		kill_one(&load, true);
		kill_one(&load, false);
		kill_two(&load);
	}
	load_end(&load);
}

static void test_by_key(void **state)
{
	through_all(*state, "key");
}

static void test_no_order(void **state)
{
	through_all(*state, "none");
}

static void test_total_order(void **state)
{
	through_all(*state, "stream");
}

int main(void)
{
	const struct CMUnitTest all[] = {
		FOR_BOTH(test_by_key),
		FOR_BOTH(test_no_order),
		FOR_BOTH(test_total_order),
	};
	const struct CMUnitTest few[] = {
		cmocka_unit_test_prestate(test_by_key, (void *)(uintptr_t)"postgres"),
	};

	only_named_tests();
	return long_run() ? cmocka_run_group_tests_name("a cluster", all, start, NULL)
			  : cmocka_run_group_tests_name("a cluster", few, start, NULL);
}
