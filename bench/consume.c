/* The consume floor: an own pull loop on a consumer without acknowledgements, two requests outstanding. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define WAIT_MS 5000

struct consume {
	natsConnection *nc;
	natsSubscription *subscription;
	char inbox[64], pull[160], request[96];
};

/* An ephemeral consumer from the stream's first message on; its name goes into `name`. */
static void make_consumer(natsConnection *nc, char name[64])
{
	char reply[4096];

	nats_api(nc, "CONSUMER.CREATE." STREAM,
		"{\"stream_name\":\"" STREAM "\",\"config\":{\"ack_policy\":\"none\","
		"\"deliver_policy\":\"all\",\"replay_policy\":\"instant\",\"mem_storage\":true,"
		"\"inactive_threshold\":30000000000}}",
		reply, sizeof(reply));
	const char *found = strstr(reply, "\"name\":");
	if (!found || sscanf(found + strlen("\"name\":"), " \"%63[^\"]", name) != 1)
		die("no consumer: %s", reply);
}

static void *prepare(const struct options *options)
{
	struct consume *c = need(sizeof(*c));
	natsInbox *inbox = NULL;
	char name[64];

	c->nc = nats_connect(options->nats, false);
	natsInbox_Create(&inbox);
	snprintf(c->inbox, sizeof(c->inbox), "%s", inbox);
	natsInbox_Destroy(inbox);
	if (natsConnection_SubscribeSync(&c->subscription, c->nc, c->inbox) != NATS_OK)
		die("cannot subscribe");
	natsSubscription_SetPendingLimits(c->subscription, -1, -1);
	make_consumer(c->nc, name);
	snprintf(c->pull, sizeof(c->pull), "$JS.API.CONSUMER.MSG.NEXT." STREAM ".%s", name);
	snprintf(c->request, sizeof(c->request), "{\"batch\":%lld,\"expires\":30000000000}",
		(long long)options->batch);
	return c;
}

static void ask_for_more(struct consume *c)
{
	if (natsConnection_PublishRequestString(c->nc, c->pull, c->inbox, c->request) != NATS_OK)
		die("a pull request cannot be sent");
}

static void run(void *state, const struct options *options)
{
	struct consume *c = state;
	natsMsg *message;

	ask_for_more(c);
	ask_for_more(c);
	for (int64_t i = 1; i <= options->rows; i++) {
		natsStatus status = natsSubscription_NextMsg(&message, c->subscription, WAIT_MS);
		if (status != NATS_OK)
			die("after %lld messages: %s", (long long)i, natsStatus_GetText(status));
		natsMsg_Destroy(message);
		if (i % options->batch == 0)
			ask_for_more(c);
	}
}

const struct loop loop_consume = { prepare, run };
