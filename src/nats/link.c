/*
 * One connection to NATS. cnats' own reconnecting is off: what was on the way when a connection broke is
 * uncertain, so its user has to begin again on purpose. cnats' threads touch only what is atomic here, or
 * under the lock.
 */
#include "nats/link.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "base/clock.h"
#include "base/memory.h"
#include "nats/credentials.h"
#include "nats/library.h"

#define SERVERS	       16
#define CONNECT_MS     2000
#define PING_MS	       5000
#define CLOSED_WAIT_MS 5000
#define SIGNATURES     4 /* that are tried before the server is taken at its word */

struct link {
	const struct config_nats *config;
	char *name, *label;
	struct stop *stop;
	natsConnection *connection;
	_Atomic bool up;
	_Atomic bool deaf; /* the server removed or refused a subscription of this connection */
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	bool closed; /* cnats has made its last call for this connection */
	char last_error[256];
	int64_t last_error_ms; /* monotonic */
};

/* The servers without user, password and token: scheme and what follows an @. */
static char *make_label(const char *url)
{
	char *copy = memory_text(url), *rest = copy, *item, *label = memory_text("");

	while ((item = strsep(&rest, ","))) {
		while (*item == ' ')
			item++;
		char *scheme = strstr(item, "://"), *at = strrchr(item, '@');
		char *longer = memory_format("%s%s%.*s%s", label, *label ? "," : "",
			scheme ? (int)(scheme + 3 - item) : 0, item,
			at		 ? at + 1
				: scheme ? scheme + 3
					 : item);
		free(label);
		label = longer;
	}
	free(copy);
	return label;
}

struct link *link_create(const struct config_nats *config, const char *name, struct stop *stop)
{
	struct link *link = memory_new(sizeof(*link));

	link->config = config;
	link->name = memory_text(name);
	link->label = make_label(config->url);
	link->stop = stop;
	pthread_mutex_init(&link->lock, NULL);
	pthread_cond_init(&link->changed, NULL);
	return link;
}

void link_destroy(struct link *link)
{
	if (!link)
		return;
	link_close(link);
	pthread_mutex_destroy(&link->lock);
	pthread_cond_destroy(&link->changed);
	free(link->name);
	free(link->label);
	free(link);
}

static void on_closed(natsConnection *connection, void *context)
{
	struct link *link = context;

	(void)connection;
	link->up = false;
	pthread_mutex_lock(&link->lock);
	link->closed = true;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
	void *context)
{
	struct link *link = context;
	const char *text = NULL;

	(void)subscription;
	natsConnection_GetLastError(connection, &text);
	pthread_mutex_lock(&link->lock);
	snprintf(link->last_error, sizeof(link->last_error), "%s",
		text && *text ? text : natsStatus_GetText(status));
	link->last_error_ms = clock_now_ms();
	if (strstr(link->last_error, "Permissions Violation for Subscription"))
		link->deaf = true;
	pthread_mutex_unlock(&link->lock);
}

void link_last_error(struct link *link, char *text, size_t size)
{
	pthread_mutex_lock(&link->lock);
	snprintf(text, size, "%s", link->last_error);
	pthread_mutex_unlock(&link->lock);
}

void link_words_since(struct link *link, int64_t since_ms, char text[LINK_WORDS])
{
	text[0] = '\0';
	pthread_mutex_lock(&link->lock);
	if (link->last_error[0] && link->last_error_ms >= since_ms)
		snprintf(text, LINK_WORDS, "; the server said: %s", link->last_error);
	pthread_mutex_unlock(&link->lock);
}

static natsStatus set_options(natsOptions *options, struct link *link, const char *url)
{
	natsStatus status = natsOptions_SetURL(options, url);

	if (status == NATS_OK)
		status = natsOptions_SetName(options, link->name);
	if (status == NATS_OK)
		status = natsOptions_SetTimeout(options, CONNECT_MS);
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(options, false);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(options, PING_MS);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(options, 1);
	if (status == NATS_OK) /* without it a publish to a paused server blocks for ever */
		status = natsOptions_SetWriteDeadline(options, LINK_WRITE_DEADLINE_MS);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(options, on_closed, link);
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(options, on_error, link);
	return status;
}

/* What cnats knows of a handshake that failed, without the place in its source. */
static const char *handshake_words(void)
{
	const char *words = nats_GetLastError(NULL), *start = words ? strstr(words, "): ") : NULL;

	return start ? start + 3 : words ? words : "";
}

