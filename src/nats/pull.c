/*
 * The pull reader. Two requests are outstanding, so that the server always has somewhere to send to while
 * a batch is stored. Each has a reply subject of its own below one inbox, which tells which request a
 * status ends; messages come with their own subject and are counted against all requests together, since
 * the server may serve them in turns.
 *
 * Always: `credit` is at most what the server may still send, so that it can only be asked too much, never
 * forgotten; nothing of a message is trusted.
 */
#include "nats/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <nats/nats.h>

#include "base/clock.h"
#include "base/memory.h"
#include "event.h"
#include "nats/inbox.h"
#include "nats/message.h"
#include "nats/pull_consumer.h"
#include "nats/pull_status.h"

#define EXPIRES_MS   30000
#define HEARTBEAT_MS 2000
#define SILENCE_MS   6500 /* three heartbeats missed */
#define LOOK_MS	     400 /* how often a wait looks for a stop and a broken connection */
#define REPLY_SIZE   128

struct pull {
	struct link *link;
	struct pull_options options;
	char *stream, consumer[256], next[600];
	struct inbox *inbox;
	bool filter_here;
	bool alone; /* the next message is too large for batch_bytes: ask for it without a limit */
	int64_t credit;
	uint64_t requests; /* how many were sent: the last one's token */
	uint64_t last_seq, last_consumer_seq;
	int64_t heard_ms;
	struct message_headers headers;
};

/* Keeps a message and the headers made from it. */
struct held {
	natsMsg *message;
	char json[];
};

/*
 * cnats lays a message out in one block, each part with a NUL behind: subject, reply, header block,
 * payload. That is how the header block can be read as it came, which its API does not offer (message.c
 * says why that matters). All versions from 3.4 on do so; pull_create tries it before it relies on it.
 */
static struct slice header_block(const natsMsg *message)
{
	const char *subject = natsMsg_GetSubject(message), *reply = natsMsg_GetReply(message);
	const char *before = reply ? reply : subject, *data = natsMsg_GetData(message);
	const char *start = before + strlen(before) + 1;

	if (data - start < 2)
		return (struct slice){ 0 };
	return (struct slice){ start, (size_t)(data - start) - 1 };
}

static bool check_layout(struct error *err)
{
	natsMsg *message = NULL;

	bool ok = natsMsg_Create(&message, "subject", "reply", "payload", 7) == NATS_OK;
	if (ok) {
		const char *subject = natsMsg_GetSubject(message);
		ok = natsMsg_GetReply(message) == subject + sizeof("subject") &&
			natsMsg_GetData(message) == subject + sizeof("subject") + sizeof("reply");
	}
	natsMsg_Destroy(message);
	return ok ||
		error_set(err, ERROR_INTERNAL, "libnats %s has messages of an unknown layout",
			nats_GetVersion());
}

static bool failed(const struct pull *pull, natsStatus status, struct error *err)
{
	return error_set(err, ERROR_UNAVAILABLE, "%s: reading stream %s: %s",
		link_label(pull->link), pull->stream, natsStatus_GetText(status));
}

struct pull *pull_create(struct link *link, const struct pull_options *options, struct error *err)
{
	char api[560];

	if (!check_layout(err))
		return NULL;
	struct pull *pull = memory_new(sizeof(*pull));
	pull->link = link;
	pull->options = *options;
	pull->stream = memory_text(options->stream);
	pull->inbox = inbox_open(link, err);
	if (pull->inbox &&
		pull_consumer_make(link, options, pull->consumer, &pull->filter_here, err)) {
		snprintf(api, sizeof(api), "CONSUMER.MSG.NEXT.%s.%s", pull->stream, pull->consumer);
		link_api_subject(link, api, pull->next, sizeof(pull->next));
		return pull;
	}
	pull_destroy(pull);
	return NULL;
}

/* Waits for no answer: where it does not arrive, the server removes the consumer after a while. */
static void delete_consumer(struct pull *pull)
{
	char api[560], subject[600], reply[REPLY_SIZE];

	snprintf(api, sizeof(api), "CONSUMER.DELETE.%s.%s", pull->stream, pull->consumer);
	snprintf(reply, sizeof(reply), "%s.end", inbox_subject(pull->inbox));
	if (link_api_subject(pull->link, api, subject, sizeof(subject)))
		natsConnection_PublishRequestString(
			(natsConnection *)link_connection(pull->link), subject, reply, "");
}

