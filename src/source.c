/* What a column is made of, from text. Pure. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/units.h"
#include "event.h"

static const struct {
	const char *word;
	enum source_type type;
} words[] = { { "@subject", SOURCE_SUBJECT }, { "@key", SOURCE_KEY }, { "@seq", SOURCE_SEQ },
	{ "@epoch", SOURCE_EPOCH }, { "@stream", SOURCE_STREAM }, { "@time", SOURCE_TIME },
	{ "@msg_id", SOURCE_MSG_ID }, { "@payload", SOURCE_PAYLOAD },
	{ "@headers", SOURCE_HEADERS } };

#define WORDS (sizeof(words) / sizeof(words[0]))

static bool wrong_path(const char *text, const char *at, struct error *err)
{
	return error_set(err, ERROR_USAGE,
		"\"%.80s\" is not a path (see \"%.20s\"): it is $, then .NAME, [N] or [\"NAME\"], at most "
		"%d of them",
		text, at, SOURCE_STEPS_MAX);
}

/* [N] or .. [N] of a subject: digits up to a bracket that closes. NULL: it is not. */
static const char *read_index(const char *at, int64_t *index)
{
	size_t digits = strspn(at, "0123456789");

	if (digits < 1 || digits > 7 || at[digits] != ']')
		return NULL;
	*index = strtoll(at, NULL, 10);
	return *index <= SOURCE_INDEX_MAX ? at + digits + 1 : NULL;
}

/* A name into `names`, which has room for the whole text. */
static const char *take_name(struct source *source, const char *at, size_t size, size_t *used)
{
	char *name = source->names + *used;

	memcpy(name, at, size);
	name[size] = '\0';
	*used += size + 1;
	return name;
}

/* One step; gives what follows it, or NULL. */
static const char *read_step(
	struct source *source, const char *at, struct source_step *step, size_t *used)
{
	size_t size;

	*step = (struct source_step){ 0 };
	if (*at == '.') {
		size = strcspn(at + 1, ".[]\"'");
		if (size == 0)
			return NULL;
		step->name = take_name(source, at + 1, size, used);
		return at + 1 + size;
	}
	if (*at != '[')
		return NULL;
	if (at[1] != '"' && at[1] != '\'')
		return read_index(at + 1, &step->index);
	const char *end = strchr(at + 2, at[1]);
	if (!end || end[1] != ']')
		return NULL;
	step->name = take_name(source, at + 2, (size_t)(end - at - 2), used);
	return end + 2;
}

static bool parse_path(const char *text, struct source *source, struct error *err)
{
	size_t used = 0;

	source->type = SOURCE_PATH;
	source->steps = memory_new(SOURCE_STEPS_MAX * sizeof(*source->steps));
	source->names = memory_new(strlen(text) * 2 + 1);
	for (const char *at = text + 1; *at;) {
		const char *next = source->step_count < SOURCE_STEPS_MAX
			? read_step(source, at, &source->steps[source->step_count], &used)
			: NULL;
		if (!next) {
			source_finish(source);
			return wrong_path(text, at, err);
		}
		source->step_count++;
		at = next;
	}
	return true;
}

static bool is_token(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == ':' || *c == 127)
			return false;
	return *name;
}

/* What Dray takes out of the headers is known by its own word. */
static bool parse_header(const char *text, struct source *source, struct error *err)
{
	const char *name = text + strlen("@header.");

	if (!is_token(name))
		return error_set(
			err, ERROR_USAGE, "\"%.80s\": a header has a name: @header.NAME", text);
	if (strcmp(name, HEADER_KEY) == 0 || strcmp(name, HEADER_MSG_ID) == 0) {
		source->type = strcmp(name, HEADER_KEY) == 0 ? SOURCE_KEY : SOURCE_MSG_ID;
		return true;
	}
	source->type = SOURCE_HEADER;
	source->names = memory_text(name);
	source->steps = memory_new(sizeof(*source->steps));
	source->steps[0].name = source->names;
	source->step_count = 1;
	return true;
}

static bool unknown_word(const char *text, struct error *err)
{
	const char *known[WORDS + 1] = { 0 };

	for (size_t i = 0; i < WORDS; i++)
		known[i] = words[i].word;
	const char *near = units_near_miss(text, known);
	return error_set(err, ERROR_USAGE,
		"\"%.80s\" is unknown%s%s%s; it is @subject, @subject[N], @key, @seq, @epoch, @stream, "
		"@time, @msg_id, @payload, @headers or @header.NAME",
		text, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool parse_word(const char *text, struct source *source, struct error *err)
{
	const char *end;

	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, text) == 0) {
			source->type = words[i].type;
			return true;
		}
	if (strncmp(text, "@header.", strlen("@header.")) == 0)
		return parse_header(text, source, err);
	if (strncmp(text, "@subject[", strlen("@subject[")) == 0) {
		source->type = SOURCE_TOKEN;
		end = read_index(text + strlen("@subject["), &source->token);
		return (end && !*end) ||
			error_set(err, ERROR_USAGE,
				"\"%.80s\": a token of the subject is @subject[N], counted from 0",
				text);
	}
	return unknown_word(text, err);
}

bool source_parse(const char *text, struct source *source, struct error *err)
{
	*source = (struct source){ 0 };
	if (*text == '$')
		return parse_path(text, source, err);
	if (*text == '@')
		return parse_word(text, source, err);
	return error_set(err, ERROR_USAGE,
		"\"%.80s\" is no source: a path begins with $, a part of the event with @; a constant is "
		"written { value: TEXT }",
		text);
}

void source_finish(struct source *source)
{
	free(source->steps);
	free(source->names);
	*source = (struct source){ 0 };
}

static bool same_step(const struct source_step *a, const struct source_step *b)
{
	if (!a->name || !b->name)
		return !a->name && !b->name && a->index == b->index;
	return strcmp(a->name, b->name) == 0;
}

bool source_same(const struct source *a, const struct source *b)
{
	if (a->type == SOURCE_CONSTANT || a->type != b->type || a->token != b->token ||
		a->step_count != b->step_count)
		return false;
	for (size_t i = 0; i < a->step_count; i++)
		if (!same_step(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

bool source_needs_payload(const struct source *source)
{
	return source->type == SOURCE_PATH || source->type == SOURCE_PAYLOAD;
}
