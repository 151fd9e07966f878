/* What the pull reader makes of what the server and foreign publishers send. */
#include "support/common.h"

#include "nats/message.h"
#include "nats/pull_status.h"

#define CRLF "\r\n"

static void test_an_ack_subject(void **state)
{
	struct message_origin origin;

	(void)state;
	assert_true(
		message_parse_origin("$JS.ACK.SHOP.con.1.42.7.1700000000123456789.99", &origin));
	assert_int_equal(origin.delivered, 1);
	assert_int_equal(origin.seq, 42);
	assert_int_equal(origin.consumer_seq, 7);
	assert_int_equal(origin.time_ns, INT64_C(1700000000123456789));
	assert_int_equal(origin.pending, 99);
}

static void test_an_ack_subject_with_domain(void **state)
{
	struct message_origin origin;

	(void)state;
	assert_true(message_parse_origin(
		"$JS.ACK._.ACCHASH.SHOP.con.2.18446744073709551615.7.1700000000000000000.0.rnd",
		&origin));
	assert_int_equal(origin.delivered, 2);
	assert_true(origin.seq == UINT64_MAX);
	assert_int_equal(origin.pending, 0);
	assert_true(message_parse_origin(
		"$JS.ACK.hub.ACCHASH.SHOP.con.1.5.6.1700000000000000000.3", &origin));
	assert_int_equal(origin.seq, 5);
	assert_int_equal(origin.pending, 3);
}

static void test_what_is_no_ack_subject(void **state)
{
	static const char *const subjects[] = { "", "_INBOX.x.1", "$JS.ACK.", "$JS.ACK.S.c.1.2.3.4",
		"$JS.ACK.S.c.1.2.3.4.5.6", "$JS.ACK.S.c.x.2.3.4.5", "$JS.ACK.S.c.1.-2.3.4.5",
		"$JS.ACK.S.c.1.18446744073709551616.3.4.5", "$JS.ACK.S.c.1..3.4.5",
		"$JS.ACK.S.c.1.2.3.9223372036854775808.5", "$JS.ACKS.S.c.1.2.3.4.5" };
	struct message_origin origin;

	(void)state;
	assert_false(message_parse_origin(NULL, &origin));
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		if (message_parse_origin(subjects[i], &origin))
			give_up("%s", subjects[i]);
}

/* Reads a block that was allocated to its size, so that a sanitizer sees a byte too many. */
static const char *read_exact(const char *block, size_t size, struct message_headers *headers)
{
	char *exact = malloc(size ? size : 1);

	memcpy(exact, block, size);
	message_read_headers((struct slice){ exact, size }, headers);
	keep(exact);
	return headers->json.size ? headers->json.data : NULL;
}

#define READ(text, headers) read_exact(text, sizeof(text) - 1, headers)

static void test_headers(void **state)
{
	struct message_headers headers = { 0 };

	(void)state;
	const char *json = READ("NATS/1.0" CRLF "Nats-Msg-Id: id 1" CRLF "Dray-Key:k" CRLF
				"B: 2" CRLF "A:  x\"\\y \t" CRLF "B:" CRLF CRLF,
		&headers);
	assert_null(headers.fault);
	assert_true(slice_is(headers.id, "id 1"));
	assert_true(slice_is(headers.key, "k"));
	assert_string_equal(json, "{\"A\":\"x\\\"\\\\y\",\"B\":[\"2\",\"\"]}");
	assert_null(READ("NATS/1.0" CRLF "Nats-Msg-Id: next" CRLF CRLF, &headers));
	assert_true(slice_is(headers.id, "next"));
	assert_null(headers.key.data);
	message_read_headers((struct slice){ 0 }, &headers);
	assert_null(headers.id.data);
	assert_null(headers.fault);
	message_headers_finish(&headers);
}

/* cnats before 3.11 takes the next line for the value, or gives up. */
static void test_empty_values(void **state)
{
	struct message_headers headers = { 0 };

	(void)state;
	assert_string_equal(
		READ("NATS/1.0" CRLF "X:" CRLF "Nats-Msg-Id: a" CRLF "Y:   " CRLF CRLF, &headers),
		"{\"X\":\"\",\"Y\":\"\"}");
	assert_null(headers.fault);
	assert_true(slice_is(headers.id, "a"));
	message_headers_finish(&headers);
}

static void test_a_second_id_is_kept(void **state)
{
	struct message_headers headers = { 0 };

	(void)state;
	assert_string_equal(
		READ("NATS/1.0" CRLF "Nats-Msg-Id: a" CRLF "Nats-Msg-Id: b" CRLF CRLF, &headers),
		"{\"Nats-Msg-Id\":\"b\"}");
	assert_true(slice_is(headers.id, "a"));
	message_headers_finish(&headers);
}

