/*
 * From the return of a commit to the moment when a push consumer has the event, which the stream has stored
 * by then, at a steady rate. With a dray or a peer: rows inserted into its table. Without: the same commits and a
 * bare publish of the same process right behind each, which is the floor.
 *
 * Above COMMITS_A_SECOND events a second, several share a transaction. The rate is kept by the clock: who is
 * late is not waited for.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMITS_A_SECOND 500
#define ARRIVE_MS	 20000
#define WARM_MS		 1000

struct latency {
	const struct options *options;
	struct filler filler;
	natsConnection *nc;
	int64_t total; /* events, the first of which wakes everything up and does not count */
	int64_t *committed, *arrived; /* by number; arrived is written by the consumer's thread */
	_Atomic int64_t count; /* arrived */
	bool bare;
};

static void on_event(natsConnection *nc, natsSubscription *sub, natsMsg *message, void *context)
{
	struct latency *l = context;
	int64_t number =
		number_of(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message));

	(void)nc;
	(void)sub;
	if (number < 1 || number > l->total)
		die("a message without its number arrived");
	if (l->arrived[number] == 0) {
		l->arrived[number] = now_ns();
		l->count++;
	}
	natsMsg_Destroy(message);
}

static void publish_bare(struct latency *l, int64_t from, int64_t to)
{
	for (int64_t i = from; i <= to; i++) {
		payload_number(l->filler.payload, i);
		if (natsConnection_Publish(
			    l->nc, "bench.s0", l->filler.payload, (int)l->options->size) != NATS_OK)
			die("cannot publish");
	}
	if (natsConnection_Flush(l->nc) != NATS_OK)
		die("cannot publish");
}

static void commit(struct latency *l, int64_t from, int64_t to)
{
	filler_put(&l->filler, from, to);
	int64_t now = now_ns();
	for (int64_t i = from; i <= to; i++)
		l->committed[i] = now;
	if (l->bare)
		publish_bare(l, from, to);
}

static void wait_for(struct latency *l, int64_t count, int64_t wait_ms)
{
	int64_t end = now_ns() + wait_ms * 1000000;

	while (l->count < count) {
		if (now_ns() > end)
			die("%s: %lld of %lld events arrived", l->options->label,
				(long long)l->count, (long long)count);
		nap_ms(1);
	}
}

static void write_all(struct latency *l)
{
	int64_t rate = l->options->rate;
	int64_t at_once = rate > COMMITS_A_SECOND ? rate / COMMITS_A_SECOND : 1;
	int64_t began = now_ns();

	for (int64_t from = 2; from <= l->total; from += at_once) {
		int64_t to = from + at_once - 1;
		nap_ns(began + (from - 2) * 1000000000 / rate - now_ns());
		commit(l, from, to < l->total ? to : l->total);
	}
	figure("rate", (double)(l->total - 1) * 1e9 / (double)(now_ns() - began));
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double per_mille(const int64_t *sorted, int64_t count, int64_t share)
{
	return (double)sorted[(count * share + 999) / 1000 - 1] / 1e6;
}

void say_latencies(const int64_t *from, const int64_t *to, int64_t count)
{
	int64_t *took = need((size_t)count * sizeof(*took));

	for (int64_t i = 0; i < count; i++)
		took[i] = to[i] > from[i] ? to[i] - from[i] : 0;
	qsort(took, (size_t)count, sizeof(*took), by_size);
	figure("events", (double)count);
	figure("p50_ms", per_mille(took, count, 500));
	figure("p99_ms", per_mille(took, count, 990));
	figure("p999_ms", per_mille(took, count, 999));
	figure("max_ms", (double)took[count - 1] / 1e6);
	free(took);
}

int cmd_latency(const struct options *options)
{
	struct latency l = {
		.options = options, .bare = !options->command[0], .total = options->rows + 1
	};
	struct child child;

	l.committed = need((size_t)(l.total + 1) * sizeof(*l.committed));
	l.arrived = need((size_t)(l.total + 1) * sizeof(*l.arrived));
	stream_make(options);
	filler_open(&l.filler, options);
	if (l.filler.sqlite)
		sqlite_do(l.filler.sqlite, "PRAGMA synchronous = FULL");
	l.nc = nats_connect(options->nats, false);
	stream_push(l.nc, on_event, &l);
	if (!l.bare)
		child_start(&child, options->command);
	commit(&l, 1, 1);
	wait_for(&l, 1, options->limit_s * 1000);
	nap_ms(WARM_MS);
	write_all(&l);
	wait_for(&l, l.total, ARRIVE_MS);
	if (!l.bare)
		child_stop(&child);
	say_latencies(l.committed + 2, l.arrived + 2, options->rows);
	return 0;
}
