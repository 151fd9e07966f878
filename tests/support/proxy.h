#ifndef SUPPORT_PROXY_H
#define SUPPORT_PROXY_H

#include <stdbool.h>

/*
 * A network that fails on request: it stands between Dray and nats-server, or Dray and PostgreSQL, on a
 * port of its own on the loopback interface, and passes what comes until told otherwise. Each change
 * holds from now on, for connections that are open and for new ones, until it is taken back; a piece that
 * is being passed at that moment may still arrive. Its threads live until the test ends. Any thread.
 */
struct proxy;

struct proxy *proxy_start(int server_port);

int proxy_port(const struct proxy *proxy);
const char *proxy_url(const struct proxy *proxy); /* nats://127.0.0.1:PORT */
char *proxy_pg_url(const struct proxy *proxy, const char *database); /* postgresql://... */

/*
 * A black hole: bytes of these directions stay where they are, and so do the ends of connections. Nobody
 * is told, new connections are taken. What was held arrives when the hole ends, also from a client that
 * is long gone, as with a network that repeats what it lost.
 */
enum { PROXY_PASS = 0, PROXY_TO_SERVER = 1, PROXY_TO_CLIENT = 2, PROXY_BOTH = 3 };
void proxy_hold(struct proxy *proxy, int directions);

/* As if a router forgot them: both ends of the connections of this moment hear nothing any more, for ever. */
void proxy_forget(struct proxy *proxy);

void proxy_cut(
	struct proxy *proxy); /* resets all connections of this moment, what is under way is lost */
void proxy_refuse(struct proxy *proxy); /* new connections, as a host does where nobody listens */
void proxy_accept(struct proxy *proxy); /* again */

void proxy_delay(struct proxy *proxy, int ms); /* each direction; 0: none */
void proxy_throttle(
	struct proxy *proxy, int bytes_a_second); /* a connection and direction; 0: none */

/* Takes all back: nothing held, delayed, throttled or refused. Forgotten connections stay so. */
void proxy_clear(struct proxy *proxy);

int proxy_connections(struct proxy *proxy); /* that are open now */

/* NATS only: the next message to a client that has this in its subject, reply, headers or payload gets lost. */
void proxy_lose(struct proxy *proxy, const char *what);
int proxy_lost(struct proxy *proxy); /* how many so far */

#endif
