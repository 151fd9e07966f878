#ifndef SYSTEM_PROXY_H
#define SYSTEM_PROXY_H

/*
 * Stands between Dray and nats-server, and loses single messages of the server's on their way to the
 * client. One thread a connection, until the test ends.
 */
struct proxy;

struct proxy *proxy_start(int server_port);
const char *proxy_url(const struct proxy *proxy);

/* The next message to a client that has this text in its subject, reply, headers or payload gets lost. */
void proxy_lose(struct proxy *proxy, const char *text);
int proxy_lost(struct proxy *proxy); /* how many so far */

#endif