/* Whether what the handshake said is about a certificate, and not about a network that broke. */
static bool is_about_certificate(const char *words)
{
	return strstr(words, "cert=") || strstr(words, "certificate") || strstr(words, "alert");
}

static bool refused_tls(const char *label, struct error *err)
{
	const char *words = handshake_words();

	if (!is_about_certificate(words))
		return error_set(err, ERROR_UNAVAILABLE, "%s: %s", label, words);
	return error_set(err, ERROR_SCHEMA,
		"%s: %s; look at nats.tls.ca and at the host in the URL, which must stand in the "
		"server's certificate",
		label, words);
}

static bool refused(const struct config_nats *config, const char *url, const char *label,
	natsStatus status, struct error *err)
{
	switch (status) {
	case NATS_NOT_PERMITTED:
	case NATS_CONNECTION_AUTH_FAILED:
		return error_set(err, ERROR_SCHEMA, "%s: %s: the server refuses %s", label,
			natsStatus_GetText(status), credentials_name(config, url));
	case NATS_SECURE_CONNECTION_WANTED:
		return error_set(err, ERROR_SCHEMA,
			"%s: the server offers no TLS, and the config asks for it", label);
	case NATS_SSL_ERROR:
		return refused_tls(label, err);
	case NATS_PROTOCOL_ERROR:
	case NATS_IO_ERROR:
	case NATS_CONNECTION_CLOSED:
		if (credentials_want_tls(
			    config, url)) /* with TLS 1.3 a refused certificate looks like this */
			return error_set(err, ERROR_UNAVAILABLE,
				"%s: the server ended the connection after the TLS handshake; does it "
				"ask for a certificate that it trusts (nats.tls.cert and key)?",
				label);
		break;
	case NATS_NO_SERVER:
		return error_set(err, ERROR_UNAVAILABLE,
			"%s: no server answers there; look whether it runs, and at nats.url (--nats, "
			"NATS_URL)",
			label);
	default:
		break;
	}
	return error_set(err, ERROR_UNAVAILABLE, "%s: %s", label, natsStatus_GetText(status));
}

/*
 * cnats (3.4.1) leaves out a signature whose first byte is zero, as if it were an empty text: one in 256, which the
 * server refuses. The next one is of another nonce.
 */
static natsStatus connect_signing(struct link *link, natsOptions *options)
{
	int left = credentials_sign(link->config) ? SIGNATURES : 1;
	natsStatus status;

	do
		status = natsConnection_Connect(&link->connection, options);
	while (status == NATS_CONNECTION_AUTH_FAILED && --left > 0);
	return status;
}

static bool connect_to(struct link *link, const char *url, struct error *err)
{
	natsOptions *options = NULL;

	library_open();
	natsStatus status = natsOptions_Create(&options);
	if (status == NATS_OK)
		status = set_options(options, link, url);
	bool ready = status == NATS_OK && credentials_set(options, link->config, url, err);
	if (ready)
		status = connect_signing(link, options);
	natsOptions_Destroy(options);
	if (ready && status == NATS_OK)
		return true;
	link->connection = NULL;
	if (status == NATS_OK) /* the credentials have said why not */
		return false;
	char *label = make_label(url);
	refused(link->config, url, label, status, err);
	free(label);
	return false;
}

/* Of several refusals the one that a person has to act upon tells more; what may pass decides the kind. */
static void keep_refusal(struct error *kept, const struct error *err)
{
	bool passes = kept->kind == ERROR_UNAVAILABLE || err->kind == ERROR_UNAVAILABLE;

	if (kept->kind == ERROR_NONE || err->kind != ERROR_UNAVAILABLE)
		*kept = *err;
	if (passes)
		kept->kind = ERROR_UNAVAILABLE;
}

/* Every server once, beginning with any. */
static bool connect_to_any(struct link *link, struct error *err)
{
	char *copy = memory_text(link->config->url), *rest = copy, *item, *servers[SERVERS];
	struct error kept = { 0 };
	size_t count = 0;
	bool ok = false;

	while ((item = strsep(&rest, ",")) && count < SERVERS) {
		servers[count++] = item += strspn(item, " ");
		item[strcspn(item, " ")] = '\0';
	}
	for (size_t i = 0, first = (size_t)clock_now_us(); i < count && !ok; i++) {
		struct error why = { 0 };
		ok = connect_to(link, servers[(first + i) % count], &why);
		if (!ok)
			keep_refusal(&kept, &why);
	}
	free(copy);
	if (!ok && err)
		*err = kept;
	return ok;
}

