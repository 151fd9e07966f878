/* What of an event may go on the wire. */
#include "support/common.h"

#include <stdio.h>

#include "base/buf.h"
#include "event.h"

typedef bool check_fn(struct slice text, struct error *err);

static void good_at(int line, check_fn *check, struct slice slice)
{
	struct error err = { 0 };

	if (!check(slice, &err))
		give_up("line %d: '%.*s' is refused: %s", line, (int)slice.size, slice.data,
			err.text);
	assert_int_equal(err.kind, ERROR_NONE);
}

static void bad_at(int line, check_fn *check, struct slice slice, const char *why)
{
	struct error err = { 0 };

	if (check(slice, &err))
		give_up("line %d: '%.*s' is taken", line, (int)slice.size, slice.data);
	assert_int_equal(err.kind, ERROR_REJECTED);
	assert_contains(err.text, why);
	assert_false(check(slice, NULL)); /* nobody need ask why */
}

#define good(check, literal)	 good_at(__LINE__, check, SLICE(literal))
#define bad(check, literal, why) bad_at(__LINE__, check, SLICE(literal), why)

static char *filled(size_t size)
{
	char *made = keep(malloc(size + 1));

	memset(made, 'x', size);
	made[size] = '\0';
	return made;
}

static void test_good_subjects(void **state)
{
	(void)state;
	good(event_check_subject, "a");
	good(event_check_subject, "shop.order.created");
	good(event_check_subject, "a.b-c_d/e:f,g=h@i!j#k$l%m&n");
	good(event_check_subject, "caf\xc3\xa9.\xe2\x82\xac.\xf0\x9f\x98\x80");
	/* A star or an arrow is a wildcard only as a whole token. */
	good(event_check_subject, "a*.>b.c*d.>>.**");
	good(event_check_subject, "$JSX.a");
	good(event_check_subject, "my.$JS.API");
	good(event_check_subject, "$KV.bucket.key");
	good_at(__LINE__, event_check_subject, slice_of(filled(EVENT_SUBJECT_MAX)));
}

static void test_bad_subjects(void **state)
{
	(void)state;
	bad(event_check_subject, "", "is empty");
	bad(event_check_subject, ".", "empty token");
	bad(event_check_subject, ".a", "empty token");
	bad(event_check_subject, "a.", "empty token");
	bad(event_check_subject, "a..b", "empty token");
	bad(event_check_subject, "*", "wildcard");
	bad(event_check_subject, ">", "wildcard");
	bad(event_check_subject, "a.*.b", "wildcard");
	bad(event_check_subject, "a.>", "wildcard");
	bad(event_check_subject, "a.>.b", "wildcard");
	bad(event_check_subject, "*.a", "wildcard");
	bad(event_check_subject, "a b", "space");
	bad(event_check_subject, " a", "space");
	bad(event_check_subject, "a ", "space");
	bad(event_check_subject, "a\tb", "control");
	bad(event_check_subject, "a\x7f", "control");
	bad(event_check_subject, "a\x01.b", "control");
	bad(event_check_subject, "a\r\nPUB b 1\r\nx", "line break");
	bad(event_check_subject, "a\n", "line break");
	bad(event_check_subject, "a\r", "line break");
	bad(event_check_subject, "a\0b", "NUL");
	bad(event_check_subject, "a\0", "NUL");
	bad(event_check_subject, "\0", "NUL");
	bad(event_check_subject, "a.\xff", "UTF-8");
	bad(event_check_subject, "a.\xc0\xaf", "UTF-8");
	bad(event_check_subject, "a.\xed\xa0\x80", "UTF-8");
	bad(event_check_subject, "a.\xe2\x82", "UTF-8");
	bad(event_check_subject, "$JS.API.STREAM.DELETE.SHOP", "server's own");
	bad(event_check_subject, "$JS.ACK.a.b", "server's own");
	bad(event_check_subject, "$SYS.REQ.SERVER.PING", "server's own");
	bad(event_check_subject, "$SRV.PING", "server's own");
	bad(event_check_subject, "$NRG.V.x", "server's own");
	bad(event_check_subject, "_INBOX.abc.1", "server's own");
	bad_at(__LINE__, event_check_subject, slice_of(filled(EVENT_SUBJECT_MAX + 1)), "1,024");
	/* Each control character, wherever it stands. */
	for (int c = 0; c < 32; c++)
		for (size_t at = 0; at < 3; at++) {
			char subject[] = "a.b";
			subject[at] = (char)c;
			assert_false(event_check_subject((struct slice){ subject, 3 }, NULL));
		}
}

