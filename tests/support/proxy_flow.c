/*
 * One direction of a connection: reads, keeps each piece for as long as the proxy is slow, passes it on.
 * It understands just as much of NATS as it takes to lose a whole message.
 */
#include "support/proxy_flow.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/common.h"
#include "support/proxy.h"

#define PIECE 65536
#define ROOM  (4 * PIECE) /* kept at most; then the sender has to wait */
#define TURN  5 /* ms between two looks, while something is kept back */

struct piece {
	struct piece *next;
	int64_t due;
	size_t size, passed;
	char data[];
};

struct flow {
	struct pair *pair;
	int direction, from, to;
	bool ended; /* the sender's end was read */
	struct piece *first, **last;
	size_t kept;
	double credit; /* bytes that a throttled flow may pass now */
	int64_t credited;
	char *partial; /* of a server of NATS: begun, not all here yet */
	size_t partial_size;
	bool nats, known;
};

struct rules {
	bool held, cut;
	int delay_ms, rate;
};

static struct rules rules_now(const struct flow *flow)
{
	struct proxy *proxy = flow->pair->proxy;

	pthread_mutex_lock(&proxy->lock);
	struct rules rules = { .held = ((proxy->held | flow->pair->held) & flow->direction) != 0,
		.cut = flow->pair->cut,
		.delay_ms = proxy->delay_ms,
		.rate = proxy->rate };
	pthread_mutex_unlock(&proxy->lock);
	return rules;
}

static void keep_piece(struct flow *flow, const char *data, size_t size, int64_t due)
{
	struct piece *piece = size ? malloc(sizeof(*piece) + size) : NULL;

	if (size == 0)
		return;
	if (!piece)
		abort();
	*piece = (struct piece){ .due = due, .size = size };
	memcpy(piece->data, data, size);
	*flow->last = piece;
	flow->last = &piece->next;
	flow->kept += size;
}

static void drop_first(struct flow *flow)
{
	struct piece *piece = flow->first;

	flow->kept -= piece->size;
	flow->first = piece->next;
	if (!flow->first)
		flow->last = &flow->first;
	free(piece);
}

/* How many bytes the first protocol element has; 0: it is not all here yet. */
static size_t element(const char *data, size_t size, bool *message)
{
	const char *end = memchr(data, '\n', size);

	if (!end)
		return 0;
	size_t line = (size_t)(end - data) + 1;
	*message = strncmp(data, "MSG ", 4) == 0 || strncmp(data, "HMSG ", 5) == 0;
	if (!*message)
		return line;
	while (end > data && end[-1] != ' ') /* the last word tells the size */
		end--;
	size_t whole = line + strtoul(end, NULL, 10) + 2;
	return whole <= size ? whole : 0;
}

static bool loses(struct proxy *proxy, const char *data, size_t size)
{
	pthread_mutex_lock(&proxy->lock);
	bool found = proxy->lose[0] && memmem(data, size, proxy->lose, strlen(proxy->lose));
	if (found) {
		proxy->lose[0] = '\0';
		proxy->lost++;
	}
	pthread_mutex_unlock(&proxy->lock);
	return found;
}

/* What is between two lost messages stays in one piece, as the server sent it. */
static void keep_elements(struct flow *flow, const char *data, size_t size, int64_t due)
{
	size_t at = 0, from = 0, one;
	bool message = false;

	flow->partial = realloc(flow->partial, flow->partial_size + size + 1);
	memcpy(flow->partial + flow->partial_size, data, size);
	flow->partial_size += size;
	flow->partial[flow->partial_size] = '\0';
	while ((one = element(flow->partial + at, flow->partial_size - at, &message)) > 0) {
		if (message && loses(flow->pair->proxy, flow->partial + at, one)) {
			keep_piece(flow, flow->partial + from, at - from, due);
			from = at + one;
		}
		at += one;
	}
	keep_piece(flow, flow->partial + from, at - from, due);
	flow->partial_size -= at;
	memmove(flow->partial, flow->partial + at, flow->partial_size);
}

static void take_in(struct flow *flow)
{
	struct rules rules = rules_now(flow);
	bool reads = !rules.held && !rules.cut && !flow->ended && flow->kept < ROOM;
	struct pollfd poll_for = { .fd = reads ? flow->from : -1, .events = POLLIN };
	char data[PIECE];

	if (poll(&poll_for, 1, reads && !flow->first ? -1 : TURN) <= 0)
		return;
	rules = rules_now(flow); /* the wait may have been long */
	if (rules.held || rules.cut)
		return;
	ssize_t got = recv(flow->from, data, sizeof(data), 0);
	if (got <= 0) {
		flow->ended = true;
		return;
	}
	if (!flow->known)
		flow->nats = flow->direction == PROXY_TO_CLIENT && got >= 5 &&
			memcmp(data, "INFO ", 5) == 0;
	flow->known = true;
	(flow->nats ? keep_elements : keep_piece)(
		flow, data, (size_t)got, now_ms() + rules.delay_ms);
}

static size_t allowed(struct flow *flow, int rate, size_t wanted)
{
	int64_t now = now_ms();

	flow->credit += (double)rate * (double)(now - flow->credited) / 1000;
	flow->credited = now;
	if (flow->credit > (double)rate / 10 + 1)
		flow->credit = (double)rate / 10 + 1;
	if (rate == 0)
		flow->credit = (double)wanted;
	return flow->credit < (double)wanted ? (size_t)flow->credit : wanted;
}

static bool pass_some(struct flow *flow, size_t size)
{
	struct piece *piece = flow->first;
	ssize_t done = send(flow->to, piece->data + piece->passed, size, MSG_NOSIGNAL);

	if (done <= 0)
		return false;
	piece->passed += (size_t)done;
	flow->credit -= (double)done;
	if (piece->passed == piece->size)
		drop_first(flow);
	return true;
}

/* False: there is no more to do for this flow. */
static bool give_out(struct flow *flow)
{
	struct rules rules = rules_now(flow);

	while (!rules.held && !rules.cut && flow->first && flow->first->due <= now_ms()) {
		struct piece *piece = flow->first;
		size_t size = allowed(flow, rules.rate, piece->size - piece->passed);
		if (size == 0)
			return true;
		if (!pass_some(flow, size))
			return false;
		rules = rules_now(flow);
	}
	return !rules.cut && (!flow->ended || flow->first || rules.held);
}

static void leave_pair(struct pair *pair)
{
	struct proxy *proxy = pair->proxy;
	struct pair **at = &proxy->pairs;

	pthread_mutex_lock(&proxy->lock);
	bool last = --pair->flows == 0;
	while (last && *at != pair)
		at = &(*at)->next;
	if (last) {
		*at = pair->next;
		close(pair->client);
		close(pair->server);
		free(pair);
	}
	pthread_mutex_unlock(&proxy->lock);
}

static void *run_flow(void *context)
{
	struct flow *flow = context;

	do
		take_in(flow);
	while (give_out(flow));
	shutdown(flow->to, SHUT_WR);
	while (flow->first)
		drop_first(flow);
	leave_pair(flow->pair);
	free(flow->partial);
	free(flow);
	return NULL;
}

void proxy_flow_start(struct pair *pair, int direction)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	bool to_server = direction == PROXY_TO_SERVER;
	pthread_t thread;

	*flow = (struct flow){ .pair = pair,
		.direction = direction,
		.from = to_server ? pair->client : pair->server,
		.to = to_server ? pair->server : pair->client,
		.last = &flow->first,
		.credited = now_ms() };
	if (pthread_create(&thread, NULL, run_flow, flow) != 0)
		abort();
	pthread_detach(thread);
}
