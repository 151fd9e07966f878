#ifndef SUPPORT_NATS_CLUSTER_H
#define SUPPORT_NATS_CLUSTER_H

#include "support/jetstream.h"
#include "support/nats_server.h"

/*
 * Three nats-servers with JetStream that form a cluster, each with the means of nats_server.h.
 * DRAY_NATS_CLUSTER_SERVER picks the program, otherwise it is the usual one.
 */
#define NATS_CLUSTER_SIZE 3

struct nats_cluster {
	struct nats_server servers[NATS_CLUSTER_SIZE];
	char *url; /* of all of them, comma separated */
};

/* They tell clients nothing of each other. extra: further lines for their configurations, or NULL. */
void nats_cluster_start(struct nats_cluster *cluster, const char *name, const char *extra);

/* Until JetStream answers, and every replica of the stream (NULL: of none) is there and current. */
void nats_cluster_wait(struct nats_cluster *cluster, const char *stream);

/* Who leads a stream; waits until somebody does. Asked of a server that runs. */
int nats_cluster_leader(struct nats_cluster *cluster, const char *stream);
void nats_cluster_step_down(struct nats_cluster *cluster, const char *stream);

/* A look into the cluster by one that runs. */
struct jetstream *nats_cluster_open(struct nats_cluster *cluster);

#endif
