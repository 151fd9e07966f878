/*
 * "SUBJECT LF HEADER BLOCK": a message of a stream, as a sink makes an event of it. Every text of the event
 * fits into a database (UTF-8, no NUL), the headers are a JSON object of strings or arrays of strings, and
 * what has no fault reads the same again once it is written as a block.
 */
#include "fuzz.h"

#include "event.h"
#include "nats/message.h"
#include "sink/mapping.h"

static bool fits(struct slice text)
{
	return fuzz_is_utf8(text) && (text.size == 0 || !memchr(text.data, 0, text.size));
}

static bool is_header_value(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return json_is_string(value);
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return json_array_size(value) > 1;
}

static void add_line(struct buf *block, const char *name, const json_t *value)
{
	buf_format(block, "%s: %s\r\n", name, json_string_value(value));
}

/* NULL where names meet once their wrong bytes are replaced. */
static json_t *parse(struct slice headers)
{
	json_t *object = json_loadb(headers.data, headers.size, JSON_REJECT_DUPLICATES, NULL);
	json_t *value;
	const char *name;

	json_object_foreach(object, name, value) must(is_header_value(value));
	return object;
}

static void write_block(const struct message_headers *read, struct buf *block)
{
	json_t *object = read->json.size ? parse((struct slice){ read->json.data, read->json.size })
					 : json_object();
	json_t *value;
	const char *name;

	must(object);
	buf_add_text(block, "NATS/1.0\r\n");
	if (read->id.data)
		buf_format(block, "Nats-Msg-Id: %.*s\r\n", (int)read->id.size, read->id.data);
	if (read->key.data)
		buf_format(block, "Dray-Key: %.*s\r\n", (int)read->key.size, read->key.data);
	json_object_foreach(object, name, value)
	{
		for (size_t i = 0; i < json_array_size(value); i++)
			add_line(block, name, json_array_get(value, i));
		if (json_is_string(value))
			add_line(block, name, value);
	}
	buf_add_text(block, "\r\n");
	json_decref(object);
}

static void read_again(const struct message_headers *read)
{
	struct message_headers again = { 0 };
	struct buf block = { 0 };

	write_block(read, &block);
	message_read_headers((struct slice){ block.data, block.size }, &again);
	must(!again.fault && again.json.size == read->json.size);
	must(read->json.size == 0 || strcmp(again.json.data, read->json.data) == 0);
	must(slice_equal(again.id, read->id) && !again.id.data == !read->id.data);
	must(slice_equal(again.key, read->key) && !again.key.data == !read->key.data);
	message_headers_finish(&again);
	buf_finish(&block);
}

static void check_headers(const struct table_event *event)
{
	struct slice headers = event->event.headers;

	if (!headers.data)
		return;
	json_t *object = parse(headers);
	if (!object && event->fault)
		object = json_loadb(headers.data, headers.size, 0, NULL);
	must_of(headers, json_object_size(object) > 0);
	json_decref(object);
}

static void check_event(const struct pull_message *message, const struct table_event *event)
{
	must(fits(event->event.subject) && fits(event->event.key) && fits(event->event.id));
	must(fits(event->event.headers));
	must(slice_equal(event->event.payload, message->payload));
	must(!event->event.key.data == !message->key.data);
	must(!event->event.id.data == !message->id.data);
	must(event->fault || slice_equal(event->event.subject, message->subject));
	must(event->fault || slice_equal(event->event.key, message->key));
	must(event->fault || slice_equal(event->event.id, message->id));
	must(event->fault || slice_equal(event->event.headers, message->headers));
	check_headers(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice subject = { (const char *)data, size }, block = fuzz_cut(&subject, '\n');
	struct message_headers read = { 0 };
	struct table_event event;
	struct arena arena;

	arena_init(&arena);
	message_read_headers(block, &read);
	struct slice json = { read.json.size ? read.json.data : NULL, read.json.size };
	struct pull_message message = { .subject = subject,
		.id = read.id,
		.key = read.key,
		.headers = json,
		.payload = block,
		.fault = read.fault,
		.seq = 1 };
	mapping_event(&message, NULL, &arena, &event);
	check_event(&message, &event);
	if (!event.fault)
		read_again(&read);
	message_headers_finish(&read);
	arena_finish(&arena);
	return 0;
}
