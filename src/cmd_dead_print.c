/* Rows and events that were given up on, for people and for machines. */
#include "cmd_dead_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_common.h"
#include "dead_json.h"
#include "event.h"

#define DUMP_WIDTH 16

struct words {
	const char *does, *would; /* to people */
};

static const struct words results[] = {
	[DEAD_GONE] = { "is not dead any more", "is not dead any more" },
	[DEAD_PENDING] = { "pending again", "would be pending again" },
	[DEAD_PENDING_BEFORE] = { "pending again, before later ones of its order that wait",
		"would be pending again, before later ones of its order that wait" },
	[DEAD_PENDING_NEXT] = { "pending again, next in line: no later one of its order waits",
		"would be pending again, next in line: no later one of its order waits" },
	[DEAD_STORED] = { "stored", "would be stored" },
	[DEAD_REFUSED] = { "still refused", "still refused" },
	[DEAD_DISCARDED] = { "discarded", "would be discarded" },
};

static void print_escaped(const char *text, int width)
{
	struct buf line = { 0 };

	buf_add_text(&line, "");
	cmd_add_escaped(&line, text ? slice_of(text) : SLICE("-"));
	printf("%-*s", width, line.data);
	buf_finish(&line);
}

void cmd_dead_print_head(void)
{
	printf("%-16s %-14s %7s %8s %-24s %-16s %s\n", "PIPELINE", "ID", "AGE", "ATTEMPTS",
		"SUBJECT", "KEY", "ERROR");
}

void cmd_dead_print_line(const struct dead_pile *pile, const struct dead_item *item)
{
	char age[CMD_AGE], attempts[CMD_AGE] = "-";

	cmd_format_age(item->age_ms, age);
	if (item->attempts >= 0)
		snprintf(attempts, sizeof(attempts), "%" PRId64, item->attempts);
	printf("%-16s %-14s %7s %8s ", pile->name, item->id, age, attempts);
	print_escaped(item->subject, 24);
	putchar(' ');
	print_escaped(item->key, 16);
	putchar(' ');
	print_escaped(item->error, 0);
	putchar('\n');
}

void cmd_dead_print_json(const struct dead_pile *pile, const struct dead_item *item, bool whole)
{
	cmd_print_json(dead_json(pile, item, whole));
}

static void print_field(const char *name, const char *text)
{
	printf("%-10s ", name);
	print_escaped(text, 0);
	putchar('\n');
}

static void print_header(const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	char *other = text ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	fputs("  ", stdout);
	print_escaped(name, 0);
	fputs(": ", stdout);
	print_escaped(text ? text : other, 0);
	putchar('\n');
	free(other);
}

/* As they stand where they cannot be read. */
static void print_headers(const char *text)
{
	json_t *headers = json_loads(text, JSON_ALLOW_NUL, NULL), *value;
	const char *name;

	if (!json_is_object(headers)) {
		print_field("headers", text);
		json_decref(headers);
		return;
	}
	puts("headers");
	json_object_foreach(headers, name, value) print_header(name, value);
	json_decref(headers);
}

static void print_dump(struct slice bytes)
{
	for (size_t at = 0; at < bytes.size; at += DUMP_WIDTH) {
		printf("  %08zx ", at);
		for (size_t i = at; i < at + DUMP_WIDTH; i++)
			if (i < bytes.size)
				printf(" %02x", (unsigned char)bytes.data[i]);
			else
				fputs("   ", stdout);
		fputs("  ", stdout);
		for (size_t i = at; i < at + DUMP_WIDTH && i < bytes.size; i++)
			putchar(bytes.data[i] >= ' ' && bytes.data[i] < 127 ? bytes.data[i] : '.');
		putchar('\n');
	}
}

/* Text keeps its lines. */
static void print_lines(struct slice text)
{
	struct buf line = { 0 };

	while (text.size > 0) {
		const char *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size;
		buf_clear(&line);
		buf_add_text(&line, "  ");
		cmd_add_escaped(&line, (struct slice){ text.data, size });
		puts(line.data);
		text.data += size + (end != NULL);
		text.size -= size + (end != NULL);
	}
	buf_finish(&line);
}

static bool is_text(struct slice bytes)
{
	return event_is_utf8(bytes) &&
		(bytes.size == 0 || memchr(bytes.data, '\0', bytes.size) == NULL);
}

void cmd_dead_print_whole(const struct dead_pile *pile, const struct dead_item *item)
{
	char number[CMD_AGE];

	print_field("pipeline", pile->name);
	print_field("id", item->id);
	print_field("event_id", item->event_id);
	print_field("subject", item->subject);
	print_field("key", item->key);
	print_field(pile->is_sink ? "set aside" : "written", item->since);
	if (item->attempts >= 0) {
		snprintf(number, sizeof(number), "%" PRId64, item->attempts);
		print_field("attempts", number);
	}
	print_field("error", item->error);
	if (item->headers)
		print_headers(item->headers);
	printf("payload    %" PRId64 " bytes\n", item->size);
	if (is_text(item->payload))
		print_lines(item->payload);
	else
		print_dump(item->payload);
}

void cmd_dead_print_result(const struct dead_pile *pile, const struct dead_item *item,
	enum dead_result result, const char *why, bool dry, bool json)
{
	if (json) {
		cmd_print_json(dead_json_result(pile, item, result, why, dry));
		return;
	}
	printf("%s %s ", pile->name, item->id);
	print_escaped(item->subject, 0);
	printf(": %s", dry ? results[result].would : results[result].does);
	if (why) {
		fputs(": ", stdout);
		print_escaped(why, 0);
	}
	putchar('\n');
}
