#ifndef SUPPORT_NATS_SERVER_H
#define SUPPORT_NATS_SERVER_H

#include "support/proc.h"

/*
 * A nats-server with JetStream on the loopback interface. Its port and its store outlive its process, so
 * that it can be ended and started again. DRAY_NATS_SERVER picks the program.
 */
struct nats_server {
	struct proc *proc;
	char *name, *url, *config, *folder;
	const char *program;
	int port;
	int version; /* 2.9.10 is 20910 */
};

/*
 * Starts a new one; its files bear the name. extra: further lines for its configuration, or NULL. Returns
 * when it answers.
 */
void nats_server_start(struct nats_server *server, const char *name, const char *extra);

/* The same with another program, a store elsewhere, or NULL for what is usual. */
struct nats_server_setup {
	const char *program, *folder, *extra;
};
void nats_server_start_as(
	struct nats_server *server, const char *name, const struct nats_server_setup *setup);

void nats_server_again(struct nats_server *server); /* after an end: the same port and store */
void nats_server_end(struct nats_server *server); /* SIGTERM, and waits */
void nats_server_kill(struct nats_server *server); /* SIGKILL, and waits */
void nats_server_pause(struct nats_server *server); /* SIGSTOP */
void nats_server_resume(struct nats_server *server);

/*
 * A port that nobody listens on now. It lies outside the range that the kernel gives to clients: there,
 * some other connection could take it while the server is away, or a client could connect to itself.
 */
int free_port(void);
bool port_answers(int port);

#endif
