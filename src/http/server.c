/*
 * The server: libmicrohttpd on one thread of its own, and the watcher's thread. A request is answered from
 * memory and never waits for a database.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "http/address.h"
#include "http/api.h"
#include "http/assets.h"
#include "http/prometheus.h"

#define CONNECTIONS	   64u
#define CONNECTION_MEMORY  (size_t)16384 /* a request's line and headers too */
#define CONNECTION_SECONDS 10u
#define LISTEN_EVERY_MS	   5000

struct http {
	const struct config *config;
	struct watch *watch;
	struct stop stop;
	pthread_t thread;
	struct MHD_Daemon *daemon;
	bool loopback; /* it listens there and nowhere else */
	bool told; /* that the address cannot be had */
	int64_t next_try_ms;
};

/* --- requests --- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
	struct MHD_Response *response)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{ "Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
			"'self'; img-src data:; base-uri 'none'; form-action 'none'; "
			"frame-ancestors 'none'" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Cache-Control", "no-store" },
	};

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type", type);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(response, always[i].name, always[i].value);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8",
		MHD_create_response_from_buffer(
			strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

	json_decref(value);
	return answer(connection, status, "application/json",
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

static enum MHD_Result send_metrics(struct http *http, struct MHD_Connection *connection)
{
	struct buf text = { 0 };

	prometheus_write(http->watch, &text);
	return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
		MHD_create_response_from_buffer(text.size, text.data, MHD_RESPMEM_MUST_FREE));
}

static enum MHD_Result send_ready(struct http *http, struct MHD_Connection *connection)
{
	bool ready;
	json_t *value = api_ready(http->watch, &ready);

	return send_json(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, value);
}

static enum MHD_Result send_asset(struct MHD_Connection *connection, const char *path)
{
	for (const struct asset *asset = assets; asset->path; asset++)
		if (strcmp(asset->path, path) == 0)
			return answer(connection, MHD_HTTP_OK, asset->type,
				MHD_create_response_from_buffer(asset->size,
					(void *)(uintptr_t)asset->data, MHD_RESPMEM_PERSISTENT));
	return say(connection, MHD_HTTP_NOT_FOUND,
		"There is /, /healthz, /readyz, /metrics, /api/v1/status, /api/v1/history and "
		"/api/v1/schema.\n");
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *connection, const char *path)
{
	if (strcmp(path, "/healthz") == 0)
		return say(connection, MHD_HTTP_OK, "ok\n");
	if (strcmp(path, "/readyz") == 0)
		return send_ready(http, connection);
	if (strcmp(path, "/metrics") == 0)
		return send_metrics(http, connection);
	if (strcmp(path, "/api/v1/status") == 0)
		return send_json(connection, MHD_HTTP_OK, api_status(http->watch));
	if (strcmp(path, "/api/v1/history") == 0)
		return send_json(connection, MHD_HTTP_OK, api_history(http->watch));
	return send_asset(connection, path);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* HOST or HOST:PORT, in brackets where it is IPv6. */
static bool names_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; host && i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);
		if (strncasecmp(host, names[i], size) == 0 &&
			(host[size] == '\0' || host[size] == ':'))
			return true;
	}
	return false;
}

static bool has_body(struct MHD_Connection *connection)
{
	const char *length = header(connection, "Content-Length");

	return header(connection, "Transfer-Encoding") || (length && strcmp(length, "0") != 0);
}

/* libmicrohttpd calls with the headers first, and once more at the end: what is refused is refused at once. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *data, size_t *size,
	void **state)
{
	static int begun;
	struct http *http = context;

	(void)version;
	(void)data;
	(void)size;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only GET and HEAD.\n");
	if (has_body(connection))
		return say(connection, MHD_HTTP_CONTENT_TOO_LARGE, "A request here has no body.\n");
	if (http->loopback && !names_loopback(header(connection, "Host")))
		return say(connection, MHD_HTTP_FORBIDDEN,
			"The Host header must be localhost, 127.0.0.1 or [::1].\n");
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	return route(http, connection, path);
}

/* --- listening --- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	uint32_t host = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
	return host >> 24 == 127;
}

static struct MHD_Daemon *start_daemon(struct http *http, const struct addrinfo *address)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;

	http->loopback = is_loopback(address->ai_addr);
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
		address->ai_addr, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS, MHD_OPTION_END);
}

static void try_to_listen(struct http *http)
{
	const char *listen = http->config->http.listen;
	struct addrinfo *address = address_resolve(listen, true);

	errno = address ? 0 : EADDRNOTAVAIL;
	if (address)
		http->daemon = start_daemon(http, address);
	int code = errno;
	if (address)
		freeaddrinfo(address);
	http->next_try_ms = clock_now_ms() + LISTEN_EVERY_MS;
	if (http->daemon)
		log_info(NULL, "http://%s/ is there", listen);
	else if (!http->told)
		log_error(NULL, "http.listen: %s cannot be had: %s; will keep trying", listen,
			strerror(code));
	http->told = true;
}

static void *run(void *argument)
{
	struct http *http = argument;

	do {
		if (!http->daemon && clock_now_ms() >= http->next_try_ms)
			try_to_listen(http);
	} while (!stop_wait(&http->stop, watch_turn(http->watch)));
	return NULL;
}

struct http *http_start(const struct config *config, const struct watched *pipelines, size_t count)
{
	if (!config->http.listen)
		return NULL;
	struct http *http = memory_new(sizeof(*http));
	http->config = config;
	bool ok = stop_init(&http->stop);
	http->watch = watch_create(config, pipelines, count, &http->stop);
	if (ok && pthread_create(&http->thread, NULL, run, http) == 0)
		return http;
	log_error(NULL, "no thread or descriptor for HTTP");
	watch_destroy(http->watch);
	stop_finish(&http->stop);
	free(http);
	return NULL;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	stop_request(&http->stop);
	pthread_join(http->thread, NULL);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	watch_destroy(http->watch);
	stop_finish(&http->stop);
	free(http);
}