static void test_ids_and_keys(void **state)
{
	(void)state;
	good(event_check_id, "0b0f6a5c-2c7e-4a51-9b57-d5d4f0a6a1ce");
	good(event_check_id, "order 17/\xc3\xa9");
	good_at(__LINE__, event_check_id, slice_of(filled(EVENT_ID_MAX)));
	bad(event_check_id, "", "is empty");
	bad(event_check_id, "a\r\nNats-Rollup: all", "control");
	bad(event_check_id, "a\0b", "NUL");
	bad(event_check_id, "\xfe", "UTF-8");
	bad(event_check_id, " a", "space");
	bad(event_check_id, "a ", "space");
	bad_at(__LINE__, event_check_id, slice_of(filled(EVENT_ID_MAX + 1)), "too long");
	good(event_check_key, "");
	good(event_check_key, "customer 17");
	good_at(__LINE__, event_check_key, slice_of(filled(EVENT_KEY_MAX)));
	bad(event_check_key, "a\nb", "control");
	bad(event_check_key, "\0", "NUL");
	bad(event_check_key, " ", "space");
	bad(event_check_key, "\xc3(", "UTF-8");
	bad_at(__LINE__, event_check_key, slice_of(filled(EVENT_KEY_MAX + 1)), "too long");
}

static bool collect(void *context, const char *name, const char *value, struct error *err)
{
	(void)err;
	buf_format(context, "%s=%s;", name, value);
	return true;
}

static void headers_at(int line, struct slice json, const char *expected)
{
	struct error err = { 0 };
	struct buf seen = { 0 };

	buf_add_text(&seen, "");
	if (!event_headers_each(json, collect, &seen, &err))
		give_up("line %d: %s", line, err.text);
	if (strcmp(seen.data, expected) != 0)
		give_up("line %d: %s, not %s", line, seen.data, expected);
	buf_finish(&seen);
}

static void no_headers_at(int line, struct slice json, const char *why)
{
	struct error err = { 0 };
	struct buf seen = { 0 };

	if (event_headers_each(json, collect, &seen, &err))
		give_up("line %d: taken: %.*s", line, (int)json.size, json.data);
	buf_finish(&seen);
	assert_int_equal(err.kind, ERROR_REJECTED);
	if (!strstr(err.text, why))
		give_up("line %d: '%s' instead of '%s'", line, err.text, why);
}

#define headers(literal, expected) headers_at(__LINE__, SLICE(literal), expected)
#define no_headers(literal, why)   no_headers_at(__LINE__, SLICE(literal), why)

static void test_good_headers(void **state)
{
	(void)state;
	headers_at(__LINE__, (struct slice){ 0 }, "");
	headers("{}", "");
	headers("null", "");
	headers("{\"A\":\"1\"}", "A=1;");
	headers(" {\"A\":\"1\",\"b-c_d.e\":\"x y\"}\n", "A=1;b-c_d.e=x y;");
	headers("{\"Many\":[\"one\",\"two\",\"\"]}", "Many=one;Many=two;Many=;");
	headers("{\"None\":[]}", "");
	headers("{\"A\":\"\"}", "A=;");
	headers("{\"A\":\"caf\\u00e9 \\u20ac\"}", "A=caf\xc3\xa9 \xe2\x82\xac;");
	headers("{\"A\":\"tab\\there\"}", "A=tab\there;");
	headers("{\"Content-Type\":\"application/json; charset=utf-8\"}",
		"Content-Type=application/json; charset=utf-8;");
	headers("{\"!#$%&'*+-.^_`|~09azAZ\":\"1\"}", "!#$%&'*+-.^_`|~09azAZ=1;");
	headers("{\"Nats-TTL\":\"1h\",\"Nats-Rollup\":\"sub\"}", "Nats-TTL=1h;Nats-Rollup=sub;");
	headers("{\"Dray\":\"1\",\"Nats\":\"2\",\"Drayx-A\":\"3\"}", "Dray=1;Nats=2;Drayx-A=3;");
}

static void test_malformed_headers(void **state)
{
	(void)state;
	no_headers("", "malformed JSON");
	no_headers(" ", "malformed JSON");
	no_headers("{", "malformed JSON");
	no_headers("{\"A\":\"1\"", "malformed JSON");
	no_headers("{\"A\":\"1\"}x", "malformed JSON");
	no_headers("{\"A\":\"1\",}", "malformed JSON");
	no_headers("{A:\"1\"}", "malformed JSON");
	no_headers("{'A':'1'}", "malformed JSON");
	no_headers("{\"A\":\"\xff\"}", "malformed JSON");
	no_headers("{\"A\":\"1\",\"A\":\"2\"}", "malformed JSON");
	no_headers("{\"A\":\"1\"}\0", "malformed JSON");
	no_headers("A: 1\r\nB: 2", "malformed JSON");
	no_headers("[\"A\",\"1\"]", "not a JSON object");
	no_headers("[]", "not a JSON object");
	no_headers("{\"A\":1}", "'A' is not a string");
	no_headers("{\"A\":null}", "'A' is not a string");
	no_headers("{\"A\":true}", "'A' is not a string");
	no_headers("{\"A\":{\"B\":\"1\"}}", "'A' is not a string");
	no_headers("{\"A\":[\"1\",2]}", "'A' is not a string");
	no_headers("{\"A\":[[\"1\"]]}", "'A' is not a string");
	struct buf deep = { 0 };
	for (int i = 0; i < 100000; i++)
		buf_add_char(&deep, '[');
	no_headers_at(__LINE__, (struct slice){ deep.data, deep.size }, "malformed JSON");
	buf_finish(&deep);
}