static bool send_request(struct pull *pull, int64_t batch, int64_t max_bytes, struct error *err)
{
	char body[200], limit[40] = "", reply[REPLY_SIZE];

	if (max_bytes > 0)
		snprintf(limit, sizeof(limit), ",\"max_bytes\":%" PRId64, max_bytes);
	snprintf(body, sizeof(body),
		"{\"batch\":%" PRId64 ",\"expires\":%" PRId64 ",\"idle_heartbeat\":%" PRId64 "%s}",
		batch, INT64_C(1000000) * EXPIRES_MS, INT64_C(1000000) * HEARTBEAT_MS, limit);
	snprintf(reply, sizeof(reply), "%s.%" PRIu64, inbox_subject(pull->inbox), ++pull->requests);
	natsStatus status = natsConnection_PublishRequestString(
		(natsConnection *)link_connection(pull->link), pull->next, reply, body);
	if (status != NATS_OK)
		return failed(pull, status, err);
	pull->credit += batch;
	pull->heard_ms = clock_now_ms();
	return true;
}

/* A message too large for a request ends every request that meets it: it is asked for when none is left. */
static bool refill(struct pull *pull, struct error *err)
{
	if (pull->alone)
		return pull->credit > 0 || send_request(pull, 1, 0, err);
	while (pull->credit <= pull->options.batch)
		if (!send_request(pull, pull->options.batch, pull->options.batch_bytes, err))
			return false;
	return true;
}

static bool again(const struct pull *pull, struct error *err, const char *why)
{
	return error_set(err, ERROR_CONFLICT, "reading stream %s: %s", pull->stream, why);
}

/* A request has ended before it was full. Without a count of what is left it counts as untouched. */
static void end_request(struct pull *pull, int64_t left)
{
	pull->credit -= left < 0 ? pull->options.batch : left;
	if (pull->credit < 0)
		pull->credit = 0;
}

static bool on_status(struct pull *pull, struct slice block, struct error *err)
{
	struct pull_status status;
	enum error_kind kind = ERROR_UNAVAILABLE;

	pull_status_read(block, &status);
	switch (status.signal) {
	case PULL_HEARTBEAT: /* what was sent by now must have come before it */
		return pull->options.durable || status.last_consumer_seq < 0 ||
			(uint64_t)status.last_consumer_seq <= pull->last_consumer_seq ||
			again(pull, err, "messages got lost on the way");
	case PULL_ENDED:
		pull->alone = false;
		end_request(pull, status.left);
		return true;
	case PULL_TOO_LARGE: /* too large for a request that could hold nothing else */
		pull->alone = pull->alone || status.left < 0 || status.left >= pull->options.batch;
		end_request(pull, status.left);
		return true;
	case PULL_REFUSED:
		kind = ERROR_SCHEMA;
		break;
	case PULL_GONE:
		kind = ERROR_CONFLICT;
		break;
	case PULL_AWAY:
		break;
	}
	return error_set(err, kind, "reading stream %s: %d %.*s", pull->stream, status.code,
		(int)status.text.size, status.text.data ? status.text.data : "");
}

/* Every message once and in order, or nothing more. */
static bool check_order(struct pull *pull, const struct message_origin *origin, struct error *err)
{
	if (pull->options.durable)
		return true;
	if (origin->delivered != 1)
		return again(pull, err, "a message was delivered again");
	if (origin->consumer_seq != pull->last_consumer_seq + 1 || origin->seq <= pull->last_seq)
		return again(pull, err, "messages got lost on the way");
	pull->last_consumer_seq = origin->consumer_seq;
	pull->last_seq = origin->seq;
	return true;
}

static bool wanted(const struct pull *pull, struct slice subject)
{
	if (!pull->filter_here)
		return true;
	for (size_t i = 0; i < pull->options.subjects->count; i++)
		if (event_subject_matches(pull->options.subjects->items[i], subject))
			return true;
	return false;
}

/* The subject may have a NUL inside; the layout tells its true size. */
static struct slice subject_of(const natsMsg *message)
{
	const char *subject = natsMsg_GetSubject(message);

	return (struct slice){ subject, (size_t)(natsMsg_GetReply(message) - subject) - 1 };
}

static void fill(struct pull *pull, natsMsg *message, const struct message_origin *origin,
	struct pull_message *out)
{
	struct slice subject = subject_of(message), block = header_block(message), json;
	struct message_headers *headers = &pull->headers;

	message_read_headers(block, headers);
	if (memchr(subject.data, 0, subject.size))
		headers->fault = "the subject has a NUL character";
	json = (struct slice){ headers->json.data, headers->json.size };
	struct held *held = memory_grow(NULL, sizeof(*held) + json.size);
	held->message = message;
	if (json.size)
		memcpy(held->json, json.data, json.size);
	int64_t size = natsMsg_GetDataLength(message);
	*out = (struct pull_message){
		.subject = subject,
		.id = headers->id,
		.key = headers->key,
		.payload = { natsMsg_GetData(message), (size_t)size },
		.headers = { json.size ? held->json : NULL, json.size },
		.fault = headers->fault,
		.seq = origin->seq,
		.consumer_seq = origin->consumer_seq,
		.pending = origin->pending,
		.time_ns = origin->time_ns,
		.size = pull->options.headers_only ? message_number(block, "Nats-Msg-Size") : size,
		.delivered = origin->delivered,
		.handle = held,
	};
}

