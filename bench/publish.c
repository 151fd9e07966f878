/*
 * The publish floor: pipelined publishes with acknowledgements, the messages that the relay would send
 * (reply inbox, Nats-Msg-Id, Nats-Expected-Stream, Dray-Key), at most `window` unanswered.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct publish {
	natsConnection *nc;
	natsSubscription *subscription;
	char prefix[64];
	char *payload;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	int64_t answered, wanted; /* the sender sleeps until so many are answered */
};

static void on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *context)
{
	struct publish *p = context;

	(void)nc;
	(void)sub;
	if (strncmp(natsMsg_GetData(message), "{\"stream\"", 9) != 0)
		die("no acknowledgement: %s", natsMsg_GetData(message));
	natsMsg_Destroy(message);
	pthread_mutex_lock(&p->lock);
	if (++p->answered == p->wanted)
		pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void *prepare(const struct options *options)
{
	struct publish *p = need(sizeof(*p));
	natsInbox *inbox = NULL;
	char subject[72];

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->nc = nats_connect(options->nats, options->window == 1);
	p->payload = payload_make(options->size);
	natsInbox_Create(&inbox);
	snprintf(p->prefix, sizeof(p->prefix), "%s.", inbox);
	snprintf(subject, sizeof(subject), "%s*", p->prefix);
	natsInbox_Destroy(inbox);
	if (natsConnection_Subscribe(&p->subscription, p->nc, subject, on_answer, p) != NATS_OK)
		die("cannot subscribe");
	natsSubscription_SetPendingLimits(p->subscription, -1, -1);
	return p;
}

static void wait_until(struct publish *p, int64_t answered)
{
	pthread_mutex_lock(&p->lock);
	p->wanted = answered;
	while (p->answered < answered)
		pthread_cond_wait(&p->changed, &p->lock);
	p->wanted = -1;
	pthread_mutex_unlock(&p->lock);
}

static void send_one(struct publish *p, const struct options *options, int64_t i)
{
	char reply[96], subject[32], id[40], key[32];
	natsMsg *message = NULL;

	snprintf(reply, sizeof(reply), "%s%llx", p->prefix, (long long)i);
	snprintf(subject, sizeof(subject), SUBJECT_SHAPE, (int)(i % SUBJECTS));
	snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012llx",
		(unsigned long long)i & 0xffffffffffff);
	snprintf(key, sizeof(key), "key-%lld", (long long)(i % options->keys));
	payload_number(p->payload, i + 1);
	natsStatus status =
		natsMsg_Create(&message, subject, reply, p->payload, (int)options->size);
	if (status == NATS_OK)
		status = natsMsgHeader_Add(message, "Nats-Msg-Id", id);
	if (status == NATS_OK)
		status = natsMsgHeader_Add(message, "Nats-Expected-Stream", STREAM);
	if (status == NATS_OK)
		status = natsMsgHeader_Add(message, "Dray-Key", key);
	if (status == NATS_OK)
		status = natsConnection_PublishMsg(p->nc, message);
	if (status != NATS_OK)
		die("publish: %s", natsStatus_GetText(status));
	natsMsg_Destroy(message);
}

/* A full window is waited for by half, so that the sender does not wake for every answer. */
static void run(void *state, const struct options *options)
{
	struct publish *p = state;
	int64_t known = 0;

	for (int64_t i = 0; i < options->rows; i++) {
		if (i - known >= options->window) {
			known = i - options->window / 2;
			wait_until(p, known);
		}
		send_one(p, options, i);
	}
	wait_until(p, options->rows);
}

const struct loop loop_publish = { prepare, run };
