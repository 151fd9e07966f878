/*
 * A stream's answer: what is an acknowledgement, what is not, and what it means. The parser by hand is
 * compared with the JSON library on answers that were damaged at random.
 */
#include "support/common.h"

#include <jansson.h>

#include "relay/puback.h"

static struct puback parse(const char *answer)
{
	struct puback ack;

	memset(&ack, 0x5a, sizeof(ack)); /* as the slot of an earlier answer */
	puback_parse(answer, strlen(answer), &ack);
	return ack;
}

static void stored(const char *answer, const char *stream, uint64_t seq, bool duplicate)
{
	struct puback ack = parse(answer);

	if (ack.kind != PUBACK_STORED)
		give_up("not taken as stored: %s", answer);
	assert_string_equal(ack.stream, stream);
	assert_true(ack.seq == seq);
	assert_int_equal(ack.duplicate, duplicate);
	assert_int_equal(puback_judge(&ack), duplicate ? JUDGE_DUPLICATE : JUDGE_DELIVERED);
}

static void nonsense(const char *answer)
{
	struct puback ack = parse(answer);

	if (ack.kind != PUBACK_NONSENSE)
		give_up("taken as an answer (%d): %s", ack.kind, answer);
	assert_int_equal(puback_judge(&ack), JUDGE_RETRY);
}

static void test_acknowledgements(void **state)
{
	(void)state;
	stored("{\"stream\":\"SHOP\",\"seq\":42}", "SHOP", 42, false);
	stored("{\"stream\":\"SHOP\", \"seq\":1,\"duplicate\": true}", "SHOP", 1, true);
	stored("{\"seq\":7,\"stream\":\"S\",\"duplicate\":false}", "S", 7, false);
	stored(" \t\r\n{ \"stream\" : \"S\" , \"seq\" : 7 }\n", "S", 7, false);
	stored("{\"stream\":\"S\",\"domain\":\"hub\",\"seq\":9}", "S", 9, false);
	stored("{\"stream\":\"S\",\"seq\":9223372036854775807}", "S", INT64_MAX, false);
	/* What a later server may add. */
	stored("{\"type\":\"io.nats\",\"stream\":\"S\",\"seq\":3,\"batch\":\"b\",\"count\":5}", "S",
		3, false);
	stored("{\"stream\":\"S\",\"seq\":3,\"val\":-1.5,\"more\":{\"a\":[1,null]}}", "S", 3,
		false);
	stored("{\"stream\":\"S\",\"seq\":3,\"none\":null,\"duplicate\":true}", "S", 3, true);
}

static void test_escapes(void **state)
{
	(void)state;
	stored("{\"str\\u0065am\":\"S\\u00e9\",\"seq\":3}", "S\xc3\xa9", 3, false);
	stored("{\"stream\":\"a\\\"b\\\\c\",\"seq\":3}", "a\"b\\c", 3, false);
	stored("{\"stream\":\"S\",\"seq\":3,\"x\":\"\\\"seq\\\":0\"}", "S", 3, false);
}

