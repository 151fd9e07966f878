/*
 * From a stream's acknowledgement of an event to the moment when a reader of the database sees its row, at a steady
 * rate. With a dray: its archive. Without: a process that stores what comes in by the ingest floor's statement, at
 * once, which is the floor. The reader asks for the newest row again and again, so it sees it up to LOOK_US
 * late, with either.
 */
#include "bench.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_US 300
#define STORE_S 30
#define WARM_MS 1000
#define AT_ONCE 500 /* wake-ups of the sender a second */

struct sink_latency {
	const struct options *options;
	natsConnection *nc;
	char prefix[64];
	int64_t total;
	int64_t *acknowledged,
		*seen; /* by sequence; the first is written by the subscription's thread */
};

static const struct question newest = {
	"SELECT seq FROM dray_events ORDER BY stream DESC, epoch DESC, seq DESC LIMIT 1",
	"SELECT seq FROM dray.events ORDER BY stream DESC, epoch DESC, seq DESC LIMIT 1"
};

static void on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *context)
{
	struct sink_latency *s = context;
	int64_t number = atoll(natsMsg_GetSubject(message) + strlen(s->prefix));

	(void)nc;
	(void)sub;
	if (!strstr(natsMsg_GetData(message), "\"seq\""))
		die("no acknowledgement: %s", natsMsg_GetData(message));
	s->acknowledged[number] = now_ns();
	natsMsg_Destroy(message);
}

static void listen_to_answers(struct sink_latency *s)
{
	natsSubscription *subscription;
	natsInbox *inbox = NULL;
	char subject[72];

	natsInbox_Create(&inbox);
	snprintf(s->prefix, sizeof(s->prefix), "%s.", inbox);
	snprintf(subject, sizeof(subject), "%s*", s->prefix);
	natsInbox_Destroy(inbox);
	if (natsConnection_Subscribe(&subscription, s->nc, subject, on_answer, s) != NATS_OK)
		die("cannot subscribe");
}

static void send_range(struct sink_latency *s, char *payload, int64_t from, int64_t to)
{
	char reply[96];

	for (int64_t i = from; i <= to; i++) {
		payload_number(payload, i);
		snprintf(reply, sizeof(reply), "%s%lld", s->prefix, (long long)i);
		if (natsConnection_PublishRequest(
			    s->nc, "bench.s0", reply, payload, (int)s->options->size) != NATS_OK)
			die("cannot publish");
	}
	if (natsConnection_Flush(s->nc) != NATS_OK)
		die("cannot publish");
}

static void *send_all(void *context)
{
	struct sink_latency *s = context;
	int64_t rate = s->options->rate, at_once = rate > AT_ONCE ? rate / AT_ONCE : 1;
	char *payload = payload_make(s->options->size);

	send_range(s, payload, 1, 1);
	nap_ms(WARM_MS);
	int64_t began = now_ns();
	for (int64_t from = 2; from <= s->total; from += at_once) {
		int64_t to = from + at_once - 1;
		nap_ns(began + (from - 2) * 1000000000 / rate - now_ns());
		send_range(s, payload, from, to < s->total ? to : s->total);
	}
	free(payload);
	return NULL;
}

static void look_at_rows(struct sink_latency *s)
{
	struct any_db db = any_connect(s->options->database);
	int64_t last = 0, changed = now_ns();

	while (last < s->total) {
		int64_t seq = any_int(&db, &newest), now = now_ns();
		if (seq > last)
			changed = now;
		while (last < seq && last < s->total)
			s->seen[++last] = now;
		if (now - changed > (int64_t)STORE_S * 1000000000)
			die("%s: nothing was stored after %lld", s->options->label,
				(long long)last);
		nap_ns((int64_t)LOOK_US * 1000);
	}
	any_close(&db);
}

/* The floor: whatever is there is stored in one transaction. */
static void store_bare(const struct options *options)
{
	natsConnection *nc = nats_connect(options->nats, false);
	natsSubscription *events = stream_push(nc, NULL, NULL);
	void *state = loop_ingest.prepare(options);
	int64_t stored = 0;

	for (;;) {
		natsMsg *message = NULL;
		int64_t count = 0;
		while (count < options->batch &&
			natsSubscription_NextMsg(&message, events, count ? 0 : 1000) == NATS_OK) {
			natsMsg_Destroy(message);
			count++;
		}
		if (count)
			ingest_store(state, stored + 1, count);
		stored += count;
	}
}

static pid_t start_bare(const struct options *options)
{
	pid_t pid = fork();

	if (pid < 0)
		die("no process");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		store_bare(options);
	}
	return pid;
}

int cmd_sink_latency(const struct options *options)
{
	struct sink_latency s = { .options = options, .total = options->rows + 1 };
	bool bare = !options->command[0];
	struct child child = { 0 };
	pthread_t sender;

	s.acknowledged = need((size_t)(s.total + 1) * sizeof(*s.acknowledged));
	s.seen = need((size_t)(s.total + 1) * sizeof(*s.seen));
	stream_make(options);
	if (bare)
		child.pid = start_bare(options);
	else
		child_start(&child, options->command);
	s.nc = nats_connect(options->nats, false);
	listen_to_answers(&s);
	if (pthread_create(&sender, NULL, send_all, &s) != 0)
		die("no thread");
	look_at_rows(&s);
	pthread_join(sender, NULL);
	if (bare)
		kill(child.pid, SIGKILL);
	else
		child_end(&child);
	say_latencies(s.acknowledged + 2, s.seen + 2, options->rows);
	return 0;
}
