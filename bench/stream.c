/* NATS, and the one stream of the benchmark. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

natsConnection *nats_connect(const char *url, bool at_once)
{
	natsConnection *nc = NULL;
	natsOptions *settings = NULL;
	natsStatus status = natsOptions_Create(&settings);

	if (status == NATS_OK)
		status = natsOptions_SetURL(settings, url);
	if (status == NATS_OK)
		status = natsOptions_SetSendAsap(settings, at_once);
	if (status == NATS_OK)
		status = natsConnection_Connect(&nc, settings);
	natsOptions_Destroy(settings);
	if (status != NATS_OK)
		die("%s: %s", url, natsStatus_GetText(status));
	return nc;
}

void nats_api(natsConnection *nc, const char *api, const char *json, char *reply, size_t size)
{
	char subject[256];
	natsMsg *message = NULL;

	snprintf(subject, sizeof(subject), "$JS.API.%s", api);
	natsStatus status = natsConnection_RequestString(&message, nc, subject, json, 10000);
	if (status != NATS_OK)
		die("%s: %s", subject, natsStatus_GetText(status));
	snprintf(reply, size, "%.*s", natsMsg_GetDataLength(message), natsMsg_GetData(message));
	natsMsg_Destroy(message);
}

void stream_make(const struct options *options)
{
	natsConnection *nc = nats_connect(options->nats, false);
	char json[256], reply[4096];

	snprintf(json, sizeof(json),
		"{\"name\":\"" STREAM
		"\",\"subjects\":[\"bench.>\"],\"storage\":\"file\",\"num_replicas\":%lld}",
		(long long)options->replicas);
	nats_api(nc, "STREAM.DELETE." STREAM, "", reply, sizeof(reply));
	nats_api(nc, "STREAM.CREATE." STREAM, json, reply, sizeof(reply));
	if (strstr(reply, "\"error\""))
		die("the stream cannot be made: %s", reply);
	natsConnection_Destroy(nc);
}

int64_t stream_messages(natsConnection *nc)
{
	char reply[4096];

	nats_api(nc, "STREAM.INFO." STREAM, "", reply, sizeof(reply));
	const char *found = strstr(reply, "\"messages\":");
	return found ? atoll(found + strlen("\"messages\":")) : -1;
}

natsSubscription *stream_push(natsConnection *nc, natsMsgHandler handler, void *context)
{
	natsSubscription *subscription = NULL;
	natsInbox *inbox = NULL;
	char json[512], reply[4096];

	natsInbox_Create(&inbox);
	natsStatus status = handler
		? natsConnection_Subscribe(&subscription, nc, inbox, handler, context)
		: natsConnection_SubscribeSync(&subscription, nc, inbox);
	if (status != NATS_OK)
		die("cannot subscribe: %s", natsStatus_GetText(status));
	natsSubscription_SetPendingLimits(subscription, -1, -1);
	snprintf(json, sizeof(json),
		"{\"stream_name\":\"" STREAM "\",\"config\":{\"ack_policy\":\"none\","
		"\"deliver_policy\":\"all\",\"deliver_subject\":\"%s\",\"mem_storage\":true}}",
		inbox);
	nats_api(nc, "CONSUMER.CREATE." STREAM, json, reply, sizeof(reply));
	if (strstr(reply, "\"error\""))
		die("no consumer: %s", reply);
	natsInbox_Destroy(inbox);
	return subscription;
}