static void test_nonsense(void **state)
{
	static const char *const answers[] = { "", " ", "{}", "[]", "null", "true", "+OK", "0",
		"{\"stream\":\"S\"}", "{\"seq\":5}", "{\"stream\":\"S\",\"seq\":0}",
		"{\"stream\":\"\",\"seq\":5}", "{\"stream\":null,\"seq\":5}",
		"{\"stream\":\"S\",\"seq\":null}", "{\"stream\":\"S\",\"seq\":\"5\"}",
		"{\"stream\":\"S\",\"seq\":-5}", "{\"stream\":\"S\",\"seq\":5.5}",
		"{\"stream\":\"S\",\"seq\":1e3}", "{\"stream\":5,\"seq\":5}",
		"{\"stream\":\"S\",\"seq\":18446744073709551616}",
		"{\"stream\":\"S\",\"seq\":99999999999999999999999999}",
		"{\"Stream\":\"S\",\"Seq\":5}", "{\"stream\":\"S\",\"seq\":5",
		"{\"stream\":\"S\",\"seq\":5}}", "{\"stream\":\"S\",\"seq\":5} {}",
		"{\"stream\":\"S\",\"seq\":5,}", "{\"stream\":\"S\" \"seq\":5}",
		"{\"stream\":\"S\n\",\"seq\":5}", "{\"stream\":\"S\",\"seq\t\":5}",
		"{\"stream\":\"S\",\"seq\":5,\"a\":\"\n25,\"b\":1}",
		"{\"stream\":\"S\",\"seq\":5,\"a\":05true}",
		"{\"stream\":\"S\",\"seq\":9223372036854775808}", "{\"stream\":\"S\",\"seq\":5x}",
		"{stream:\"S\",seq:5}", "[{\"stream\":\"S\",\"seq\":5}]",
		"{\"a\":{\"stream\":\"S\",\"seq\":5}}",
		"{\"stream\":\"S\",\"seq\":5,\"duplicate\":tru}" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		nonsense(answers[i]);
}

/* Two answers in one say nothing that can be relied on. */
static void test_members_twice(void **state)
{
	(void)state;
	nonsense("{\"stream\":\"S\",\"seq\":5,\"seq\":6}");
	nonsense("{\"stream\":\"S\",\"seq\":0,\"seq\":6}");
	nonsense("{\"stream\":\"S\",\"stream\":\"T\",\"seq\":6}");
	nonsense("{\"stream\":\"S\",\"seq\":5,\"duplicate\":true,\"duplicate\":false}");
}

/* Every beginning of an answer, but for the whole. */
static void test_truncated(void **state)
{
	static const char answer[] = "{\"stream\":\"SHOP\",\"seq\":4711,\"duplicate\":true}";
	struct puback ack;

	(void)state;
	for (size_t size = 0; size < sizeof(answer) - 1; size++) {
		char *copy = malloc(size ? size : 1); /* no byte behind the end may be looked at */
		memcpy(copy, answer, size);
		puback_parse(copy, size, &ack);
		free(copy);
		assert_int_equal(ack.kind, PUBACK_NONSENSE);
	}
	stored(answer, "SHOP", 4711, true);
}

static void test_nul_inside(void **state)
{
	static const char answer[] = "{\"stream\":\"S\",\"seq\":5}\0{}";
	static const char inside[] = "{\"stream\":\"S\0T\",\"seq\":5}";
	struct puback ack;

	(void)state;
	puback_parse(answer, sizeof(answer) - 1, &ack);
	assert_int_equal(ack.kind, PUBACK_NONSENSE);
	puback_parse(inside, sizeof(inside) - 1, &ack);
	assert_int_equal(ack.kind, PUBACK_NONSENSE);
}

/* An error wins over whatever else stands there. */
static void test_errors(void **state)
{
	static const char *const answers[] = {
		"{\"error\":{\"code\":400,\"err_code\":10060,\"description\":\"expected stream does not "
		"match\"},\"stream\":\"S\",\"seq\":5}",
		"{\"stream\":\"S\",\"seq\":5,\"error\":{\"code\":400,\"err_code\":10060,"
		"\"description\":\"expected stream does not match\"}}",
		"{ \"stream\" : \"S\",\"seq\":0, \"\\u0065rror\" : "
		"{\"description\":\"expected stream does not match\",\"err_code\":10060,\"code\":400}}",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct puback ack = parse(answers[i]);
		assert_int_equal(ack.kind, PUBACK_ERROR);
		assert_int_equal(ack.http, 400);
		assert_int_equal(ack.code, 10060);
		assert_string_equal(ack.text, "expected stream does not match");
	}
	/* One without contents is an error nevertheless. */
	assert_int_equal(parse("{\"error\":{},\"stream\":\"S\",\"seq\":5}").kind, PUBACK_ERROR);
	assert_int_equal(parse("{\"error\":null,\"stream\":\"S\",\"seq\":5}").kind, PUBACK_ERROR);
	assert_int_equal(parse("{\"error\":\"no\",\"stream\":\"S\",\"seq\":5}").kind, PUBACK_ERROR);
}

static void test_long_texts(void **state)
{
	char *answer =
		text("{\"error\":{\"code\":500,\"err_code\":1,\"description\":\"%0*d\"}}", 5000, 7);
	struct puback ack = parse(answer);

	(void)state;
	assert_int_equal(ack.kind, PUBACK_ERROR);
	assert_int_equal(strlen(ack.text), PUBACK_TEXT - 1);
	answer = text("{\"stream\":\"%0*d\",\"seq\":1}", PUBACK_STREAM - 1, 7);
	assert_int_equal(strlen(parse(answer).stream), PUBACK_STREAM - 1);
	/* No stream has such a name, so no other may be taken for it: the end must not be cut off. */
	nonsense(text("{\"stream\":\"%0*d\",\"seq\":1}", PUBACK_STREAM, 7));
}

static void test_judgements(void **state)
{
	static const struct {
		int http, code;
		const char *text;
		enum judgement wanted;
	} cases[] = {
		{ 400, 10054, "message size exceeds maximum allowed", JUDGE_DEAD },
		{ 400, 10097, "header size exceeds maximum allowed of 64k", JUDGE_DEAD },
		{ 500, 10049, "stream msg store does not take it", JUDGE_DEAD },
		{ 400, 10111, "rollup not permitted", JUDGE_DEAD },
		{ 400, 10165, "invalid per-message TTL", JUDGE_DEAD },
		{ 400, 10166, "per-message TTL is disabled", JUDGE_DEAD },
		{ 400, 10060, "expected stream does not match", JUDGE_RETRY },
		{ 400, 10070, "wrong last msg ID: x", JUDGE_RETRY },
		{ 400, 10071, "wrong last sequence: 5", JUDGE_BREAK },
		{ 409, 10158, "duplicate message id is in process", JUDGE_BREAK },
		{ 503, 10164, "wrong last sequence", JUDGE_BREAK },
		{ 400, 10201, "batch publish contains duplicate message id", JUDGE_RETRY },
		{ 400, 10109, "invalid operation on sealed stream", JUDGE_STOP },
		{ 503, 10039, "JetStream not enabled for account", JUDGE_STOP },
		{ 503, 10077, "maximum messages exceeded", JUDGE_PAUSE },
		{ 503, 10077, "maximum bytes exceeded", JUDGE_PAUSE },
		{ 503, 10077, "maximum messages per subject exceeded", JUDGE_RETRY },
		{ 503, 10023, "insufficient resources", JUDGE_PAUSE },
		{ 500, 10047, "insufficient storage resources available", JUDGE_PAUSE },
		{ 503, 10008, "JetStream system temporarily unavailable", JUDGE_PAUSE },
		{ 500, 10118, "stream is offline", JUDGE_PAUSE },
		{ 429, 10167, "too many requests", JUDGE_PAUSE },
		{ 500, 12345, "something of a later server", JUDGE_PAUSE },
		{ 0, 0, "", JUDGE_PAUSE },
		{ 400, 12345, "something else of a later server", JUDGE_RETRY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct puback ack = parse(
			text("{\"error\":{\"code\":%d,\"err_code\":%d,\"description\":\"%s\"}}",
				cases[i].http, cases[i].code, cases[i].text));
		if (puback_judge(&ack) != cases[i].wanted)
			give_up("%d %d %s: judged %d, not %d", cases[i].http, cases[i].code,
				cases[i].text, puback_judge(&ack), cases[i].wanted);
	}
	struct puback nobody = { .kind = PUBACK_NO_RESPONDERS };
	assert_int_equal(puback_judge(&nobody), JUDGE_ASK);
}

/* What the JSON library makes of it, strictly. */
static enum puback_kind reference(const char *data, size_t size, uint64_t *seq, bool *duplicate)
{
	json_t *object = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	const char *stream = json_string_value(json_object_get(object, "stream"));
	json_int_t number = json_integer_value(json_object_get(object, "seq"));
	enum puback_kind kind = PUBACK_NONSENSE;

	*duplicate = json_is_true(json_object_get(object, "duplicate"));
	*seq = number > 0 ? (uint64_t)number : 0;
	if (json_object_get(object, "error"))
		kind = PUBACK_ERROR;
	else if (stream && *stream && number > 0)
		kind = PUBACK_STORED;
	json_decref(object);
	return kind;
}

static void damage(char *answer, size_t *size, size_t room)
{
	static const char alphabet[] = "{}[]\":,0123456789.-+eEtrufalsn \\seq\x80\xff\x01";
	size_t at = (size_t)rand() % *size;

	switch (rand() % 4) {
	case 0:
		answer[at] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		break;
	case 1: /* out */
		memmove(answer + at, answer + at + 1, *size - at - 1);
		*size -= *size > 1;
		break;
	case 2: /* in */
		if (*size + 1 < room) {
			memmove(answer + at + 1, answer + at, *size - at);
			answer[at] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
			(*size)++;
		}
		break;
	default:
		*size = 1 + (size_t)rand() % *size;
	}
}

static void test_damaged_answers(void **state)
{
	static const char *const answers[] = {
		"{\"stream\":\"SHOP\",\"seq\":4711}",
		"{\"stream\":\"S\",\"seq\":1,\"duplicate\":true}",
		"{\"stream\":\"S\",\"seq\":10,\"seq\":2}",
		"{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"x\"},\"stream\":\"S\",\"seq\":3}",
		"{\"stream\":\"S\",\"domain\":\"hub\",\"seq\":99,\"val\":12}",
	};
	char answer[256];
	bool duplicate;
	uint64_t seq;
	struct puback ack;

	(void)state;
	srand(4711);
	for (int i = 0; i < 300000; i++) {
		const char *start = answers[i % 5];
		size_t size = strlen(start);
		memcpy(answer, start, size);
		for (int hits = 1 + rand() % 3; hits > 0; hits--)
			damage(answer, &size, sizeof(answer));
		enum puback_kind kind = reference(answer, size, &seq, &duplicate);
		puback_parse(answer, size, &ack);
		if (ack.kind != kind ||
			(kind == PUBACK_STORED && (ack.seq != seq || ack.duplicate != duplicate)))
			give_up("kind %d seq %llu, not %d %llu: %.*s", ack.kind,
				(unsigned long long)ack.seq, kind, (unsigned long long)seq,
				(int)size, answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledgements),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_members_twice),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_nul_inside),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_judgements),
		cmocka_unit_test(test_damaged_answers),
	};

	return cmocka_run_group_tests_name("puback", tests, NULL, NULL);
}
