/* Streams from a test's point of view. */
#include "support/jetstream.h"

#include <stdio.h>

#include <jansson.h>

#include "support/common.h"

struct jetstream {
	natsConnection *connection;
	jsCtx *context;
};

static void must(natsStatus status, const char *what)
{
	if (status != NATS_OK)
		give_up("%s: %s", what, natsStatus_GetText(status));
}

/* A silent change of servers under a test would hide things, so a broken connection stays broken. */
static natsStatus try_connect(natsConnection **connection, const char *url)
{
	natsOptions *options = NULL;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(options, url);
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(options, false);
	if (status == NATS_OK)
		status = natsConnection_Connect(connection, options);
	natsOptions_Destroy(options);
	return status;
}

struct jetstream *jetstream_try_open(const char *url)
{
	struct jetstream *js = calloc(1, sizeof(*js));

	if (try_connect(&js->connection, url) == NATS_OK &&
		natsConnection_JetStream(&js->context, js->connection, NULL) == NATS_OK)
		return js;
	natsConnection_Destroy(js->connection);
	free(js);
	return NULL;
}

struct jetstream *jetstream_open(const char *url)
{
	struct jetstream *js = calloc(1, sizeof(*js));
	int64_t end = now_ms() + patience(10000);
	natsStatus status;

	while ((status = try_connect(&js->connection, url)) != NATS_OK && now_ms() < end)
		nap(50);
	must(status, url);
	must(natsConnection_JetStream(&js->context, js->connection, NULL), "JetStream");
	return js;
}

void jetstream_close(struct jetstream *js)
{
	if (!js)
		return;
	jsCtx_Destroy(js->context);
	natsConnection_Close(js->connection);
	natsConnection_Destroy(js->connection);
	free(js);
}

char *jetstream_ask(struct jetstream *js, const char *api, const char *json, int64_t ms)
{
	natsMsg *reply = NULL;

	if (natsConnection_RequestString(&reply, js->connection, text("$JS.API.%s", api),
		    json ? json : "", ms) != NATS_OK)
		return NULL;
	char *said = text_bytes(natsMsg_GetData(reply), (size_t)natsMsg_GetDataLength(reply));
	natsMsg_Destroy(reply);
	return said;
}

char *jetstream_try_api(struct jetstream *js, const char *api, const char *json)
{
	char *said = jetstream_ask(js, api, json, patience(10000));

	if (!said)
		give_up("$JS.API.%s: no answer", api);
	return said;
}

static void require_success(const char *api, const char *json, const char *reply)
{
	json_t *root = json_loads(reply, 0, NULL);

	if (!root || json_object_get(root, "error"))
		give_up("$JS.API.%s %s: %s", api, json ? json : "", reply);
	json_decref(root);
}

char *jetstream_api(struct jetstream *js, const char *api, const char *json)
{
	char *reply = jetstream_try_api(js, api, json);

	require_success(api, json, reply);
	return reply;
}

static char *settings_of(const char *name, const char *subjects, const char *more)
{
	return text("{\"name\":\"%s\",\"subjects\":[%s],\"storage\":\"file\"%s%s}", name, subjects,
		more ? "," : "", more ? more : "");
}

void jetstream_make(struct jetstream *js, const char *name, const char *subjects, const char *more)
{
	jetstream_api(js, text("STREAM.CREATE.%s", name), settings_of(name, subjects, more));
}

void jetstream_change(
	struct jetstream *js, const char *name, const char *subjects, const char *more)
{
	const char *api = text("STREAM.UPDATE.%s", name), *json = settings_of(name, subjects, more);
	int64_t end = now_ms() + patience(20000);
	char *reply;

	do
		reply = jetstream_ask(js, api, json, 2000);
	while (!reply && now_ms() < end);
	if (!reply)
		give_up("$JS.API.%s: no answer", api);
	require_success(api, json, reply);
}

void jetstream_delete(struct jetstream *js, const char *name)
{
	jetstream_api(js, text("STREAM.DELETE.%s", name), NULL);
}

static int64_t state_number(struct jetstream *js, const char *name, const char *member)
{
	char *reply = jetstream_try_api(js, text("STREAM.INFO.%s", name), NULL);
	json_t *root = json_loads(reply, 0, NULL);
	json_t *state = json_object_get(root, "state");
	int64_t number = state ? json_integer_value(json_object_get(state, member)) : -1;

	json_decref(root);
	return number;
}

