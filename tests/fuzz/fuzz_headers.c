/*
 * The headers of a row (JSON): whatever is let through makes a header block that reads back as the same
 * headers, so nothing in a name or value can end a line, hide another header or pose as one of Dray's.
 */
#include "fuzz.h"

#include <strings.h>

#include "base/buf.h"
#include "event.h"
#include "nats/message.h"

static bool is_reserved(const char *name)
{
	return strncasecmp(name, "Dray-", 5) == 0 ||
		(strncasecmp(name, "Nats-", 5) == 0 && strcmp(name, "Nats-TTL") != 0 &&
			strcmp(name, "Nats-Rollup") != 0);
}

static bool is_token(const char *name)
{
	static const char wrong[] = "()<>@,;:\\\"/[]?={} \t";

	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 33 || (unsigned char)*c > 126 || strchr(wrong, *c))
			return false;
	return *name != '\0';
}

static bool add_line(void *context, const char *name, const char *value, struct error *err)
{
	struct buf *block = context;

	(void)err;
	must(is_token(name) && !is_reserved(name));
	must(!strpbrk(value, "\r\n") && fuzz_is_utf8(slice_of(value)));
	buf_format(block, "%s: %s\r\n", name, value);
	return true;
}

/* Around a value blanks are not kept. */
static json_t *trimmed(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = strlen(text);

	while (size > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		size--;
	}
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return json_stringn(text, size);
}

/* What Dray would store of a row with such headers. */
static json_t *stored(struct slice headers)
{
	json_t *given = json_loadb(headers.data, headers.size, JSON_DECODE_ANY, NULL);
	json_t *result = json_object(), *value;
	const char *name;

	json_object_foreach(given, name, value)
	{
		size_t count = json_array_size(value);
		json_t *list = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(list, trimmed(json_array_get(value, i)));
		if (!json_is_array(value))
			json_object_set_new(result, name, trimmed(value));
		else if (count > 0)
			json_object_set(result, name, count == 1 ? json_array_get(list, 0) : list);
		json_decref(list);
	}
	json_decref(given);
	return result;
}

static void compare(struct slice headers, const struct buf *block)
{
	struct message_headers read = { 0 };
	json_t *expected = stored(headers);

	message_read_headers((struct slice){ block->data, block->size }, &read);
	must(!read.fault && !read.id.data && !read.key.data);
	json_t *json = read.json.size ? json_loadb(read.json.data, read.json.size, 0, NULL)
				      : json_object();
	must_of(((struct slice){ read.json.data, read.json.size }), json_equal(json, expected));
	json_decref(json);
	json_decref(expected);
	message_headers_finish(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice headers = { (const char *)data, size };
	struct error err = { 0 };
	struct buf block = { 0 };

	buf_add_text(&block, "NATS/1.0\r\n");
	bool ok = event_headers_each(headers, add_line, &block, &err);
	must(ok == (err.kind == ERROR_NONE));
	must(ok || (err.kind == ERROR_REJECTED && err.text[0] && !strpbrk(err.text, "\r\n")));
	buf_add_text(&block, "\r\n");
	if (ok)
		compare(headers, &block);
	buf_finish(&block);
	return 0;
}