static void test_headers_that_would_break_the_wire(void **state)
{
	(void)state;
	no_headers("{\"A\":\"1\\r\\nNats-Rollup: all\"}", "line break");
	no_headers("{\"A\":\"1\\n\"}", "line break");
	no_headers("{\"A\":\"\\r\"}", "line break");
	no_headers("{\"A\":[\"fine\",\"a\\nb\"]}", "line break");
	no_headers("{\"A\":\"a\\u0000b\"}", "headers:");
	no_headers("{\"A\\u0000B\":\"1\"}", "headers:");
	no_headers("{\"\":\"1\"}", "a name is empty");
	no_headers("{\"A B\":\"1\"}", "cannot have");
	no_headers("{\"A:\":\"1\"}", "cannot have");
	no_headers("{\" A\":\"1\"}", "cannot have");
	no_headers("{\"A\\r\\nB\":\"1\"}", "cannot have");
	no_headers("{\"caf\\u00e9\":\"1\"}", "cannot have");
	no_headers("{\"A\\\"B\":\"1\"}", "cannot have");
	no_headers("{\"A(B)\":\"1\"}", "cannot have");
}

static void test_reserved_headers(void **state)
{
	static const char *const names[] = { "Nats-Msg-Id", "nats-msg-id", "NATS-MSG-ID",
		"Nats-Expected-Stream", "Nats-Expected-Last-Msg-Id", "Nats-Expected-Last-Sequence",
		"Nats-Expected-Last-Subject-Sequence", "Nats-Batch-Id", "Nats-Whatever", "Nats-",
		"Dray-Key", "dray-key", "DRAY-KEY", "Dray-Replay", "Dray-", "nats-ttl",
		"nats-rollup", "Nats-TTLx", "Nats-Schedule" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *json = text("{\"Fine\":\"1\",\"%s\":\"2\"}", names[i]);
		no_headers_at(__LINE__, slice_of(json), "is reserved");
		json = text("{\"%s\":[]}", names[i]);
		no_headers_at(__LINE__, slice_of(json), "is reserved");
	}
}

static bool refuse_second(void *context, const char *name, const char *value, struct error *err)
{
	int *calls = context;

	(void)name;
	(void)value;
	return ++*calls < 2 || error_set(err, ERROR_INTERNAL, "that is enough");
}

static void test_the_callers_refusal_is_passed_on(void **state)
{
	struct error err = { 0 };
	int calls = 0;

	(void)state;
	assert_false(event_headers_each(SLICE("{\"A\":\"1\",\"B\":[\"2\",\"3\"],\"C\":\"4\"}"),
		refuse_second, &calls, &err));
	assert_int_equal(calls, 2);
	assert_int_equal(err.kind, ERROR_INTERNAL);
	assert_string_equal(err.text, "that is enough");
}

static size_t encode(unsigned code, unsigned char out[4])
{
	if (code < 0x80) {
		out[0] = (unsigned char)code;
		return 1;
	}
	size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		out[i] = (unsigned char)(0x80 | (code & 0x3f));
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	out[0] = (unsigned char)(leads[size] | code);
	return size;
}

static bool utf8(const unsigned char *bytes, size_t size)
{
	return event_is_utf8((struct slice){ (const char *)bytes, size });
}

static void test_every_character_is_utf8(void **state)
{
	unsigned char bytes[5];

	(void)state;
	assert_true(utf8(bytes, 0));
	for (unsigned code = 0; code < 0x120000; code++) {
		size_t size = encode(code, bytes);
		bool surrogate = code >= 0xd800 && code < 0xe000;
		if (utf8(bytes, size) != (!surrogate && code < 0x110000))
			give_up("U+%04X", code);
		if (size > 1)
			assert_false(utf8(bytes, size - 1));
		bytes[size] = 0x80;
		assert_false(utf8(bytes, size + 1));
	}
}

