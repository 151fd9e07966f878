/* Finds values in a JSON text, in one walk over its bytes. */
#include "sink/paths.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "event.h"

struct scan {
	const char *at, *end;
	struct paths_want *wants;
	size_t count;
	struct arena *arena;
	const char *fault;
};

static bool fail(struct scan *scan, const char *fault)
{
	if (!scan->fault)
		scan->fault = fault;
	return false;
}

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end &&
		(*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
		scan->at++;
}

static bool next_is(const struct scan *scan, char c)
{
	return scan->at < scan->end && *scan->at == c;
}

static bool is_digit(const struct scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool read_escape(struct scan *scan)
{
	scan->at++;
	if (next_is(scan, 'u')) {
		for (int i = 1; i <= 4; i++)
			if (scan->end - scan->at <= i || !is_hex(scan->at[i]))
				return fail(scan, "a wrong escape in a string");
		scan->at += 5;
		return true;
	}
	if (scan->at == scan->end || !*scan->at || !strchr("\"\\/bfnrt", *scan->at))
		return fail(scan, "a wrong escape in a string");
	scan->at++;
	return true;
}

static bool read_string(struct scan *scan, struct slice *written)
{
	const char *begin = scan->at;

	if (!next_is(scan, '"'))
		return fail(scan, "a name in quotes is missing");
	for (scan->at++; scan->at < scan->end && *scan->at != '"';) {
		if ((unsigned char)*scan->at < ' ')
			return fail(scan, "a control character in a string");
		if (*scan->at != '\\')
			scan->at++;
		else if (!read_escape(scan))
			return false;
	}
	if (scan->at == scan->end)
		return fail(scan, "it ends within a string");
	scan->at++;
	*written = (struct slice){ begin, (size_t)(scan->at - begin) };
	return true;
}

static bool read_digits(struct scan *scan)
{
	if (!is_digit(scan))
		return fail(scan, "a number is not complete");
	while (is_digit(scan))
		scan->at++;
	return true;
}

static bool read_number(struct scan *scan)
{
	if (next_is(scan, '-'))
		scan->at++;
	if (next_is(scan, '0'))
		scan->at++;
	else if (!read_digits(scan))
		return false;
	if (next_is(scan, '.')) {
		scan->at++;
		if (!read_digits(scan))
			return false;
	}
	if (!next_is(scan, 'e') && !next_is(scan, 'E'))
		return true;
	scan->at++;
	if (next_is(scan, '-') || next_is(scan, '+'))
		scan->at++;
	return read_digits(scan);
}

static bool read_word(struct scan *scan)
{
	static const char *const literals[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		size_t size = strlen(literals[i]);
		if ((size_t)(scan->end - scan->at) >= size &&
			memcmp(scan->at, literals[i], size) == 0) {
			scan->at += size;
			return true;
		}
	}
	return fail(scan, scan->at == scan->end ? "it ends too early" : "a value is missing");
}

static bool read_value(struct scan *scan, size_t depth, bool wanted);

/* Whether a want is on its way at this depth and goes on by this name or index. */
static bool goes_on(const struct paths_want *want, size_t depth, struct slice name, int64_t index)
{
	if (want->matched != depth || want->step_count <= depth)
		return false;
	const struct source_step *step = &want->steps[depth];
	return name.data ? step->name && slice_is(name, step->name)
			 : !step->name && step->index == index;
}

/* One member or element: the wants that go on through it are a step further while it is read. */
static bool read_part(
	struct scan *scan, size_t depth, struct slice name, int64_t index, bool wanted)
{
	bool any = false;

	for (size_t i = 0; wanted && i < scan->count; i++)
		if (goes_on(&scan->wants[i], depth, name, index)) {
			scan->wants[i].matched = depth + 1;
			scan->wants[i].found = (struct slice){ NULL, 0 };
			any = true;
		}
	bool ok = read_value(scan, depth + 1, any);
	for (size_t i = 0; any && i < scan->count; i++)
		if (scan->wants[i].matched == depth + 1)
			scan->wants[i].matched = depth;
	return ok;
}

static bool read_member(struct scan *scan, size_t depth, bool wanted)
{
	struct slice name;
	const char *ignored;

	if (!read_string(scan, &name))
		return false;
	skip_blanks(scan);
	if (!next_is(scan, ':'))
		return fail(scan, "a colon is missing");
	scan->at++;
	if (wanted && !paths_text(name, scan->arena, &name, &ignored))
		wanted = false; /* a name that no path can have */
	return read_part(scan, depth, name, 0, wanted);
}

static bool read_object(struct scan *scan, size_t depth, bool wanted)
{
	scan->at++;
	skip_blanks(scan);
	if (next_is(scan, '}')) {
		scan->at++;
		return true;
	}
	for (;;) {
		skip_blanks(scan);
		if (!read_member(scan, depth, wanted))
			return false;
		if (next_is(scan, '}')) {
			scan->at++;
			return true;
		}
		if (!next_is(scan, ','))
			return fail(scan, "an object does not end");
		scan->at++;
	}
}

static bool read_array(struct scan *scan, size_t depth, bool wanted)
{
	scan->at++;
	skip_blanks(scan);
	if (next_is(scan, ']')) {
		scan->at++;
		return true;
	}
	for (int64_t index = 0;; index++) {
		if (!read_part(scan, depth, (struct slice){ NULL, 0 }, index, wanted))
			return false;
		if (next_is(scan, ']')) {
			scan->at++;
			return true;
		}
		if (!next_is(scan, ','))
			return fail(scan, "an array does not end");
		scan->at++;
	}
}

static bool read_bare(struct scan *scan, size_t depth, bool wanted)
{
	struct slice written;

	if (depth > PATHS_DEPTH_MAX)
		return fail(scan, "it is nested too deeply");
	if (next_is(scan, '{'))
		return read_object(scan, depth, wanted);
	if (next_is(scan, '['))
		return read_array(scan, depth, wanted);
	if (next_is(scan, '"'))
		return read_string(scan, &written);
	if (next_is(scan, '-') || is_digit(scan))
		return read_number(scan);
	return read_word(scan);
}

/* A value and the blanks around it; wanted: some want is on its way here. */
static bool read_value(struct scan *scan, size_t depth, bool wanted)
{
	skip_blanks(scan);
	const char *begin = scan->at;
	if (!read_bare(scan, depth, wanted))
		return false;
	for (size_t i = 0; wanted && i < scan->count; i++)
		if (scan->wants[i].matched == depth && scan->wants[i].step_count == depth)
			scan->wants[i].found = (struct slice){ begin, (size_t)(scan->at - begin) };
	skip_blanks(scan);
	return true;
}

bool paths_find(struct slice text, struct paths_want *wants, size_t count, struct arena *arena,
	const char **fault)
{
	struct scan scan = { .at = text.data,
		.end = text.data + text.size,
		.wants = wants,
		.count = count,
		.arena = arena };

	for (size_t i = 0; i < count; i++) {
		wants[i].found = (struct slice){ NULL, 0 };
		wants[i].matched = 0;
	}
	*fault = text.size == 0 ? "it is empty" : event_is_utf8(text) ? NULL : "it is not UTF-8";
	if (*fault)
		return false;
	bool ok = read_value(&scan, 0, count > 0);
	if (ok && scan.at < scan.end)
		ok = fail(&scan, "something follows its end");
	*fault = scan.fault;
	return ok;
}

bool paths_is_number(struct slice text)
{
	struct scan scan = { .at = text.data, .end = text.data + text.size };

	return read_number(&scan) && scan.at == scan.end;
}

static uint32_t hex4(const char *text)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		char c = text[i];
		value = value * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return value;
}

