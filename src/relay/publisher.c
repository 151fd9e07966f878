/* Pipelined publishing with an own reply inbox. */
#include "relay/publisher.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <nats/nats.h>

#include "base/buf.h"
#include "base/failpoint.h"
#include "base/memory.h"
#include "base/patience.h"

struct messages {
	natsMsg **items;
	size_t count, room;
};

#define TOKEN_SIZE	17 /* in hex, with its NUL */
#define SENT_KEPT	256 /* until the caller rests */
#define SENT_KEPT_BYTES 131072 /* of payload */

/*
 * Handed over one by one, each answer costs cnats' reader and its delivery thread a switch of threads. While many
 * are on their way, the delivery thread does not interrupt the reader.
 */
#define CROWD 256

struct publisher {
	struct link *link;
	struct bell *bell;
	natsConnection *connection;
	natsSubscription *subscription;
	char reply[160]; /* a reply subject: what all of them begin with, and a token */
	size_t prefix_size;
	int64_t max_payload; /* of the server; as it was when the session last rested */
	struct buf subject, key, id, replay; /* NUL-terminated copies for cnats */
	struct messages sent, gathered;
	size_t next; /* of those gathered */
	size_t sent_bytes;
	_Atomic bool crowded; /* many answers are on their way */
	bool patient; /* so is that thread, which owns this */
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	struct messages arrived;
	bool finished; /* cnats has made its last call */
};

static uint64_t token_of(const struct publisher *publisher, const char *subject)
{
	return strtoull(subject + publisher->prefix_size, NULL, 16);
}

static void add(struct messages *messages, natsMsg *message)
{
	if (messages->count == messages->room) {
		messages->room = messages->room ? messages->room * 2 : 256;
		messages->items =
			memory_grow(messages->items, messages->room * sizeof(*messages->items));
	}
	messages->items[messages->count++] = message;
}

static void destroy_all(struct messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		natsMsg_Destroy(messages->items[i]);
	messages->count = 0;
}

static void free_all(struct messages *messages)
{
	destroy_all(messages);
	free(messages->items);
}

static void be_patient(struct publisher *publisher)
{
	bool crowded = publisher->crowded;

	if (crowded != publisher->patient)
		patience_set(crowded);
	publisher->patient = crowded;
}

static void on_answer(
	natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *context)
{
	struct publisher *publisher = context;

	(void)connection;
	(void)subscription;
	be_patient(publisher);
	pthread_mutex_lock(&publisher->lock);
	add(&publisher->arrived, message);
	pthread_mutex_unlock(&publisher->lock);
	bell_ring(publisher->bell);
}

static void on_complete(void *context)
{
	struct publisher *publisher = context;

	pthread_mutex_lock(&publisher->lock);
	publisher->finished = true;
	pthread_cond_signal(&publisher->changed);
	pthread_mutex_unlock(&publisher->lock);
}

static natsStatus subscribe(struct publisher *publisher)
{
	natsInbox *inbox = NULL;
	char subject[168];
	natsStatus status = natsInbox_Create(&inbox);

	if (status != NATS_OK)
		return status;
	publisher->prefix_size = (size_t)snprintf(
		publisher->reply, sizeof(publisher->reply) - TOKEN_SIZE, "%s.", inbox);
	snprintf(subject, sizeof(subject), "%s*", publisher->reply);
	natsInbox_Destroy(inbox);
	status = natsConnection_Subscribe(
		&publisher->subscription, publisher->connection, subject, on_answer, publisher);
	if (status == NATS_OK) /* the default drops answers past 65,536 */
		status = natsSubscription_SetPendingLimits(publisher->subscription, -1, -1);
	natsStatus completion =
		natsSubscription_SetOnCompleteCB(publisher->subscription, on_complete, publisher);
	publisher->finished = completion != NATS_OK;
	return status == NATS_OK ? completion : status;
}

struct publisher *publisher_create(struct link *link, struct bell *bell, struct error *err)
{
	struct publisher *publisher = memory_new(sizeof(*publisher));

