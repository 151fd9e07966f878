/*
 * Runs whatever relays rows into the stream, or the stream into a table, and looks at the far end alone: how much is
 * there, and of a stream in the end what it is. The rate is counted from the first look that finds something, so that nobody's start counts;
 * the time to that look is a figure of its own. In mode count the stream is not read back.
 */
#include "bench.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS	  10
#define SETTLE_MS 500
#define READ_MS	  5000

struct seen {
	int64_t count, at_ns;
};

/* What is counted: messages of the stream, or what a question to the database answers. */
struct counter {
	natsConnection *nc;
	struct any_db db;
	struct question question;
};

static struct counter counter_of(const struct options *options)
{
	struct counter counter = { 0 };

	if (options->question) {
		counter.db = any_connect(options->database);
		counter.question = (struct question){ options->question, options->question };
	} else {
		counter.nc = nats_connect(options->nats, false);
	}
	return counter;
}

static int64_t count_now(struct counter *counter)
{
	return counter->nc ? stream_messages(counter->nc)
			   : any_int(&counter->db, &counter->question);
}

/* Waits for the rows, up to the limit; `first` is the first look that finds any. */
static struct seen watch(const struct options *options, struct child *child, struct seen *first)
{
	struct counter counter = counter_of(options);
	int64_t end = child->started_ns + options->limit_s * 1000000000;
	struct seen last = { 0 };

	*first = last;
	while (last.count < options->rows && now_ns() < end) {
		nap_ms(LOOK_MS);
		child_look(child);
		int64_t count = count_now(&counter);
		if (count > last.count)
			last = (struct seen){ count, now_ns() };
		if (first->count == 0)
			*first = last;
	}
	nap_ms(SETTLE_MS);
	last.count = count_now(&counter);
	natsConnection_Destroy(counter.nc);
	any_close(&counter.db);
	return last;
}

struct content {
	int64_t distinct, disorder;
};

/* Every row once, and of each key in the order of the rows. */
static struct content read_back(const struct options *options)
{
	natsConnection *nc = nats_connect(options->nats, false);
	int64_t count = stream_messages(nc);
	natsSubscription *all = stream_push(nc, NULL, NULL);
	char *seen = need((size_t)options->rows + 1);
	int64_t *last = need((size_t)options->keys * sizeof(*last));
	struct content content = { 0 };
	natsMsg *message;

	for (int64_t i = 0; i < count; i++) {
		if (natsSubscription_NextMsg(&message, all, READ_MS) != NATS_OK)
			die("the stream cannot be read back");
		int64_t number =
			number_of(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message));
		natsMsg_Destroy(message);
		if (number < 1 || number > options->rows)
			die("message %lld is none of the rows", (long long)i + 1);
		int64_t *before = &last[key_of(number, options->keys)];
		content.distinct += !seen[number];
		content.disorder += number < *before;
		seen[number] = 1;
		*before = number;
	}
	free(seen);
	free(last);
	natsConnection_Destroy(nc);
	return content;
}

static void say(const struct options *options, const struct child *child, const struct seen *first,
	const struct seen *last)
{
	figure("rows", (double)(last->count - first->count));
	figure("seconds", (double)(last->at_ns - first->at_ns) / 1e9);
	figure("start_s", (double)(first->at_ns - child->started_ns) / 1e9);
	child_say(child);
	figure("wanted", (double)options->rows);
	figure("arrived", (double)last->count);
}

int cmd_through(const struct options *options)
{
	struct child child;
	struct seen first, last;

	stream_make(options);
	child_start(&child, options->command);
	last = watch(options, &child, &first);
	child_stop(&child);
	say(options, &child, &first, &last);
	if (strcmp(options->mode, "count") == 0)
		return 0;
	struct content content = read_back(options);
	figure("distinct", (double)content.distinct);
	figure("disorder", (double)content.disorder);
	return 0;
}

/* The other way: a stream that is full already into a table, which a question counts. */
int cmd_into(const struct options *options)
{
	struct child child;
	struct seen first, last;

	child_start(&child, options->command);
	last = watch(options, &child, &first);
	child_stop(&child);
	say(options, &child, &first, &last);
	return 0;
}

/* A port that is free now. */
int cmd_port(const struct options *options)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)options;
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		die("no port is free");
	printf("%d\n", ntohs(address.sin_port));
	close(fd);
	return 0;
}
