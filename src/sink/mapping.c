/* Message to event, and by the plan of its table to the cells of a row. Pure. */
#include "sink/mapping.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"
#define UTF8_MAX    4

static bool fits(struct slice text)
{
	return event_is_utf8(text) && (text.size == 0 || !memchr(text.data, 0, text.size));
}

static const char *find_fault(const struct event *event)
{
	if (!fits(event->subject))
		return "the subject is not UTF-8";
	if (!fits(event->key))
		return "the key (" HEADER_KEY ") is not UTF-8";
	if (!fits(event->id))
		return "the id (" HEADER_MSG_ID ") is not UTF-8";
	return fits(event->headers) ? NULL : "a header is not UTF-8";
}

/* How many bytes from here are one character; 0 where they are none. */
static size_t character(struct slice text)
{
	for (size_t size = 1; size <= UTF8_MAX && size <= text.size; size++)
		if (fits((struct slice){ text.data, size }))
			return size;
	return 0;
}

static struct slice repair(struct slice text, struct arena *arena)
{
	if (fits(text))
		return text;
	char *copy = arena_new(arena, text.size * (sizeof(REPLACEMENT) - 1) + 1), *out = copy;
	for (size_t i = 0, size; i < text.size; i += size ? size : 1) {
		size = character((struct slice){ text.data + i, text.size - i });
		const char *from = size ? text.data + i : REPLACEMENT;
		size_t bytes = size ? size : sizeof(REPLACEMENT) - 1;
		memcpy(out, from, bytes);
		out += bytes;
	}
	return (struct slice){ copy, (size_t)(out - copy) };
}

static void repair_all(struct event *event, struct arena *arena)
{
	event->id = repair(event->id, arena);
	event->subject = repair(event->subject, arena);
	event->key = repair(event->key, arena);
	event->headers = repair(event->headers, arena);
}

void mapping_event(const struct pull_message *message, const struct routes *routes,
	struct arena *arena, struct table_event *event)
{
	*event = (struct table_event){
		.event = { .id = message->id,
			.subject = message->subject,
			.key = message->key,
			.headers = message->headers,
			.payload = message->payload },
		.seq = (int64_t)message->seq,
		.time_ns = message->time_ns,
	};
	event->fault = message->fault ? message->fault : find_fault(&event->event);
	event->repaired = event->fault != NULL;
	if (event->fault)
		repair_all(&event->event, arena);
	else if (routes)
		route_map(routes, arena, event);
}