	publisher->link = link;
	publisher->bell = bell;
	publisher->connection = (natsConnection *)link_connection(link);
	pthread_mutex_init(&publisher->lock, NULL);
	pthread_cond_init(&publisher->changed, NULL);
	publisher->max_payload = natsConnection_GetMaxPayload(publisher->connection);
	natsStatus status = subscribe(publisher);
	if (status == NATS_OK)
		return publisher;
	error_set(err, ERROR_UNAVAILABLE, "%s: cannot subscribe for answers: %s", link_label(link),
		natsStatus_GetText(status));
	publisher_destroy(publisher);
	return NULL;
}

/*
 * natsSubscription_Destroy does not wait for a call of on_answer that is under way; and before cnats 3.6.1
 * the reader thread uses a subscription that is freed while a message comes in. After a round trip, or
 * without a connection, it has let go of it.
 */
static void unsubscribe(struct publisher *publisher)
{
	if (!publisher->subscription)
		return;
	natsSubscription_Unsubscribe(publisher->subscription);
	if (natsConnection_FlushTimeout(publisher->connection, LINK_WRITE_DEADLINE_MS) != NATS_OK)
		link_close(publisher->link);
	pthread_mutex_lock(&publisher->lock);
	while (!publisher->finished)
		pthread_cond_wait(&publisher->changed, &publisher->lock);
	pthread_mutex_unlock(&publisher->lock);
	natsSubscription_Destroy(publisher->subscription);
}

void publisher_destroy(struct publisher *publisher)
{
	if (!publisher)
		return;
	unsubscribe(publisher);
	pthread_mutex_destroy(&publisher->lock);
	pthread_cond_destroy(&publisher->changed);
	buf_finish(&publisher->subject);
	buf_finish(&publisher->key);
	buf_finish(&publisher->id);
	buf_finish(&publisher->replay);
	free_all(&publisher->sent);
	free_all(&publisher->gathered);
	free_all(&publisher->arrived);
	free(publisher);
}

static const char *terminated(struct buf *buf, struct slice text)
{
	buf_clear(buf);
	buf_add_slice(buf, text);
	return buf->data;
}

struct header_target {
	natsMsg *message;
	size_t size; /* of the headers on the wire */
};

static bool add_header(void *context, const char *name, const char *value, struct error *err)
{
	struct header_target *target = context;
	natsStatus status = natsMsgHeader_Add(target->message, name, value);

	target->size += strlen(name) + strlen(value) + 4;
	return status == NATS_OK ||
		error_set(err, ERROR_INTERNAL, "header %s: %s", name, natsStatus_GetText(status));
}

static bool add_expected(
	const struct expected *expected, struct header_target *target, struct error *err)
{
	char last[24];

	if (expected->stream && !add_header(target, HEADER_EXPECTED_STREAM, expected->stream, err))
		return false;
	if (!expected->last)
		return true;
	snprintf(last, sizeof(last), "%" PRIu64, *expected->last);
	return add_header(target, HEADER_EXPECTED_LAST, last, err);
}

static bool add_headers(struct publisher *publisher, const struct event *event,
	const struct expected *expected, struct header_target *target, struct error *err)
{
	if (!add_header(target, HEADER_MSG_ID, terminated(&publisher->id, event->id), err))
		return false;
	if (!add_expected(expected, target, err))
		return false;
	if (event->key.data &&
		!add_header(target, HEADER_KEY, terminated(&publisher->key, event->key), err))
		return false;
	if (!event->replay.data)
		return event_headers_each(event->headers, add_header, target, err);
	return add_header(
		       target, HEADER_REPLAY, terminated(&publisher->replay, event->replay), err) &&
		event_headers_each_again(event->headers, add_header, target, err);
}

static bool check(const struct event *event, struct error *err)
{
	return event_check_subject(event->subject, err) && event_check_id(event->id, err) &&
		(!event->key.data || event_check_key(event->key, err));
}

static bool check_size(const struct publisher *publisher, const struct event *event, size_t headers,
	struct error *err)
{
	int64_t limit = publisher->max_payload;
	size_t size = event->payload.size + headers + sizeof("NATS/1.0\r\n\r\n");