/* Of all strings of one, two and three bytes just as many are UTF-8 as there are characters to make them. */
static void test_nothing_else_is_utf8(void **state)
{
	size_t count[4] = { 0 };
	unsigned char b[3];

	(void)state;
	for (unsigned i = 0; i < 1u << 24; i++) {
		b[0] = (unsigned char)(i >> 16);
		b[1] = (unsigned char)(i >> 8);
		b[2] = (unsigned char)i;
		count[3] += utf8(b, 3);
		if (i < 1u << 16)
			count[2] += utf8(b + 1, 2);
		if (i < 1u << 8)
			count[1] += utf8(b + 2, 1);
	}
	assert_int_equal(count[1], 128);
	assert_int_equal(count[2], 128 * 128 + 1920);
	assert_int_equal(count[3], 128 * 128 * 128 + 2 * 128 * 1920 + (0x10000 - 0x800 - 0x800));
}

static void test_four_bytes(void **state)
{
	static const unsigned char edges[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
		0xc2, 0xff };
	const size_t n = sizeof(edges);

	(void)state;
	for (unsigned lead = 0xf0; lead < 0x100; lead++)
		for (size_t i = 0; i < n * n * n; i++) {
			unsigned char b[4] = { (unsigned char)lead, edges[i % n], edges[i / n % n],
				edges[i / n / n] };
			bool tail = (b[1] & 0xc0) == 0x80 && (b[2] & 0xc0) == 0x80 &&
				(b[3] & 0xc0) == 0x80;
			bool wanted = tail && lead < 0xf5 && (lead != 0xf0 || b[1] >= 0x90) &&
				(lead != 0xf4 || b[1] < 0x90);
			assert_int_equal(utf8(b, 4), wanted);
		}
}

/* A subject's tokens against a pattern's, one by one. */
static bool matches(const char *pattern, const char *subject)
{
	for (;;) {
		size_t p = strcspn(pattern, "."), s = strcspn(subject, ".");
		if (p == 1 && *pattern == '>' && !pattern[1])
			return *subject != '\0';
		if (!(p == 1 && *pattern == '*') && (p != s || strncmp(pattern, subject, p) != 0))
			return false;
		pattern += p;
		subject += s;
		if (!*pattern || !*subject)
			return !*pattern && !*subject;
		pattern++;
		subject++;
	}
}

static const char *random_tokens(char *out, const char *const *tokens, int kinds)
{
	*out = '\0';
	for (int i = 1 + rand() % 4; i > 0; i--) {
		strcat(out, tokens[rand() % kinds]);
		if (i > 1)
			strcat(out, ".");
	}
	return out;
}

static void test_patterns(void **state)
{
	static const char *const tokens[] = { "a", "b", "ab", "aa", "a*", "*a", ">a", "$JS", "*" };
	char pattern[64], subject[64];
	size_t hits = 0;

	(void)state;
	assert_true(event_subject_matches("shop.>", SLICE("shop.a.b")));
	assert_false(event_subject_matches("shop.>", SLICE("shop")));
	assert_true(event_subject_matches(">", SLICE("shop")));
	assert_true(event_subject_matches("*.b", SLICE("a.b")));
	assert_false(event_subject_matches("*", SLICE("a.b")));
	assert_false(event_subject_matches("a.b", SLICE("a.bc")));
	assert_false(event_subject_matches("a.bc", SLICE("a.b")));
	/* Just the bytes of the slice count. */
	assert_true(event_subject_matches("a.b", (struct slice){ "a.bcd", 3 }));
	/* A foreign subject may have a NUL: the pattern ends at its own. */
	assert_false(event_subject_matches("a.b\0c", SLICE("a.b\0c")));
	assert_false(event_subject_matches("a.b", SLICE("a.b\0")));
	assert_true(event_subject_matches("a.*", SLICE("a.b\0")));
	srand(17);
	for (int i = 0; i < 300000; i++) {
		random_tokens(pattern, tokens, 9);
		if (rand() % 4 == 0)
			strcat(pattern, ".>");
		random_tokens(subject, tokens, 8);
		bool wanted = matches(pattern, subject);
		hits += wanted;
		if (event_subject_matches(pattern, slice_of(subject)) != wanted)
			give_up("%s against %s", subject, pattern);
	}
	assert_in_range(hits, 1000, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_subjects),
		cmocka_unit_test(test_bad_subjects),
		cmocka_unit_test(test_ids_and_keys),
		cmocka_unit_test(test_good_headers),
		cmocka_unit_test(test_malformed_headers),
		cmocka_unit_test(test_headers_that_would_break_the_wire),
		cmocka_unit_test(test_reserved_headers),
		cmocka_unit_test(test_the_callers_refusal_is_passed_on),
		cmocka_unit_test(test_every_character_is_utf8),
		cmocka_unit_test(test_nothing_else_is_utf8),
		cmocka_unit_test(test_four_bytes),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