/* Takes one message off the wire: *got says whether it is one for the caller. */
static bool handle(
	struct pull *pull, natsMsg *message, struct pull_message *out, bool *got, struct error *err)
{
	struct message_origin origin;

	*got = false;
	pull->heard_ms = clock_now_ms();
	if (!message_parse_origin(natsMsg_GetReply(message), &origin)) {
		bool ok = on_status(pull, header_block(message), err);
		natsMsg_Destroy(message);
		return ok;
	}
	pull->alone = false;
	if (pull->credit > 0)
		pull->credit--;
	bool ok = check_order(pull, &origin, err);
	*got = ok && wanted(pull, subject_of(message));
	if (*got)
		fill(pull, message, &origin, out);
	else
		natsMsg_Destroy(message);
	return ok;
}

/* The words of a refusal came just after the request that it is about. */
static bool silent(const struct pull *pull, struct error *err)
{
	char words[LINK_WORDS];

	link_words_since(pull->link, pull->heard_ms - HEARTBEAT_MS, words);
	return error_set(err, ERROR_UNAVAILABLE,
		"%s: reading stream %s: the server has fallen silent%s", link_label(pull->link),
		pull->stream, words);
}

/* One look at the queue; *message NULL where nothing came within wait_ms. */
static bool look(struct pull *pull, int64_t wait_ms, natsMsg **message, struct error *err)
{
	struct stop *stop = link_stop(pull->link);

	*message = NULL;
	if (stop && stop_requested(stop))
		return error_set(
			err, ERROR_STOPPED, "stopped while reading stream %s", pull->stream);
	*message = (natsMsg *)inbox_take(pull->inbox, wait_ms < LOOK_MS ? wait_ms : LOOK_MS);
	if (*message)
		return true;
	if (!link_is_up(pull->link))
		return failed(pull, NATS_CONNECTION_CLOSED, err);
	return clock_now_ms() - pull->heard_ms <= SILENCE_MS || silent(pull, err);
}

bool pull_next(struct pull *pull, int64_t wait_ms, struct pull_message *message, struct error *err)
{
	int64_t until = clock_now_ms() + wait_ms, left = wait_ms;
	natsMsg *next;
	bool got;

	for (;;) {
		if (!refill(pull, err) || !look(pull, left, &next, err))
			return false;
		if (next && !handle(pull, next, message, &got, err))
			return false;
		if (next && got)
			return true;
		left = until - clock_now_ms();
		if (left <= 0) {
			err->kind = ERROR_NONE;
			return false;
		}
	}
}

void pull_release(struct pull_message *message)
{
	struct held *held = message->handle;

	if (held)
		natsMsg_Destroy(held->message);
	free(held);
	message->handle = NULL;
}

bool pull_progress(struct pull *pull, struct pull_progress *progress, struct error *err)
{
	json_t *info;
	char api[560];

	snprintf(api, sizeof(api), "CONSUMER.INFO.%s.%s", pull->stream, pull->consumer);
	if (!link_api(pull->link, api, NULL, &info, NULL, err))
		return false;
	const json_t *delivered = json_object_get(info, "delivered");
	progress->delivered_seq =
		(uint64_t)json_integer_value(json_object_get(delivered, "stream_seq"));
	progress->all_taken = json_integer_value(json_object_get(info, "num_pending")) == 0 &&
		(uint64_t)json_integer_value(json_object_get(delivered, "consumer_seq")) ==
			pull->last_consumer_seq;
	json_decref(info);
	return true;
}

static bool answer(struct pull *pull, const natsMsg *message, const char *text, struct error *err)
{
	natsStatus status = natsConnection_PublishString(
		(natsConnection *)link_connection(pull->link), natsMsg_GetReply(message), text);

	return status == NATS_OK || failed(pull, status, err);
}

bool pull_ack(struct pull *pull, const struct pull_message *message, struct error *err)
{
	return answer(pull, ((const struct held *)message->handle)->message, "+ACK", err);
}

bool pull_give_back(struct pull *pull, const struct pull_message *message, struct error *err)
{
	return answer(pull, ((const struct held *)message->handle)->message, "-NAK", err);
}

/* What is queued would otherwise be delivered to the next reader only when its time is up. */
static void give_back_queue(struct pull *pull)
{
	struct message_origin origin;
	natsMsg *message;

	while ((message = (natsMsg *)inbox_take(pull->inbox, 0))) {
		if (message_parse_origin(natsMsg_GetReply(message), &origin))
			answer(pull, message, "-NAK", NULL);
		natsMsg_Destroy(message);
	}
}

void pull_destroy(struct pull *pull)
{
	if (!pull)
		return;
	if (pull->inbox && link_is_up(pull->link)) {
		if (pull->options.durable)
			give_back_queue(pull);
		else if (pull->consumer[0])
			delete_consumer(pull);
	}
	inbox_close(pull->inbox);
	message_headers_finish(&pull->headers);
	free(pull->stream);
	free(pull);
}