	return limit <= 0 || size <= (size_t)limit ||
		error_set(err, ERROR_REJECTED,
			"payload and headers have %zu bytes, the server takes %" PRId64
			" (max_payload)",
			size, limit);
}

static bool publish(struct publisher *publisher, natsMsg *message, struct error *err)
{
	natsStatus status = natsConnection_PublishMsg(publisher->connection, message);

	if (status == NATS_OK)
		return true;
	if (status == NATS_MAX_PAYLOAD)
		return error_set(err, ERROR_REJECTED,
			"payload and headers are over the server's max_payload");
	return error_set(err, ERROR_UNAVAILABLE, "%s: %s", link_label(publisher->link),
		natsStatus_GetText(status));
}

static void destroy_sent(struct publisher *publisher)
{
	destroy_all(&publisher->sent);
	publisher->sent_bytes = 0;
}

static void keep_sent(struct publisher *publisher, natsMsg *message, size_t bytes)
{
	add(&publisher->sent, message);
	publisher->sent_bytes += bytes;
	if (publisher->sent.count >= SENT_KEPT || publisher->sent_bytes >= SENT_KEPT_BYTES)
		destroy_sent(publisher);
}

/* The reply subject of a token. */
static const char *reply_to(struct publisher *publisher, uint64_t token)
{
	char *to = publisher->reply + publisher->prefix_size;
	int digits = 1;

	while (digits < 16 && token >> (4 * digits))
		digits++;
	for (to[digits] = '\0'; digits-- > 0; token >>= 4)
		to[digits] = "0123456789abcdef"[token & 15];
	return publisher->reply;
}

bool publisher_send(struct publisher *publisher, uint64_t token, const struct event *event,
	const struct expected *expected, struct error *err)
{
	struct header_target target = { 0 };

	if (!check(event, err))
		return false;
	natsStatus status =
		natsMsg_Create(&target.message, terminated(&publisher->subject, event->subject),
			reply_to(publisher, token), event->payload.data, (int)event->payload.size);
	if (status != NATS_OK)
		return error_set(err, ERROR_INTERNAL, "a message: %s", natsStatus_GetText(status));
	bool ok = add_headers(publisher, event, expected, &target, err) &&
		check_size(publisher, event, target.size, err);
	failpoint("relay.before_publish");
	ok = ok && publish(publisher, target.message, err);
	keep_sent(publisher, target.message, event->payload.size);
	return ok;
}

bool publisher_flush(struct publisher *publisher, struct error *err)
{
	natsStatus status =
		natsConnection_FlushTimeout(publisher->connection, LINK_WRITE_DEADLINE_MS);

	return status == NATS_OK ||
		error_set(err, ERROR_UNAVAILABLE, "%s: %s", link_label(publisher->link),
			natsStatus_GetText(status));
}

void publisher_rest(struct publisher *publisher, size_t on_their_way)
{
	publisher->crowded = on_their_way >= CROWD;
	publisher->max_payload = natsConnection_GetMaxPayload(publisher->connection);
	destroy_sent(publisher);
	destroy_all(&publisher->gathered);
	publisher->next = 0;
}

void publisher_gather(struct publisher *publisher)
{
	destroy_all(&publisher->gathered);
	publisher->next = 0;
	pthread_mutex_lock(&publisher->lock);
	struct messages empty = publisher->gathered;
	publisher->gathered = publisher->arrived;
	publisher->arrived = empty;
	pthread_mutex_unlock(&publisher->lock);
}

bool publisher_next(struct publisher *publisher, struct answer *answer)
{
	if (publisher->next == publisher->gathered.count)
		return false;
	natsMsg *message = publisher->gathered.items[publisher->next++];
	answer->token = token_of(publisher, natsMsg_GetSubject(message));
	if (natsMsg_IsNoResponders(message))
		answer->ack.kind = PUBACK_NO_RESPONDERS;
	else
		puback_parse(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message),
			&answer->ack);
	return true;
}
