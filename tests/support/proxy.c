/* The listening side of the proxy, and its switches. */
#include "support/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/common.h"
#include "support/nats_server.h"
#include "support/proxy_flow.h"

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int connect_to(int port)
{
	struct sockaddr_in address = loopback(port);
	int fd = tcp_socket();

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void start_pair(struct proxy *proxy, int client)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int one = 1;

	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*pair = (struct pair){ .proxy = proxy,
		.client = client,
		.server = connect_to(proxy->server_port),
		.flows = 2 };
	if (pair->server < 0) {
		close(client);
		free(pair);
		return;
	}
	pthread_mutex_lock(&proxy->lock);
	pair->next = proxy->pairs;
	proxy->pairs = pair;
	pthread_mutex_unlock(&proxy->lock);
	proxy_flow_start(pair, PROXY_TO_SERVER);
	proxy_flow_start(pair, PROXY_TO_CLIENT);
}

static void *accept_clients(void *context)
{
	struct proxy *proxy = context;
	int client;

	while ((client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		start_pair(proxy, client);
	return NULL;
}

void proxy_accept(struct proxy *proxy)
{
	struct sockaddr_in address = loopback(proxy->port);

	if (proxy->listener >= 0)
		return;
	proxy->listener = tcp_socket();
	if (bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(proxy->listener, 64) != 0 ||
		pthread_create(&proxy->acceptor, NULL, accept_clients, proxy) != 0)
		give_up("the proxy cannot listen on port %d", proxy->port);
}

void proxy_refuse(struct proxy *proxy)
{
	if (proxy->listener < 0)
		return;
	shutdown(proxy->listener, SHUT_RDWR); /* wakes the acceptor */
	pthread_join(proxy->acceptor, NULL);
	close(proxy->listener);
	proxy->listener = -1;
}

struct proxy *proxy_start(int server_port)
{
	struct proxy *proxy = keep(calloc(1, sizeof(*proxy)));

	proxy->server_port = server_port;
	proxy->port = free_port();
	proxy->url = text("nats://127.0.0.1:%d", proxy->port);
	proxy->listener = -1;
	pthread_mutex_init(&proxy->lock, NULL);
	proxy_accept(proxy);
	return proxy;
}

int proxy_port(const struct proxy *proxy)
{
	return proxy->port;
}

const char *proxy_url(const struct proxy *proxy)
{
	return proxy->url;
}

char *proxy_pg_url(const struct proxy *proxy, const char *database)
{
	return text("postgresql://postgres@127.0.0.1:%d/%s", proxy->port, database);
}

static void set(struct proxy *proxy, int *what, int value)
{
	pthread_mutex_lock(&proxy->lock);
	*what = value;
	pthread_mutex_unlock(&proxy->lock);
}

void proxy_hold(struct proxy *proxy, int directions)
{
	set(proxy, &proxy->held, directions);
}

void proxy_delay(struct proxy *proxy, int ms)
{
	set(proxy, &proxy->delay_ms, ms);
}

void proxy_throttle(struct proxy *proxy, int bytes_a_second)
{
	set(proxy, &proxy->rate, bytes_a_second);
}

void proxy_clear(struct proxy *proxy)
{
	proxy_hold(proxy, PROXY_PASS);
	proxy_delay(proxy, 0);
	proxy_throttle(proxy, 0);
	proxy_accept(proxy);
}

void proxy_forget(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
		pair->held = PROXY_BOTH;
	pthread_mutex_unlock(&proxy->lock);
}

/* The flows notice the shutdown, leave, and close: with what is left unread or unsent that is a reset. */
static void cut_pair(struct pair *pair)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	pair->cut = true;
	setsockopt(pair->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	setsockopt(pair->server, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	shutdown(pair->client, SHUT_RDWR);
	shutdown(pair->server, SHUT_RDWR);
}

void proxy_cut(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
		cut_pair(pair);
	pthread_mutex_unlock(&proxy->lock);
}

int proxy_connections(struct proxy *proxy)
{
	int count = 0;

	pthread_mutex_lock(&proxy->lock);
	for (struct pair *pair = proxy->pairs; pair; pair = pair->next)
		count++;
	pthread_mutex_unlock(&proxy->lock);
	return count;
}

void proxy_lose(struct proxy *proxy, const char *what)
{
	pthread_mutex_lock(&proxy->lock);
	snprintf(proxy->lose, sizeof(proxy->lose), "%s", what);
	pthread_mutex_unlock(&proxy->lock);
}

int proxy_lost(struct proxy *proxy)
{
	pthread_mutex_lock(&proxy->lock);
	int lost = proxy->lost;
	pthread_mutex_unlock(&proxy->lock);
	return lost;
}
