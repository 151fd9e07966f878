/* Who may do what over HTTP. */
#include "support/common.h"

#include "http/guard.h"

#define TOKEN "0123456789abcdef"

static const struct guard closed = { NULL, true }, abroad = { NULL, false },
			  locked = { TOKEN, true }, locked_abroad = { TOKEN, false };

static unsigned asked(const struct guard *guard, enum guard_right right, const char *authorization)
{
	const struct guard_request request = { .host = "127.0.0.1:80",
		.authorization = authorization };

	return guard_check(guard, right, &request).status;
}

static void rights_by_token_and_place(void **state)
{
	static const char right[] = "Bearer " TOKEN;

	(void)state;
	assert_int_equal(asked(&closed, GUARD_NUMBERS, NULL), 0);
	assert_int_equal(asked(&closed, GUARD_EVENTS, NULL), 0);
	assert_int_equal(asked(&closed, GUARD_CHANGE, NULL), 403);
	assert_int_equal(asked(&closed, GUARD_CHANGE, right), 403);
	assert_int_equal(asked(&closed, GUARD_CHANGE, "Bearer "), 403);
	assert_int_equal(asked(&abroad, GUARD_NUMBERS, NULL), 0);
	assert_int_equal(asked(&abroad, GUARD_EVENTS, right), 403);
	assert_int_equal(asked(&abroad, GUARD_CHANGE, right), 403);
	assert_int_equal(asked(&locked, GUARD_NUMBERS, NULL), 0);
	assert_int_equal(asked(&locked, GUARD_EVENTS, NULL), 401);
	assert_int_equal(asked(&locked, GUARD_EVENTS, right), 0);
	assert_int_equal(asked(&locked, GUARD_CHANGE, right), 0);
	assert_int_equal(asked(&locked_abroad, GUARD_EVENTS, NULL), 401);
	assert_int_equal(asked(&locked_abroad, GUARD_CHANGE, right), 0);
}

static void every_other_token_is_wrong(void **state)
{
	static const char *const wrong[] = { "", "Bearer", "Bearer ", TOKEN, ("Basic " TOKEN),
		"Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer 0123456789abcdef ",
		"Bearer  0123456789abcdef", "Bearer 0123456789ABCDEF", "Bearer fedcba9876543210" };
	char one[] = "Bearer " TOKEN;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (asked(&locked, GUARD_CHANGE, wrong[i]) != 401)
			give_up("%s passed", wrong[i]);
	for (size_t i = strlen("Bearer "); one[i]; i++) {
		one[i] ^= 1;
		assert_int_equal(asked(&locked, GUARD_CHANGE, one), 401);
		one[i] ^= 1;
	}
	assert_int_equal(asked(&locked, GUARD_CHANGE, one), 0);
	assert_int_equal(asked(&locked, GUARD_CHANGE, "bearer " TOKEN), 0); /* RFC 7235 */
}

static unsigned from(const char *host, const char *origin, const char *site)
{
	const struct guard_request request = {
		.host = host, .origin = origin, .fetch_site = site, .authorization = "Bearer " TOKEN
	};

	return guard_check(&locked_abroad, GUARD_CHANGE, &request).status;
}

static void other_sites_are_refused(void **state)
{
	(void)state;
	assert_int_equal(from("dray:8423", NULL, NULL), 0);
	assert_int_equal(from("dray:8423", "http://dray:8423", "same-origin"), 0);
	assert_int_equal(from("dray.example", "https://Dray.example", NULL), 0);
	assert_int_equal(from("dray:8423", "http://dray:8424", NULL), 403);
	assert_int_equal(from("dray:8423", "http://dray", NULL), 403);
	assert_int_equal(from("dray:8423", "http://evil.example", NULL), 403);
	assert_int_equal(from("dray:8423", "null", NULL), 403);
	assert_int_equal(from("dray:8423", "", NULL), 403);
	assert_int_equal(from(NULL, "http://dray:8423", NULL), 403);
	assert_int_equal(from("dray:8423", NULL, "cross-site"), 403);
	assert_int_equal(from("dray:8423", NULL, "same-site"), 403);
	assert_int_equal(from("dray:8423", NULL, "none"), 0);
}

static unsigned with_type(const char *type)
{
	const struct guard_request request = { .host = "localhost",
		.content_type = type,
		.has_content = true,
		.authorization = "Bearer " TOKEN };

	return guard_check(&locked, GUARD_CHANGE, &request).status;
}

/* What a form of another site can send without being asked about it first. */
static void a_body_is_json(void **state)
{
	(void)state;
	assert_int_equal(with_type("application/json"), 0);
	assert_int_equal(with_type("application/json; charset=utf-8"), 0);
	assert_int_equal(with_type(NULL), 415);
	assert_int_equal(with_type("text/plain"), 415);
	assert_int_equal(with_type("application/x-www-form-urlencoded"), 415);
	assert_int_equal(with_type("application/jsonp"), 415);
}

static unsigned of_host(const struct guard *guard, const char *host)
{
	const struct guard_request request = { .host = host };

	return guard_check(guard, GUARD_NUMBERS, &request).status;
}

static void on_loopback_the_host_is_named_so(void **state)
{
	static const char *const strangers[] = { "evil.example", "localhost.evil.example",
		"127.0.0.1.evil.example:80", "", "0.0.0.0", "[::2]" };

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		assert_int_equal(of_host(&closed, strangers[i]), 403);
		assert_int_equal(of_host(&abroad, strangers[i]), 0);
	}
	assert_int_equal(of_host(&closed, NULL), 403);
	assert_int_equal(of_host(&closed, "LocalHost:1"), 0);
	assert_int_equal(of_host(&closed, "[::1]:1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_by_token_and_place),
		cmocka_unit_test(every_other_token_is_wrong),
		cmocka_unit_test(other_sites_are_refused),
		cmocka_unit_test(a_body_is_json),
		cmocka_unit_test(on_loopback_the_host_is_named_so),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
