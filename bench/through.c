/*
 * Runs whatever relays rows into the stream, and looks at the stream alone: how many messages it has, and in the end
 * what they are. The rate is counted from the first look that finds messages, so that nobody's start counts;
 * the time to that look is a figure of its own. In mode count the messages are not read back.
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
	int64_t messages, at_ns;
};

/* Waits for rows in the stream, up to the limit; `first` is the first look that finds any. */
static struct seen watch(const struct options *options, struct child *child, struct seen *first)
{
	natsConnection *nc = nats_connect(options->nats, false);
	int64_t end = child->started_ns + options->limit_s * 1000000000;
	struct seen last = { 0 };

	*first = last;
	while (last.messages < options->rows && now_ns() < end) {
		nap_ms(LOOK_MS);
		child_look(child);
		int64_t messages = stream_messages(nc);
		if (messages > last.messages)
			last = (struct seen){ messages, now_ns() };
		if (first->messages == 0)
			*first = last;
	}
	natsConnection_Destroy(nc);
	return last;
}

struct content {
	int64_t messages, distinct, disorder;
};

/* Every row once, and of each key in the order of the rows. */
static struct content read_back(const struct options *options)
{
	natsConnection *nc = nats_connect(options->nats, false);
	int64_t count = stream_messages(nc);
	natsSubscription *all = stream_push(nc, NULL, NULL);
	char *seen = need((size_t)options->rows + 1);
	int64_t *last = need((size_t)options->keys * sizeof(*last));
	struct content content = { .messages = count };
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

int cmd_through(const struct options *options)
{
	struct child child;
	struct seen first, last;

	stream_make(options);
	child_start(&child, options->command);
	last = watch(options, &child, &first);
	nap_ms(SETTLE_MS);
	child_stop(&child);
	figure("rows", (double)(last.messages - first.messages));
	figure("seconds", (double)(last.at_ns - first.at_ns) / 1e9);
	figure("start_s", (double)(first.at_ns - child.started_ns) / 1e9);
	child_say(&child);
	if (strcmp(options->mode, "count") == 0)
		return 0;
	struct content content = read_back(options);
	figure("wanted", (double)options->rows);
	figure("messages", (double)content.messages);
	figure("distinct", (double)content.distinct);
	figure("disorder", (double)content.disorder);
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
