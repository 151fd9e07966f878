/* A cluster of real nats-servers for a test. */
#include "support/nats_cluster.h"

#include <jansson.h>

#include "support/common.h"

#define ANSWER_MS 500

static char *route_list(const int *ports)
{
	char *all = text("%s", "");

	for (int i = 0; i < NATS_CLUSTER_SIZE; i++)
		all = text("%s%snats-route://127.0.0.1:%d", all, i ? ", " : "", ports[i]);
	return all;
}

static void start_one(struct nats_cluster *cluster, const char *name, const char *extra, int number,
	const int *ports)
{
	const char *named = getenv("DRAY_NATS_CLUSTER_SERVER");
	char *all = text("cluster { name: %s, listen: \"127.0.0.1:%d\", routes: [ %s ], "
			 "no_advertise: true }\n%s",
		name, ports[number], route_list(ports), extra ? extra : "");

	nats_server_start_as(&cluster->servers[number], text("%s%d", name, number),
		&(struct nats_server_setup){
			.program = named && *named ? named : NULL, .extra = all });
}

void nats_cluster_start(struct nats_cluster *cluster, const char *name, const char *extra)
{
	int ports[NATS_CLUSTER_SIZE];

	for (int i = 0; i < NATS_CLUSTER_SIZE; i++)
		ports[i] = free_port();
	cluster->url = text("%s", "");
	for (int i = 0; i < NATS_CLUSTER_SIZE; i++) {
		start_one(cluster, name, extra, i, ports);
		cluster->url = text("%s%s%s", cluster->url, i ? "," : "", cluster->servers[i].url);
	}
	nats_cluster_wait(cluster, NULL);
}

struct jetstream *nats_cluster_open(struct nats_cluster *cluster)
{
	for (int i = 0; i < NATS_CLUSTER_SIZE; i++)
		if (proc_running(cluster->servers[i].proc))
			return jetstream_open(cluster->servers[i].url);
	give_up("no server of the cluster runs");
}

/* The answer as JSON; NULL: none, or an error. */
static json_t *ask(struct nats_cluster *cluster, const char *api)
{
	struct jetstream *js = nats_cluster_open(cluster);
	char *said = jetstream_ask(js, api, NULL, ANSWER_MS);
	json_t *root = said ? json_loads(said, 0, NULL) : NULL;

	jetstream_close(js);
	if (!root || !json_object_get(root, "error"))
		return root;
	json_decref(root);
	return NULL;
}

static bool is_current(const json_t *info)
{
	const json_t *cluster = json_object_get(info, "cluster"), *replica;
	json_t *replicas = json_object_get(cluster, "replicas");
	size_t i;

	if (!json_object_get(cluster, "leader") ||
		json_array_size(replicas) != NATS_CLUSTER_SIZE - 1)
		return false;
	json_array_foreach(replicas, i, replica)
	{
		if (!json_is_true(json_object_get(replica, "current")) ||
			json_is_true(json_object_get(replica, "offline")))
			return false;
	}
	return true;
}

static bool is_ready(struct nats_cluster *cluster, const char *stream)
{
	json_t *root = ask(cluster, stream ? text("STREAM.INFO.%s", stream) : "INFO");
	bool ready = root && (!stream || is_current(root));

	json_decref(root);
	return ready;
}

void nats_cluster_wait(struct nats_cluster *cluster, const char *stream)
{
	WAIT_UNTIL(60000, is_ready(cluster, stream));
}

static int find_leader(struct nats_cluster *cluster, const char *stream)
{
	json_t *root = ask(cluster, text("STREAM.INFO.%s", stream));
	const char *name =
		json_string_value(json_object_get(json_object_get(root, "cluster"), "leader"));
	int leader = -1;

	for (int i = 0; name && i < NATS_CLUSTER_SIZE; i++)
		if (strcmp(name, cluster->servers[i].name) == 0)
			leader = i;
	json_decref(root);
	return leader;
}

int nats_cluster_leader(struct nats_cluster *cluster, const char *stream)
{
	int leader = -1;

	WAIT_UNTIL(60000, (leader = find_leader(cluster, stream)) >= 0);
	return leader;
}

void nats_cluster_step_down(struct nats_cluster *cluster, const char *stream)
{
	json_t *root = NULL;

	WAIT_UNTIL(30000, (root = ask(cluster, text("STREAM.LEADER.STEPDOWN.%s", stream))));
	json_decref(root);
}
