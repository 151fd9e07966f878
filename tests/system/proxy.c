/* A proxy that understands just as much of the NATS protocol as it takes to lose a whole message. */
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/support.h"

struct proxy {
	int listener, server_port;
	char *url;
	pthread_mutex_t lock;
	char lose[256]; /* "": nothing */
	int lost;
};

struct pair {
	struct proxy *proxy;
	int client, server;
	char *data; /* of the server's, not passed on yet */
	size_t size, room;
};

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = send(fd, data, size, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
		data += done;
		size -= (size_t)done;
	}
	return true;
}

/* How many bytes the first protocol element has; 0: it is not all here yet. */
static size_t element(const struct pair *pair, bool *message)
{
	char *end = memchr(pair->data, '\n', pair->size);

	if (!end)
		return 0;
	size_t line = (size_t)(end - pair->data) + 1;
	*message = strncmp(pair->data, "MSG ", 4) == 0 || strncmp(pair->data, "HMSG ", 5) == 0;
	if (!*message)
		return line;
	while (end > pair->data && end[-1] != ' ') /* the last word tells the size */
		end--;
	size_t whole = line + strtoul(end, NULL, 10) + 2;
	return whole <= pair->size ? whole : 0;
}

static bool loses(struct proxy *proxy, const char *data, size_t size)
{
	pthread_mutex_lock(&proxy->lock);
	bool found = proxy->lose[0] && memmem(data, size, proxy->lose, strlen(proxy->lose));
	if (found) {
		proxy->lose[0] = '\0';
		proxy->lost++;
	}
	pthread_mutex_unlock(&proxy->lock);
	return found;
}

static bool pass_on(struct pair *pair)
{
	size_t size;
	bool message = false, good = true;

	while (good && (size = element(pair, &message)) > 0) {
		if (!message || !loses(pair->proxy, pair->data, size))
			good = write_all(pair->client, pair->data, size);
		pair->size -= size;
		memmove(pair->data, pair->data + size, pair->size);
	}
	return good;
}

static bool from_server(struct pair *pair)
{
	if (pair->room - pair->size < 65536) {
		pair->room = pair->room * 2 + 65536;
		pair->data = realloc(pair->data, pair->room);
	}
	ssize_t got = recv(pair->server, pair->data + pair->size, 65536, 0);
	if (got <= 0)
		return false;
	pair->size += (size_t)got;
	return pass_on(pair);
}

static bool from_client(struct pair *pair)
{
	char data[65536];
	ssize_t got = recv(pair->client, data, sizeof(data), 0);

	return got > 0 && write_all(pair->server, data, (size_t)got);
}

static int connect_to(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void *run_pair(void *context)
{
	struct pair *pair = context;
	bool good = true;

	pair->server = connect_to(pair->proxy->server_port);
	while (good && pair->server >= 0) {
		struct pollfd fds[] = { { .fd = pair->client, .events = POLLIN },
			{ .fd = pair->server, .events = POLLIN } };
		good = poll(fds, 2, -1) > 0;
		if (good && fds[1].revents)
			good = from_server(pair);
		if (good && fds[0].revents)
			good = from_client(pair);
	}
	close(pair->client);
	if (pair->server >= 0)
		close(pair->server);
	free(pair->data);
	free(pair);
	return NULL;
}

static void start_pair(struct proxy *proxy, int client)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	pthread_t thread;
	int one = 1;

	*pair = (struct pair){ .proxy = proxy, .client = client, .server = -1 };
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (pthread_create(&thread, NULL, run_pair, pair) != 0)
		abort();
	pthread_detach(thread);
}

static void *accept_clients(void *context)
{
	struct proxy *proxy = context;
	int client;

	while ((client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		start_pair(proxy, client);
	return NULL;
}

struct proxy *proxy_start(int server_port)
{
	struct proxy *proxy = keep(calloc(1, sizeof(*proxy)));
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	pthread_t thread;

	proxy->server_port = server_port;
	pthread_mutex_init(&proxy->lock, NULL);
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(proxy->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(proxy->listener, 16) != 0 ||
		getsockname(proxy->listener, (struct sockaddr *)&address, &size) != 0 ||
		pthread_create(&thread, NULL, accept_clients, proxy) != 0)
		give_up("no proxy");
	pthread_detach(thread);
	proxy->url = text("nats://127.0.0.1:%d", ntohs(address.sin_port));
	return proxy;
}

const char *proxy_url(const struct proxy *proxy)
{
	return proxy->url;
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