bool link_connect(struct link *link, struct error *err)
{
	link_close(link);
	link->deaf = false;
	if (!connect_to_any(link, err))
		return false;
	if (natsConnection_HasHeaderSupport(link->connection) != NATS_OK) {
		link_close(link);
		return error_set(err, ERROR_SCHEMA,
			"%s: the server does not support headers; nats-server 2.9 or later is needed",
			link->label);
	}
	link->up = !natsConnection_IsClosed(link->connection);
	return true;
}

/* After this cnats calls nothing of ours any more for the old connection. */
void link_close(struct link *link)
{
	struct timespec until;

	if (!link->connection)
		return;
	natsConnection_Close(link->connection);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSED_WAIT_MS / 1000;
	pthread_mutex_lock(&link->lock);
	while (!link->closed &&
		pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &until) == 0)
		continue;
	link->closed = false;
	link->last_error[0] = '\0';
	pthread_mutex_unlock(&link->lock);
	natsConnection_Destroy(link->connection);
	link->connection = NULL;
	link->up = false;
}

bool link_is_up(const struct link *link)
{
	return link->up;
}

const char *link_label(const struct link *link)
{
	return link->label;
}

struct natsConn *link_connection(struct link *link)
{
	return (struct natsConn *)link->connection;
}

struct stop *link_stop(const struct link *link)
{
	return link->stop;
}

bool link_api_subject(const struct link *link, const char *api, char *subject, size_t size)
{
	const char *domain = link->config->js_domain;

	return snprintf(subject, size, "$JS.%s%sAPI.%s", domain ? domain : "", domain ? "." : "",
		       api) < (int)size;
}

/* An error in a reply of the API; a code of 500 and more passes by itself. */
static bool api_error(const char *api, const json_t *reply, int *code, struct error *err)
{
	const json_t *error = json_object_get(reply, "error");

	if (!error)
		return true;
	json_int_t http = json_integer_value(json_object_get(error, "code"));
	const char *text = json_string_value(json_object_get(error, "description"));
	if (code)
		*code = (int)json_integer_value(json_object_get(error, "err_code"));
	return error_set(err, http >= 500 ? ERROR_UNAVAILABLE : ERROR_SCHEMA, "JetStream (%s): %s",
		api, text ? text : "an error without a description");
}

static bool request(
	struct link *link, const char *api, const char *text, natsMsg **reply, struct error *err)
{
	char subject[512], words[LINK_WORDS];

	if (!link_api_subject(link, api, subject, sizeof(subject)))
		return error_set(err, ERROR_INTERNAL, "the API subject %s is too long", api);
	if (!link->connection || !link->up)
		return error_set(err, ERROR_UNAVAILABLE, "%s: not connected", link->label);
	int64_t asked_ms = clock_now_ms();
	natsStatus status = natsConnection_RequestString(
		reply, link->connection, subject, text ? text : "", LINK_REQUEST_MS);
	if (status == NATS_NO_RESPONDERS)
		return error_set(err, ERROR_UNAVAILABLE,
			"%s: JetStream does not answer; is it enabled on the server and for the account?",
			link->label);
	if (status == NATS_OK)
		return true;
	link_words_since(link, asked_ms, words);
	if (link->deaf) /* answers can come over a new connection only */
		link->up = false;
	return error_set(err, ERROR_UNAVAILABLE, "%s: no answer of JetStream (%s): %s%s",
		link->label, api, natsStatus_GetText(status), words);
}

bool link_api(struct link *link, const char *api, json_t *body, json_t **reply, int *code,
	struct error *err)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	natsMsg *message = NULL;

	*reply = NULL;
	if (code)
		*code = 0;
	bool ok = request(link, api, text, &message, err);
	free(text);
	if (!ok)
		return false;
	*reply = json_loadb(
		natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message), 0, NULL);
	natsMsg_Destroy(message);
	if (!json_is_object(*reply)) {
		json_decref(*reply);
		*reply = NULL;
		return error_set(err, ERROR_UNAVAILABLE, "%s: an answer of JetStream is not JSON",
			link->label);
	}
	if (api_error(api, *reply, code, err))
		return true;
	json_decref(*reply);
	*reply = NULL;
	return false;
}
