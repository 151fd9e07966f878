#ifndef SUPPORT_PROXY_FLOW_H
#define SUPPORT_PROXY_FLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* What proxy.c and proxy_flow.c share; nothing for tests. */

/* A connection from a client, and its other half to the server. Freed by the flow that ends last. */
struct pair {
	struct proxy *proxy;
	int client, server;
	bool cut; /* ends now */
	int held; /* for ever: forgotten */
	int flows; /* that still run */
	struct pair *next;
};

struct proxy {
	int port, server_port, listener;
	char *url;
	pthread_t acceptor;
	pthread_mutex_t lock; /* all that follows, and the pairs */
	int held, delay_ms, rate;
	char lose[256]; /* "": nothing */
	int lost;
	struct pair *pairs;
};

/* Runs one direction of a pair to its end, in a thread of its own. */
void proxy_flow_start(struct pair *pair, int direction);

#endif
