/*
 * A request: its limits are looked at when its headers are there, who may when its body is. What needs a
 * database waits, suspended, for the desk; everything else is answered from memory.
 */
#include "http/route.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/memory.h"
#include "http/api.h"
#include "http/assets.h"
#include "http/deed.h"
#include "http/prometheus.h"

#define BODY_MAX 65536u

struct request;

struct route {
	const char *path, *method;
	enum guard_right right;
	enum MHD_Result (*answer)(struct request *request);
	enum ask_action action; /* of what the desk does */
};

struct request {
	struct router *router;
	struct MHD_Connection *connection;
	const char *path, *method;
	struct buf body;
	struct job job;
	bool given; /* the desk has the job, or had it */
	bool answered;
};

/* --- answers --- */

static enum MHD_Result answer(
	struct request *request, unsigned status, const char *type, struct MHD_Response *response)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{ "Content-Security-Policy", page_policy },
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
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"dray\"");
	enum MHD_Result result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	request->answered = true;
	return result;
}

static enum MHD_Result send_text(
	struct request *request, unsigned status, const char *type, char *text)
{
	return answer(request, status, type,
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

static enum MHD_Result send_json(struct request *request, unsigned status, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

	json_decref(value);
	return send_text(request, status, "application/json", text);
}

/* To a program as JSON, else as a line of text. */
static enum MHD_Result say(struct request *request, unsigned status, const char *text)
{
	if (strncmp(request->path, "/api/", 5) == 0)
		return send_json(request, status, deed_error(text));
	return send_text(request, status, "text/plain; charset=utf-8", memory_format("%s\n", text));
}

static enum MHD_Result send_health(struct request *request)
{
	return say(request, MHD_HTTP_OK, "ok");
}

static enum MHD_Result send_metrics(struct request *request)
{
	struct buf text = { 0 };

	prometheus_write(request->router->watch, &text);
	return send_text(
		request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text.data);
}

static enum MHD_Result send_ready(struct request *request)
{
	bool ready;
	json_t *value = api_ready(request->router->watch, &ready);

	return send_json(request, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, value);
}

static enum MHD_Result send_status(struct request *request)
{
	const struct guard *guard = &request->router->guard;
	json_t *value = api_status(request->router->watch);

	json_object_set_new(value, "access",
		json_pack("{ss ss}", "events", guard_access(guard, GUARD_EVENTS), "change",
			guard_access(guard, GUARD_CHANGE)));
	return send_json(request, MHD_HTTP_OK, value);
}

static enum MHD_Result send_history(struct request *request)
{
	return send_json(request, MHD_HTTP_OK, api_history(request->router->watch));
}

static enum MHD_Result send_asset(struct request *request)
{
	for (const struct asset *asset = assets; asset->path; asset++)
		if (strcmp(asset->path, request->path) == 0)
			return answer(request, MHD_HTTP_OK, asset->type,
				MHD_create_response_from_buffer(asset->size,
					(void *)(uintptr_t)asset->data, MHD_RESPMEM_PERSISTENT));
	return say(request, MHD_HTTP_NOT_FOUND, "There is no such thing here; see /api/v1/schema.");
}

/* --- what the desk does --- */

/* What is there twice or is not UTF-8 becomes null, which nobody takes. */
static enum MHD_Result add_argument(
	void *said, enum MHD_ValueKind kind, const char *name, const char *value)
{
	json_t *text = json_object_get(said, name) ? NULL : json_string(value ? value : "");

	(void)kind;
	json_object_set_new(said, name, text ? text : json_null());
	return MHD_YES;
}

/* The query of a GET, the body of a POST. NULL: it cannot be read. */
static json_t *what_is_said(struct request *request, struct error *err)
{
	json_error_t at;
	json_t *said;

	if (strcmp(request->method, "POST") != 0) {
		said = json_object();
		MHD_get_connection_values(
			request->connection, MHD_GET_ARGUMENT_KIND, add_argument, said);
		return said;
	}
	said = json_loadb(request->body.data ? request->body.data : "", request->body.size,
		JSON_REJECT_DUPLICATES, &at);
	if (!said)
		error_set(err, ERROR_USAGE, "the body is no JSON: %.200s", at.text);
	return said;
}

/* For trails and the log: who it was is known by where it came from alone. */
static void name_client(struct request *request, char *text, size_t size)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char host[64] = "?";

	if (info && info->client_addr)
		getnameinfo(info->client_addr,
			info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								 : sizeof(struct sockaddr_in),
			host, sizeof(host), NULL, 0, NI_NUMERICHOST);
	snprintf(text, size, "http@%s", host);
}

static void wake(void *context)
{
	struct request *request = context;

	MHD_resume_connection(request->connection);
}

/* Suspended before the desk has it, for it may be ready at once. */
static enum MHD_Result give_to_desk(struct request *request)
{
	struct job *job = &request->job;

	name_client(request, job->by, sizeof(job->by));
	job->ready = wake;
	job->context = request;
	request->given = true;
	MHD_suspend_connection(request->connection);
	if (!desk_give(request->router->desk, job)) {
		job->status = MHD_HTTP_SERVICE_UNAVAILABLE;
		job->answer = deed_error("Too much to do at once; try again.");
		wake(request);
	}
	return MHD_YES;
}

static enum MHD_Result begin_job(struct request *request, enum ask_action action)
{
	struct error err = { 0 };
	struct job *job = &request->job;