static void test_many_headers(void **state)
{
	struct message_headers headers = { 0 };
	struct buf block = { 0 };
	size_t count = 0;

	(void)state;
	buf_add_text(&block, "NATS/1.0" CRLF);
	for (int i = 0; i < 6000; i++)
		buf_format(&block, "K%d: v" CRLF, i % 2000);
	buf_add_text(&block, CRLF);
	const char *json = read_exact(block.data, block.size, &headers);
	for (const char *c = json; *c; c++)
		count += *c == '[';
	assert_int_equal(count, 2000);
	buf_finish(&block);
	message_headers_finish(&headers);
}

static void test_bad_headers(void **state)
{
	static const struct {
		const char *block, *fault, *json;
	} cases[] = {
		{ "N", "cannot be read", NULL },
		{ "GARBAGE" CRLF CRLF, "cannot be read", NULL },
		{ "NATS/1.0", "cannot be read", NULL },
		{ "NATS/1.0" CRLF, "do not end with an empty line", NULL },
		{ "NATS/1.0" CRLF "A: b" CRLF, "do not end with an empty line", "{\"A\":\"b\"}" },
		{ "NATS/1.0" CRLF "A: b" CRLF "c: d", "do not end with an empty line",
			"{\"A\":\"b\"}" },
		{ "NATS/1.0" CRLF "abc" CRLF CRLF, "has no colon", NULL },
		{ "NATS/1.0" CRLF ": abc" CRLF CRLF, "has no name", NULL },
		{ "NATS/1.0" CRLF "A: b" CRLF " more" CRLF CRLF, "begins with a space",
			"{\"A\":\"b\"}" },
		{ "NATS/1.0" CRLF CRLF "A: b" CRLF CRLF, "behind the end", NULL },
	};
	struct message_headers headers = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *json = read_exact(cases[i].block, strlen(cases[i].block), &headers);
		assert_non_null(headers.fault);
		assert_contains(headers.fault, cases[i].fault);
		assert_string_equal(json ? json : "", cases[i].json ? cases[i].json : "");
	}
	assert_string_equal(READ("NATS/1.0" CRLF "A: 1\0002\x01" CRLF CRLF, &headers),
		"{\"A\":\"1\\ufffd2\\u0001\"}");
	assert_contains(headers.fault, "NUL");
	message_headers_finish(&headers);
}

static struct pull_status status_of(const char *block)
{
	struct pull_status status;

	pull_status_read(slice_of(block), &status);
	return status;
}

static void test_heartbeats(void **state)
{
	struct pull_status status =
		status_of("NATS/1.0 100 Idle Heartbeat" CRLF "Nats-Last-Consumer: 12" CRLF
			  "Nats-Last-Stream: 30" CRLF CRLF);

	(void)state;
	assert_int_equal(status.signal, PULL_HEARTBEAT);
	assert_int_equal(status.last_consumer_seq, 12);
	assert_int_equal(status.left, -1);
	assert_int_equal(status_of("NATS/1.0 100 Idle Heartbeat" CRLF CRLF).last_consumer_seq, -1);
}

static void test_ends_of_requests(void **state)
{
	struct pull_status status =
		status_of("NATS/1.0 408 Request Timeout" CRLF "Nats-Pending-Messages: 17" CRLF
			  "Nats-Pending-Bytes: 0" CRLF CRLF);

	(void)state;
	assert_int_equal(status.signal, PULL_ENDED);
	assert_int_equal(status.left, 17);
	assert_int_equal(status_of("NATS/1.0 404 No Messages" CRLF CRLF).signal, PULL_ENDED);
	assert_int_equal(status_of("NATS/1.0 409 Batch Completed" CRLF CRLF).signal, PULL_ENDED);
	assert_int_equal(status_of("NATS/1.0 409 Message Size Exceeds MaxBytes" CRLF CRLF).signal,
		PULL_TOO_LARGE);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *block;
		enum pull_signal signal;
	} cases[] = {
		{ "NATS/1.0 409 Consumer Deleted" CRLF CRLF, PULL_GONE },
		{ "NATS/1.0 409 Leadership Change" CRLF CRLF, PULL_GONE },
		{ "NATS/1.0 503" CRLF CRLF, PULL_GONE },
		{ "NATS/1.0 409 Consumer is push based" CRLF CRLF, PULL_REFUSED },
		{ "NATS/1.0 409 Exceeded MaxRequestBatch of 100" CRLF CRLF, PULL_REFUSED },
		{ "NATS/1.0 409 Exceeded MaxWaiting" CRLF CRLF, PULL_AWAY },
		{ "NATS/1.0 409 Server Shutdown" CRLF CRLF, PULL_AWAY },
		{ "NATS/1.0 777 Novelty" CRLF CRLF, PULL_AWAY },
		{ "NATS/1.0" CRLF CRLF, PULL_AWAY },
		{ "rubbish", PULL_AWAY },
		{ "", PULL_AWAY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(status_of(cases[i].block).signal, cases[i].signal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_ack_subject),
		cmocka_unit_test(test_an_ack_subject_with_domain),
		cmocka_unit_test(test_what_is_no_ack_subject),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_empty_values),
		cmocka_unit_test(test_a_second_id_is_kept),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_heartbeats),
		cmocka_unit_test(test_ends_of_requests),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("pull", tests, NULL, NULL);
}
