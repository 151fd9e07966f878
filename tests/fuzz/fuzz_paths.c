/*
 * "PATH LF JSON": a source of a column, and a payload. What the JSON library takes is taken, and a path finds
 * the same value as by walking through the library's; what is found is a part of the payload.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "sink/paths.h"
#include "sink/value.h"

#define FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

static json_t *walk(json_t *value, const struct source *source)
{
	for (size_t i = 0; value && i < source->step_count; i++) {
		const struct source_step *step = &source->steps[i];
		value = step->name ? json_object_get(value, step->name)
				   : json_array_get(value, (size_t)step->index);
	}
	return value;
}

static void compare(struct slice found, json_t *wanted)
{
	must_of(found, !found.data == !wanted);
	if (!wanted)
		return;
	json_t *again = json_loadb(found.data, found.size, FLAGS, NULL);
	must_of(found, again && json_equal(again, wanted));
	json_decref(again);
}

/* A string is the text that the library makes of it. */
static void check_value(struct slice found, json_t *wanted, struct arena *arena)
{
	const char *fault = NULL;
	struct value value;

	bool ok = value_of_json(found, arena, &value, &fault);
	must(ok || fault);
	if (!ok || !json_is_string(wanted))
		return;
	must(value.type == VALUE_STRING && fuzz_is_utf8(value.text));
	must_of(found,
		value.text.size == json_string_length(wanted) &&
			memcmp(value.text.data, json_string_value(wanted), value.text.size) == 0);
}

static void check(struct slice json, const struct source *source)
{
	struct paths_want want = { .steps = source->steps, .step_count = source->step_count };
	bool nul =
		json.size && memchr(json.data, 0, json.size); /* the library takes it for the end */
	json_t *whole = nul ? NULL : json_loadb(json.data, json.size, FLAGS, NULL);
	const char *fault = NULL;
	struct arena arena;

	arena_init(&arena);
	bool ok = paths_find(json, &want, 1, &arena, &fault);
	must(ok == !fault);
	must_of(json, ok || !whole || strcmp(fault, "it is nested too deeply") == 0);
	if (ok && want.found.data)
		must(fuzz_within(want.found, json));
	if (ok && whole) {
		compare(want.found, walk(whole, source));
		check_value(want.found, walk(whole, source), &arena);
	}
	arena_finish(&arena);
	json_decref(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice path = { (const char *)data, size }, json = fuzz_cut(&path, '\n');
	char *text = fuzz_text((const uint8_t *)path.data, path.size);
	struct source source;
	struct error err;

	if (strlen(text) == path.size && source_parse(text, &source, &err)) {
		must(source.step_count <= SOURCE_STEPS_MAX && source_same(&source, &source));
		if (source.type == SOURCE_PATH && json.data)
			check(json, &source);
		source_finish(&source);
	}
	free(text);
	return 0;
}
