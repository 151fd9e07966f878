/* What the payloads of a stream hold, value by value. */
#include "sink/sample.h"

#include <ctype.h>
#include <string.h>

#include "sink/paths.h"
#include "sink/value.h"

#define EXACT_DIGITS 15 /* that a double keeps */

void sample_init(struct sample *sample)
{
	*sample = (struct sample){ 0 };
	arena_init(&sample->arena);
}

void sample_finish(struct sample *sample)
{
	arena_finish(&sample->arena);
}

bool sample_add(struct sample *sample, struct slice subject, struct slice payload)
{
	if (sample->seen == SAMPLE_EVENTS ||
		(sample->count > 0 && sample->bytes + payload.size > SAMPLE_BYTES))
		return false;
	if (!sample->subject)
		sample->subject = arena_copy(&sample->arena, subject.data, subject.size);
	else if (!slice_is(subject, sample->subject))
		sample->several_subjects = true;
	sample->seen++;
	if (payload.size == 0)
		return true;
	sample->payloads[sample->count++] =
		(struct slice){ arena_copy(&sample->arena, payload.data, payload.size),
			payload.size };
	sample->bytes += payload.size;
	return true;
}

size_t sample_not_json(const struct sample *sample)
{
	struct arena arena;
	const char *fault;
	size_t count = 0;

	arena_init(&arena);
	for (size_t i = 0; i < sample->count; i++)
		count += !paths_find(sample->payloads[i], NULL, 0, &arena, &fault);
	arena_finish(&arena);
	return count;
}

static enum sample_type type_of_number(struct slice text)
{
	int64_t number;
	bool exact;
	int digits = 0;

	if (value_decimal(text, 0, &number, &exact) && exact)
		return SAMPLE_INTEGER;
	for (size_t i = 0; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++)
		digits += isdigit((unsigned char)text.data[i]) != 0;
	return digits <= EXACT_DIGITS ? SAMPLE_DECIMAL : SAMPLE_NUMBER;
}

static bool is_uuid(struct slice text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (text.size != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (form[i] == '-' ? text.data[i] != '-' : !isxdigit((unsigned char)text.data[i]))
			return false;
	return true;
}

static enum sample_type type_of_string(struct slice text)
{
	int64_t us;

	if (value_time(text, &us))
		return text.size == sizeof("2026-01-01") - 1 ? SAMPLE_DATE : SAMPLE_TIME;
	return is_uuid(text) ? SAMPLE_UUID : SAMPLE_TEXT;
}

static enum sample_type type_of(const struct value *value)
{
	switch (value->type) {
	case VALUE_STRING:
		return type_of_string(value->text);
	case VALUE_NUMBER:
		return type_of_number(value->text);
	case VALUE_BOOLEAN:
		return SAMPLE_BOOLEAN;
	case VALUE_JSON:
		return SAMPLE_JSON;
	default:
		return SAMPLE_NOTHING;
	}
}

static bool is_number(enum sample_type type)
{
	return type == SAMPLE_INTEGER || type == SAMPLE_DECIMAL || type == SAMPLE_NUMBER;
}

static bool is_string(enum sample_type type)
{
	return type == SAMPLE_DATE || type == SAMPLE_TIME || type == SAMPLE_UUID ||
		type == SAMPLE_TEXT;
}

/* A type that holds both. */
static enum sample_type join(enum sample_type a, enum sample_type b)
{
	if (a == b || b == SAMPLE_NOTHING)
		return a;
	if (a == SAMPLE_NOTHING)
		return b;
	if (is_number(a) && is_number(b))
		return a > b ? a : b;
	if ((a == SAMPLE_DATE && b == SAMPLE_TIME) || (a == SAMPLE_TIME && b == SAMPLE_DATE))
		return SAMPLE_TIME;
	return is_string(a) && is_string(b) ? SAMPLE_TEXT : SAMPLE_JSON;
}

static enum sample_type type_of_path(const struct sample *sample, const struct source *source)
{
	enum sample_type type = SAMPLE_NOTHING;
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < sample->count; i++) {
		struct paths_want want = { .steps = source->steps,
			.step_count = source->step_count };
		struct value value;
		const char *fault;
		if (paths_find(sample->payloads[i], &want, 1, &arena, &fault) &&
			value_of_json(want.found, &arena, &value, &fault))
			type = join(type, type_of(&value));
		arena_reset(&arena);
	}
	arena_finish(&arena);
	return type;
}

enum sample_type sample_type_of(const struct sample *sample, const struct source *source)
{
	switch (source->type) {
	case SOURCE_PATH:
		return type_of_path(sample, source);
	case SOURCE_SEQ:
	case SOURCE_EPOCH:
		return SAMPLE_INTEGER;
	case SOURCE_TIME:
		return SAMPLE_TIME;
	case SOURCE_HEADERS:
		return SAMPLE_JSON;
	case SOURCE_PAYLOAD:
		return SAMPLE_BYTES_OF_ANY_KIND;
	default:
		return SAMPLE_TEXT;
	}
}