static char *add_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | (code >> 6));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | (code >> 12));
		*out++ = (char)(0x80 | ((code >> 6) & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | (code >> 18));
		*out++ = (char)(0x80 | ((code >> 12) & 0x3f));
		*out++ = (char)(0x80 | ((code >> 6) & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* The character of \uXXXX, or of two of them that are one; 0: it is none. */
static uint32_t read_code(const char **at, const char *end)
{
	uint32_t code = hex4(*at + 2), low;

	*at += 6;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	low = hex4(*at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*at += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

static char plain_escape(char c)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	const char *place = strchr(names, c);

	return place ? values[place - names] : c;
}

bool paths_text(struct slice written, struct arena *arena, struct slice *text, const char **fault)
{
	const char *at = written.data + 1, *end = written.data + written.size - 1;

	*text = (struct slice){ at, (size_t)(end - at) };
	if (!memchr(at, '\\', text->size))
		return true;
	char *copy = arena_new(arena, text->size + 1), *out = copy;
	while (at < end) {
		if (*at != '\\') {
			*out++ = *at++;
		} else if (at[1] != 'u') {
			*out++ = plain_escape(at[1]);
			at += 2;
		} else {
			uint32_t code = read_code(&at, end);
			if (code == 0) {
				*fault = "a NUL character, or half of a surrogate pair";
				return false;
			}
			out = add_utf8(out, code);
		}
	}
	*text = (struct slice){ copy, (size_t)(out - copy) };
	return true;
}

struct slice paths_quote(struct slice text, struct arena *arena)
{
	char *copy = arena_new(arena, text.size * 6 + 3), *out = copy;

	*out++ = '"';
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c == '"' || c == '\\')
			*out++ = '\\';
		if (c < ' ')
			out += snprintf(out, 7, "\\u%04x", (unsigned)c);
		else
			*out++ = (char)c;
	}
	*out++ = '"';
	return (struct slice){ copy, (size_t)(out - copy) };
}
