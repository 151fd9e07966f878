/*
 * A stream's answer to a publish. The parser by hand must agree with the JSON library: nothing counts as
 * stored but one object with a stream, a sequence above 0 and no error.
 */
#include "fuzz.h"

#include "relay/puback.h"

/* How often a member of that name stands in an object without escapes. */
static size_t count_members(struct slice answer, const char *name)
{
	const char *at = answer.data, *end = answer.data + answer.size;
	size_t size = strlen(name), count = 0;

	while (at < end && (at = memmem(at, (size_t)(end - at), name, size))) {
		at += size;
		while (at < end && memchr(" \t\r\n", *at, 4))
			at++;
		count += at < end && *at == ':';
	}
	return count;
}

/*
 * Strict. Only where the parser says "stored", members that nobody asks for may stand there twice: it does
 * not keep their names.
 */
static json_t *load(struct slice answer, bool stored)
{
	json_error_t why;
	json_t *object = json_loadb(answer.data, answer.size, JSON_REJECT_DUPLICATES, &why);

	if (object || !stored || json_error_code(&why) != json_error_duplicate_key)
		return object;
	must(count_members(answer, "\"stream\"") == 1 && count_members(answer, "\"seq\"") == 1);
	must(count_members(answer, "\"duplicate\"") <= 1);
	return json_loadb(answer.data, answer.size, 0, NULL);
}

static bool is_stored(const json_t *object)
{
	size_t size = json_string_length(json_object_get(object, "stream"));

	return !json_object_get(object, "error") && size > 0 && size < PUBACK_STREAM &&
		json_integer_value(json_object_get(object, "seq")) > 0;
}

static void compare(const struct puback *ack, const json_t *object)
{
	must(ack->kind == PUBACK_STORED || ack->kind == PUBACK_ERROR ||
		ack->kind == PUBACK_NONSENSE);
	must((ack->kind == PUBACK_ERROR) == (json_object_get(object, "error") != NULL));
	must((ack->kind == PUBACK_STORED) == is_stored(object));
	if (ack->kind != PUBACK_STORED)
		return;
	must(ack->seq == (uint64_t)json_integer_value(json_object_get(object, "seq")));
	must(strcmp(ack->stream, json_string_value(json_object_get(object, "stream"))) == 0);
	must(ack->duplicate == json_is_true(json_object_get(object, "duplicate")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice answer = { (const char *)data, size };
	struct puback ack;

	memset(&ack, 0x5a, sizeof(ack)); /* as the slot of an earlier answer */
	puback_parse(answer.data, answer.size, &ack);
	must(strnlen(ack.stream, PUBACK_STREAM) < PUBACK_STREAM);
	must(strnlen(ack.text, PUBACK_TEXT) < PUBACK_TEXT);
	json_t *object = load(answer, ack.kind == PUBACK_STORED);
	compare(&ack, object);
	enum judgement judgement = puback_judge(&ack);
	must(judgement <= JUDGE_STOP);
	must((judgement == JUDGE_DELIVERED || judgement == JUDGE_DUPLICATE) ==
		(ack.kind == PUBACK_STORED));
	json_decref(object);
	return 0;
}