	job->said = what_is_said(request, &err);
	if (!job->said || !ask_read(action, job->said, &job->ask, &err))
		return say(request, MHD_HTTP_BAD_REQUEST, err.text);
	return give_to_desk(request);
}

static enum MHD_Result end_job(struct request *request)
{
	json_t *value = request->job.answer;

	request->job.answer = NULL;
	return send_json(request, request->job.status, value);
}

/* --- which of them --- */

static const struct route routes[] = {
	{ "/healthz", "GET", GUARD_NUMBERS, send_health, 0 },
	{ "/readyz", "GET", GUARD_NUMBERS, send_ready, 0 },
	{ "/metrics", "GET", GUARD_NUMBERS, send_metrics, 0 },
	{ "/api/v1/status", "GET", GUARD_NUMBERS, send_status, 0 },
	{ "/api/v1/history", "GET", GUARD_NUMBERS, send_history, 0 },
	{ "/api/v1/dead/list", "GET", GUARD_EVENTS, NULL, ASK_LIST },
	{ "/api/v1/dead/show", "GET", GUARD_EVENTS, NULL, ASK_SHOW },
	{ "/api/v1/dead/retry", "POST", GUARD_CHANGE, NULL, ASK_RETRY },
	{ "/api/v1/dead/discard", "POST", GUARD_CHANGE, NULL, ASK_DISCARD },
	{ "/api/v1/pause", "POST", GUARD_CHANGE, NULL, ASK_PAUSE },
	{ "/api/v1/resume", "POST", GUARD_CHANGE, NULL, ASK_RESUME },
};

static const struct route *route_of(const char *path)
{
	static const struct route other = { NULL, "GET", GUARD_NUMBERS, send_asset, 0 };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return &other;
}

static bool is_method(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
		(strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static const char *header(struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

static void complain(struct request *request)
{
	struct log_limit *limit = &request->router->wrong_tokens;
	char client[96];

	name_client(request, client, sizeof(client));
	if (log_may_say(limit, 1))
		log_warning(NULL, "HTTP: a request with a wrong token from %s", client);
	int64_t more = log_held_back(limit, false);
	if (more > 0)
		log_warning(NULL,
			"HTTP: %lld more requests with a wrong token, the last one from %s",
			(long long)more, client);
}

static enum MHD_Result dispatch(struct request *request)
{
	const struct route *route = route_of(request->path);
	const struct guard_request who = { .host = header(request, "Host"),
		.origin = header(request, "Origin"),
		.fetch_site = header(request, "Sec-Fetch-Site"),
		.content_type = header(request, "Content-Type"),
		.authorization = header(request, "Authorization"),
		.has_content = strcmp(request->method, "POST") == 0 };
	struct guard_refusal refusal = guard_check(&request->router->guard, route->right, &who);

	if (refusal.wrong_token)
		complain(request);
	if (refusal.status)
		return say(request, refusal.status, refusal.text);
	return route->answer ? route->answer(request) : begin_job(request, route->action);
}

/* --- limits --- */

static enum MHD_Result refuse_method(struct request *request, const char *allowed)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, "Allow", allowed);
	return answer(request, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", response);
}

/* What is over them is answered at once: then no body is read. */
static enum MHD_Result check_limits(struct request *request)
{
	const struct route *route = route_of(request->path);
	const char *length = header(request, "Content-Length");
	bool posts = strcmp(route->method, "POST") == 0;

	if (!is_method(route, request->method))
		return refuse_method(request, posts ? "POST" : "GET, HEAD");
	if (header(request, "Transfer-Encoding"))
		return say(request, MHD_HTTP_LENGTH_REQUIRED, "A body needs its Content-Length.");
	if (length && strtoull(length, NULL, 10) > (posts ? BODY_MAX : 0))
		return say(request, MHD_HTTP_CONTENT_TOO_LARGE,
			posts ? "The body is too large." : "A request like this has no body.");
	return MHD_YES;
}

static struct request *begin_request(struct router *router, struct MHD_Connection *connection,
	const char *path, const char *method)
{
	struct request *request = memory_new(sizeof(*request));

	request->router = router;
	request->connection = connection;
	request->path = path;
	request->method = method;
	return request;
}

/*
 * Called with the headers first, then with each part of the body, and at its end; once more after the desk. When it
 * stops, libmicrohttpd drops the answer that it is given, and calls again as if there had been none.
 */
enum MHD_Result route_request(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data, size_t *size, void **state)
{
	struct request *request = *state;

	(void)version;
	if (!request) {
		*state = request = begin_request(context, connection, path, method);
		return check_limits(request);
	}
	if (request->answered)
		return MHD_NO;
	if (*size > 0) {
		if (request->body.size + *size > BODY_MAX)
			return MHD_NO;
		buf_add(&request->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return request->given ? end_job(request) : dispatch(request);
}

void route_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct request *request = *state;

	(void)context;
	(void)connection;
	(void)code;
	if (!request)
		return;
	json_decref(request->job.answer);
	json_decref(request->job.said);
	buf_finish(&request->body);
	free(request);
	*state = NULL;
}
