/*
 * From the return of a commit to the moment when a push consumer has the event, which the stream has stored
 * by then. With a dray: single inserts into an idle outbox. Without: the same commit and a bare publish of
 * the same process right behind it, which is the floor.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRIVE_MS 10000

struct latency {
	const struct options *options;
	struct any_db db;
	natsConnection *nc;
	natsSubscription *arrivals;
	bool bare;
};

static void make_consumer(struct latency *l)
{
	natsInbox *inbox = NULL;
	char json[512], reply[4096];

	natsInbox_Create(&inbox);
	if (natsConnection_SubscribeSync(&l->arrivals, l->nc, inbox) != NATS_OK)
		die("cannot subscribe");
	snprintf(json, sizeof(json),
		"{\"stream_name\":\"" STREAM "\",\"config\":{\"ack_policy\":\"none\","
		"\"deliver_policy\":\"all\",\"deliver_subject\":\"%s\",\"mem_storage\":true}}",
		inbox);
	nats_api(l->nc, "CONSUMER.CREATE." STREAM, json, reply, sizeof(reply));
	if (strstr(reply, "\"error\""))
		die("no consumer: %s", reply);
	natsInbox_Destroy(inbox);
}

static void publish_bare(struct latency *l)
{
	static const char payload[256];

	if (natsConnection_Publish(l->nc, "bench.s0", payload, sizeof(payload)) != NATS_OK ||
		natsConnection_Flush(l->nc) != NATS_OK)
		die("cannot publish");
}

/* Nanoseconds from the commit to the arrival. */
static int64_t one(struct latency *l)
{
	natsMsg *message = NULL;

	any_do(&l->db,
		"INSERT INTO dray_outbox (subject, key, payload) "
		"VALUES ('bench.s0', 'one', zeroblob(256))",
		"INSERT INTO dray.outbox (subject, key, payload) "
		"VALUES ('bench.s0', 'one', convert_to(repeat('x', 256), 'UTF8'))");
	int64_t committed = now_ns();
	if (l->bare)
		publish_bare(l);
	natsStatus status = natsSubscription_NextMsg(&message, l->arrivals, ARRIVE_MS);
	if (status != NATS_OK)
		die("an event did not arrive: %s", natsStatus_GetText(status));
	int64_t took = now_ns() - committed;
	natsMsg_Destroy(message);
	return took;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void say(const struct options *options, int64_t *took, size_t count)
{
	qsort(took, count, sizeof(*took), by_size);
	printf("%s,%zu,%.3f,%.3f,%.3f\n", options->label, count, (double)took[count / 2] / 1e6,
		(double)took[(count * 99 + 99) / 100 - 1] / 1e6, (double)took[count - 1] / 1e6);
}

/* Between two inserts the relay falls asleep; the pauses are of uneven length, to meet every phase of it. */
static void measure(struct latency *l, int64_t *took)
{
	int64_t pause = 1000 / l->options->rate;

	one(l);
	nap_ms(1000);
	for (int64_t i = 0; i < l->options->rows; i++) {
		nap_ms(pause / 2 + i * 37 % (pause + 1));
		took[i] = one(l);
	}
}

int cmd_latency(const struct options *options)
{
	struct latency l = { .options = options, .bare = !options->command[0] };
	int64_t *took = need((size_t)options->rows * sizeof(*took));
	struct child dray;

	stream_make(options->nats);
	l.db = any_connect(options->database);
	if (l.db.sqlite)
		sqlite_do(l.db.sqlite, "PRAGMA synchronous = FULL");
	l.nc = nats_connect(options->nats);
	make_consumer(&l);
	if (!l.bare)
		child_start(&dray, options->command);
	measure(&l, took);
	if (!l.bare)
		child_end(&dray);
	say(options, took, (size_t)options->rows);
	any_close(&l.db);
	free(took);
	return 0;
}
