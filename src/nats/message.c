/*
 * Reads what stands around a payload: the reply subject of a delivered message and the header block.
 * cnats' own header functions are not used on messages of a stream, since before 3.11 they take the line
 * behind an empty value for that value, give up on a block that ends with one, and change the block while
 * they fail (nats.c a0390438): one foreign message could hide another's Nats-Msg-Id.
 */
#include "nats/message.h"

#include <stdlib.h>

#include "event.h"

#define LINE_START	"NATS/1.0"
#define TOKENS		12
#define TOKENS_SHORT	9
#define TOKENS_LONG	11
#define LONG_ADDS	2 /* domain and account */
#define DELIVERED_TOKEN 4

struct header {
	struct slice name, value;
	size_t place;
};

static size_t split(const char *subject, struct slice tokens[TOKENS])
{
	size_t count = 0;

	for (const char *end; count < TOKENS; subject = end + 1) {
		end = subject + strcspn(subject, ".");
		tokens[count++] = (struct slice){ subject, (size_t)(end - subject) };
		if (!*end)
			break;
	}
	return count;
}

static bool parse_number(struct slice text, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned)text.data[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, digit, number))
			return false;
	}
	return text.size > 0;
}

bool message_parse_origin(const char *reply, struct message_origin *origin)
{
	struct slice tokens[TOKENS];
	uint64_t time;

	if (!reply || strncmp(reply, "$JS.ACK.", 8) != 0)
		return false;
	size_t count = split(reply, tokens);
	if (count < TOKENS_SHORT || (count > TOKENS_SHORT && count < TOKENS_LONG))
		return false;
	const struct slice *numbers =
		tokens + DELIVERED_TOKEN + (count > TOKENS_SHORT ? LONG_ADDS : 0);
	if (!parse_number(numbers[0], &origin->delivered) ||
		!parse_number(numbers[1], &origin->seq) ||
		!parse_number(numbers[2], &origin->consumer_seq) ||
		!parse_number(numbers[3], &time) || !parse_number(numbers[4], &origin->pending))
		return false;
	origin->time_ns = (int64_t)time;
	return time <= INT64_MAX;
}

static struct slice trimmed(const char *start, const char *end)
{
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct slice){ start, (size_t)(end - start) };
}

/* Cuts the next line, without its end, off the front. */
static bool take_line(struct slice *rest, struct slice *line)
{
	const char *end = rest->size ? memmem(rest->data, rest->size, "\r\n", 2) : NULL;

	if (!end)
		return false;
	*line = (struct slice){ rest->data, (size_t)(end - rest->data) };
	rest->data += line->size + 2;
	rest->size -= line->size + 2;
	return true;
}

bool message_begin(struct slice block, int *status, struct slice *text, struct slice *rest)
{
	const size_t start = sizeof(LINE_START) - 1;
	struct slice line;
	uint64_t number;

	*rest = block;
	*status = 0;
	if (!block.data || !take_line(rest, &line) || line.size < start ||
		memcmp(line.data, LINE_START, start) != 0)
		return false;
	*text = trimmed(line.data + start, line.data + line.size);
	if (text->size >= 3 && parse_number((struct slice){ text->data, 3 }, &number)) {
		*status = (int)number;
		*text = trimmed(text->data + 3, text->data + text->size);
	}
	return true;
}

bool message_next(struct slice *rest, struct slice *name, struct slice *value, const char **fault)
{
	struct slice line;

	*fault = NULL;
	if (!take_line(rest, &line)) {
		*fault = "the headers do not end with an empty line";
		return false;
	}
	if (line.size == 0) {
		if (rest->size)
			*fault = "there is something behind the end of the headers";
		return false;
	}
	const char *colon = memchr(line.data, ':', line.size);
	if (line.data[0] == ' ' || line.data[0] == '\t')
		*fault = "a line of the headers begins with a space";
	else if (!colon)
		*fault = "a line of the headers has no colon";
	else if (colon == line.data)
		*fault = "a header has no name";
	if (*fault)
		return false;
	*name = (struct slice){ line.data, (size_t)(colon - line.data) };
	*value = trimmed(colon + 1, line.data + line.size);
	return true;
}

int64_t message_number(struct slice block, const char *name)
{
	struct slice rest, text, key, value;
	const char *fault;
	uint64_t number;
	int status;

	if (!message_begin(block, &status, &text, &rest))
		return -1;
	while (message_next(&rest, &key, &value, &fault))
		if (slice_is(key, name))
			return parse_number(value, &number) && number <= INT64_MAX ? (int64_t)number
										   : -1;
	return -1;
}

static int by_name(const void *left, const void *right)
{
	const struct header *a = left, *b = right;
	size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;
	int order = memcmp(a->name.data, b->name.data, size);

	if (order)
		return order;
	if (a->name.size != b->name.size)
		return a->name.size < b->name.size ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static void add_string(struct message_headers *headers, struct slice text)
{
	struct buf *out = &headers->json;

	buf_add_char(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c == '\0') {
			buf_add_text(out, "\\ufffd");
		} else if (c < ' ') {
			buf_format(out, "\\u%04x", c);
		} else {
			if (c == '"' || c == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, (char)c);
		}
	}
	buf_add_char(out, '"');
}

/* One name with its value, or with the array of its values. */
static void add_values(struct message_headers *headers, const struct header *first, size_t count)
{
	add_string(headers, first->name);
	buf_add_char(&headers->json, ':');
	if (count > 1)
		buf_add_char(&headers->json, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(&headers->json, ',');
		add_string(headers, first[i].value);
	}
	if (count > 1)
		buf_add_char(&headers->json, ']');
}

static void write_json(struct message_headers *headers)
{
	struct header *all = (struct header *)(void *)headers->scratch.data;
	size_t count = headers->scratch.size / sizeof(*all), same;

	if (count == 0)
		return;
	qsort(all, count, sizeof(*all), by_name);
	buf_add_char(&headers->json, '{');
	for (size_t i = 0; i < count; i += same) {
		for (same = 1; i + same < count; same++)
			if (!slice_equal(all[i].name, all[i + same].name))
				break;
		if (i > 0)
			buf_add_char(&headers->json, ',');
		add_values(headers, all + i, same);
	}
	buf_add_char(&headers->json, '}');
}

void message_read_headers(struct slice block, struct message_headers *headers)
{
	struct slice rest, text;
	struct header header = { 0 };
	int status;

	headers->id = headers->key = (struct slice){ 0 };
	headers->fault = NULL;
	buf_clear(&headers->json);
	buf_clear(&headers->scratch);
	if (!block.data)
		return;
	if (!message_begin(block, &status, &text, &rest)) {
		headers->fault = "the headers cannot be read";
		return;
	}
	for (; message_next(&rest, &header.name, &header.value, &headers->fault); header.place++)
		if (!headers->id.data && slice_is(header.name, HEADER_MSG_ID))
			headers->id = header.value;
		else if (!headers->key.data && slice_is(header.name, HEADER_KEY))
			headers->key = header.value;
		else if (!slice_is(header.name, HEADER_EXPECTED_STREAM) &&
			!slice_is(header.name, HEADER_EXPECTED_LAST)) /* said to the server */
			buf_add(&headers->scratch, &header, sizeof(header));
	write_json(headers);
	if (!headers->fault && memchr(block.data, 0, block.size))
		headers->fault = "the headers have a NUL character";
}

void message_headers_finish(struct message_headers *headers)
{
	buf_finish(&headers->json);
	buf_finish(&headers->scratch);
}
