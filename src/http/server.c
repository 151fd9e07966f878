/*
 * The server: libmicrohttpd on one thread of its own, the watcher's thread, and the desk's.
 */
#include "http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/address.h"
#include "http/route.h"

#define CONNECTIONS	   64u
#define CONNECTION_MEMORY  (size_t)16384 /* a request's line and headers too */
#define CONNECTION_SECONDS 10u
#define LISTEN_EVERY_MS	   5000

struct http {
	const struct config *config;
	struct router router;
	struct stop stop;
	pthread_t thread;
	struct MHD_Daemon *daemon;
	bool told; /* that the address cannot be had */
	int64_t next_try_ms;
};

static struct MHD_Daemon *start_daemon(struct http *http, const struct addrinfo *address)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_ALLOW_SUSPEND_RESUME;

	http->router.guard.loopback = address_is_loopback(address->ai_addr);
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, route_request, &http->router,
		MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_NOTIFY_COMPLETED,
		route_completed, &http->router, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_END);
}

/* libmicrohttpd does not say why it could not start, from 1.0 on not by errno either: the system is asked. */
static const char *why_not(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
	bool free_to_take = fd >= 0 &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
		bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 1) == 0;
	const char *reason = free_to_take ? "the HTTP server did not start" : strerror(errno);

	if (fd >= 0)
		close(fd);
	return reason;
}

static void try_to_listen(struct http *http)
{
	const char *listen = http->config->http.listen, *reason = strerror(EADDRNOTAVAIL);
	struct addrinfo *address = address_resolve(listen, true);

	if (address)
		http->daemon = start_daemon(http, address);
	if (address && !http->daemon)
		reason = why_not(address);
	if (address)
		freeaddrinfo(address);
	http->next_try_ms = clock_now_ms() + LISTEN_EVERY_MS;
	if (http->daemon)
		log_info(NULL, "http://%s/ is there", listen);
	else if (!http->told)
		log_error(NULL, "http.listen: %s cannot be had: %s; will keep trying", listen,
			reason);
	http->told = true;
}

static void *run(void *argument)
{
	struct http *http = argument;

	do {
		if (!http->daemon && clock_now_ms() >= http->next_try_ms)
			try_to_listen(http);
	} while (!stop_wait(&http->stop, watch_turn(http->router.watch)));
	return NULL;
}

static void destroy(struct http *http)
{
	desk_destroy(http->router.desk);
	watch_destroy(http->router.watch);
	stop_finish(&http->stop);
	free(http);
}

static bool start_threads(struct http *http)
{
	http->router.desk = desk_start(http->config, http->router.watch, &http->stop);
	if (!http->router.desk)
		return false;
	if (pthread_create(&http->thread, NULL, run, http) == 0)
		return true;
	desk_close(http->router.desk);
	return false;
}

struct http *http_start(const struct config *config, const struct watched *pipelines, size_t count)
{
	if (!config->http.listen)
		return NULL;
	struct http *http = memory_new(sizeof(*http));
	http->config = config;
	http->router.guard.token = config->http.token;
	bool ok = stop_init(&http->stop);
	http->router.watch = watch_create(config, pipelines, count, &http->stop);
	if (ok && start_threads(http))
		return http;
	log_error(NULL, "no thread or descriptor for HTTP");
	destroy(http);
	return NULL;
}

/* libmicrohttpd must not stop while a connection is suspended: the desk answers all of them first. */
void http_stop(struct http *http)
{
	if (!http)
		return;
	stop_request(&http->stop);
	pthread_join(http->thread, NULL);
	desk_close(http->router.desk);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	destroy(http);
}