int64_t jetstream_count(struct jetstream *js, const char *name)
{
	return state_number(js, name, "messages");
}

int64_t jetstream_last(struct jetstream *js, const char *name)
{
	return state_number(js, name, "last_seq");
}

bool jetstream_try_publish(struct jetstream *js, const char *subject, const char *id,
	const char *payload, uint64_t *seq)
{
	jsPubOptions options;
	jsPubAck *ack = NULL;

	jsPubOptions_Init(&options);
	options.MsgId = id;
	options.MaxWait = 2000;
	bool good = js_Publish(&ack, js->context, subject, payload, (int)strlen(payload), &options,
			    NULL) == NATS_OK;
	*seq = good ? ack->Sequence : 0;
	jsPubAck_Destroy(ack);
	return good;
}

void jetstream_publish(
	struct jetstream *js, const char *subject, const char *id, const char *payload)
{
	jsPubOptions options;
	jsPubAck *ack = NULL;

	jsPubOptions_Init(&options);
	options.MsgId = id;
	must(js_Publish(&ack, js->context, subject, payload, (int)strlen(payload), &options, NULL),
		subject);
	jsPubAck_Destroy(ack);
}

/* An ordered push consumer: the library itself begins again where a message is missing. */
static natsSubscription *subscribe_all(struct jetstream *js, const char *name)
{
	natsSubscription *subscription = NULL;
	jsSubOptions options;

	jsSubOptions_Init(&options);
	options.Stream = name;
	options.Ordered = true;
	must(js_SubscribeSync(&subscription, js->context, ">", NULL, &options, NULL), name);
	natsSubscription_SetPendingLimits(subscription, -1, -1);
	return subscription;
}

static bool give_message(natsSubscription *subscription, jetstream_fn *fn, void *context)
{
	natsMsg *message = NULL;
	jsMsgMetaData *about = NULL;

	must(natsSubscription_NextMsg(&message, subscription, patience(10000)), "reading a stream");
	must(natsMsg_GetMetaData(&about, message), "reading a stream");
	bool more = about->NumPending > 0;
	fn(context, about->Sequence.Stream, message);
	jsMsgMetaData_Destroy(about);
	return more;
}

static void each_kept(struct jetstream *js, const char *name, jetstream_fn *fn, void *context)
{
	natsSubscription *subscription;

	if (jetstream_count(js, name) <= 0)
		return;
	subscription = subscribe_all(js, name);
	while (give_message(subscription, fn, context))
		;
	natsSubscription_Unsubscribe(subscription);
	natsSubscription_Destroy(subscription);
}

struct each {
	jetstream_fn *fn;
	void *context;
};

static void call_and_free(void *context, uint64_t seq, natsMsg *message)
{
	struct each *each = context;

	each->fn(each->context, seq, message);
	natsMsg_Destroy(message);
}

void jetstream_each(struct jetstream *js, const char *name, jetstream_fn *fn, void *context)
{
	struct each each = { fn, context };

	each_kept(js, name, call_and_free, &each);
}

const char *jetstream_header(natsMsg *message, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get(message, name, &value) == NATS_OK && value ? value : "";
}

static void collect(void *context, uint64_t seq, natsMsg *message)
{
	struct jetstream_messages *all = context;

	if ((all->count & (all->count - 1)) == 0)
		all->items = realloc(
			all->items, (all->count ? 2 * all->count : 1) * sizeof(*all->items));
	all->items[all->count++] = (struct jetstream_message){ .seq = seq,
		.subject = (char *)natsMsg_GetSubject(message),
		.id = (char *)jetstream_header(message, "Nats-Msg-Id"),
		.key = (char *)jetstream_header(message, "Dray-Key"),
		.payload = (char *)natsMsg_GetData(message),
		.size = (size_t)natsMsg_GetDataLength(message),
		.message = message };
}

struct jetstream_messages jetstream_read(struct jetstream *js, const char *name)
{
	struct jetstream_messages all = { 0 };

	each_kept(js, name, collect, &all);
	return all;
}

void jetstream_free(struct jetstream_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		natsMsg_Destroy(messages->items[i].message);
	free(messages->items);
	*messages = (struct jetstream_messages){ 0 };
}
