/* What may be changed over HTTP: by whom, from where, and that it does what the commands do. */
#include "api.h"
#include "stage.h"

#include <stdio.h>

#define TOKEN "Fr0m-the-vault_17.~+/="
#define JSON  "Content-Type: application/json\r\n"
#define BY    "Authorization: Bearer " TOKEN "\r\n"

static int port;

static struct stage begin(const char *kind, const char *name, const char *host, const char *token)
{
	struct stage s = stage_set(kind, name, NULL, true);

	port = stage_run_http(&s, host, token);
	return s;
}

static struct stage begin_locked(const char *kind, const char *name)
{
	return begin(kind, name, "127.0.0.1", ", token: \"" TOKEN "\"");
}

/* Dead rows that the stream would take; gives the id of the first. */
static int64_t add_dead(struct stage *s, int count)
{
	const char *table = testdb_table(s->outbox, "outbox");

	for (int i = 0; i < count; i++)
		testdb_exec(s->outbox,
			"INSERT INTO %s (subject, key, payload, state, attempts, last_error) VALUES "
			"('%s.again', 'k', '{\"n\":%d}', 'dead', 20, 'No stream for it, %d')",
			table, s->name, i, i);
	return testdb_int(s->outbox, "SELECT max(id) FROM %s", table) - count + 1;
}

static const char *state_of(struct stage *s, int64_t id)
{
	return testdb_text(s->outbox, "SELECT state FROM %s WHERE id = %lld",
		testdb_table(s->outbox, "outbox"), (long long)id);
}

static char *ids(const char *list)
{
	return text("{\"kind\":\"relay\",\"pipeline\":\"out\",\"ids\":[%s]}", list);
}

static json_t *post(const char *path, const char *body, int status)
{
	struct http_answer answer = http_request(port, "POST", path, JSON BY, body);
	json_t *value = json_loads(answer.body, 0, NULL);

	if (answer.status != status || !value)
		give_up("POST %s gave %d, not %d: %s", path, answer.status, status, answer.body);
	api_fits(port, status == 200 ? path : "error", value);
	return value;
}

static json_t *get(const char *path, const char *query)
{
	struct http_answer answer = http_request(port, "GET", text("%s?%s", path, query), BY, NULL);
	json_t *value = json_loads(answer.body, 0, NULL);

	if (answer.status != 200 || !value)
		give_up("GET %s?%s gave %d: %s", path, query, answer.status, answer.body);
	api_fits(port, path, value);
	return value;
}

static const char *result_at(const json_t *value, size_t i, const char *member)
{
	const json_t *list = json_object_get(value, "results");
	const char *found = json_string_value(json_object_get(json_array_get(list, i), member));

	return found ? found : "";
}

/* --- who may --- */

static int with(const char *lines, const char *body)
{
	return http_request(port, "POST", "/api/v1/dead/retry", lines, body).status;
}

#define LIST "/api/v1/dead/list?kind=relay&pipeline=out"

static void refused_without_the_token(int64_t id)
{
	static const char *const wrong[] = { "", "Authorization: Bearer\r\n",
		"Authorization: Bearer " TOKEN "x\r\n", "Authorization: Basic " TOKEN "\r\n",
		"Authorization: Bearer Fr0m-the-vault_17.~+/\r\n", "Cookie: token=" TOKEN "\r\n" };
	char *body = ids(text("\"%lld\"", (long long)id));

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(with(text(JSON "%s", wrong[i]), body), 401);
		assert_int_equal(http_request(port, "GET", LIST, wrong[i], NULL).status, 401);
	}
	assert_int_equal(http_request(port, "GET", LIST "&token=" TOKEN, NULL, NULL).status, 401);
	assert_contains(
		http_request(port, "GET", LIST, NULL, NULL).head, "WWW-Authenticate: Bearer");
	assert_int_equal(http_request(port, "GET", LIST, BY, NULL).status, 200);
}

static void refused_to_other_sites(int64_t id)
{
	char *body = ids(text("\"%lld\"", (long long)id));

	assert_int_equal(with(JSON BY "Origin: http://evil.example\r\n", body), 403);
	assert_int_equal(with(JSON BY "Origin: null\r\n", body), 403);
	assert_int_equal(with(JSON BY "Sec-Fetch-Site: cross-site\r\n", body), 403);
	assert_int_equal(with(JSON BY "Sec-Fetch-Site: same-site\r\n", body), 403);
	assert_int_equal(with(JSON BY "Host: evil.example\r\n", body), 403);
	assert_int_equal(with(BY "Content-Type: text/plain\r\n", body), 415);
	assert_int_equal(with(BY, body), 415);
	assert_int_equal(
		http_request(port, "GET", LIST, BY "Origin: http://evil.example\r\n", NULL).status,
		403);
	struct http_answer before = http_request(port, "OPTIONS", "/api/v1/dead/retry",
		"Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n", NULL);
	assert_int_equal(before.status, 405);
	assert_lacks(before.head, "Access-Control");
}

static void refused_for_its_form(void)
{
	assert_int_equal(with(JSON BY, ids("\"1\",\"1\"")), 400);
	assert_int_equal(with(JSON BY, "{"), 400);
	assert_int_equal(with(JSON BY, ""), 400);
	assert_int_equal(with(JSON BY, "{\"kind\":\"relay\",\"kind\":\"sink\"}"), 400);
	assert_int_equal(with(JSON BY "Transfer-Encoding: chunked\r\n", NULL), 411);
	assert_int_equal(with(JSON BY, text("%70000d", 1)), 413);
	assert_int_equal(
		http_request(port, "GET", "/api/v1/dead/retry", JSON BY, NULL).status, 405);
	assert_int_equal(
		http_request(port, "POST", "/api/v1/dead/list", JSON BY, "{}").status, 405);
	assert_int_equal(http_request(port, "POST", "/api/v1/dead/all", JSON BY, "{}").status, 405);
	json_decref(post("/api/v1/dead/retry",
		"{\"kind\":\"relay\",\"pipeline\":\"none\",\"ids\":[\"1\"]}", 400));
	assert_int_equal(http_request(port, "GET",
				 "/api/v1/dead/show?kind=relay&pipeline=out&id=999", BY, NULL)
				 .status,
		404);
	assert_int_equal(http_request(port, "GET", LIST "&key=%ff", BY, NULL).status, 400);
}

static void test_who_may(void **state)
{
	struct stage s = begin_locked(*state, "who");
	int64_t id = add_dead(&s, 1);

	refused_without_the_token(id);
	refused_to_other_sites(id);
	refused_for_its_form();
	assert_string_equal(state_of(&s, id), "dead");
	assert_contains(http_get(port, "/api/v1/status", 200),
		"\"access\":{\"events\":\"token\",\"change\":\"token\"}");
	assert_int_equal(http_request(port, "GET", "/metrics", NULL, NULL).status, 200);
	stage_says(&s, "warning", "HTTP: a request with a wrong token from http@127.0.0.1");
	assert_in_range(occurrences(proc_log(s.daemon), "wrong token"), 1, 4); /* of ten */
	char *all = text("%s%s%s%s%s", proc_log(s.daemon), http_get(port, "/", 200),
		http_get(port, "/api/v1/status", 200), http_get(port, "/metrics", 200),
		dray("check", "-v", "-c", s.config).out);
	assert_contains(all, "token: \"(set)\"");
	assert_lacks(all, TOKEN);
	stage_end(&s);
}

/* Without a token nothing changes, and what events hold is told on loopback alone. */
static void test_no_token(void **state)
{
	struct stage s = begin(*state, "closed", "127.0.0.1", "");
	int64_t id = add_dead(&s, 1);
	char *body = ids(text("\"%lld\"", (long long)id));

	assert_int_equal(with(JSON, body), 403);
	assert_int_equal(with(JSON BY, body), 403);
	assert_int_equal(with(JSON "Authorization: Bearer \r\n", body), 403);
	assert_int_equal(http_request(port, "GET", LIST, NULL, NULL).status, 200);
	assert_lacks(dray("check", "-c", s.config).out, "http.listen");
	stage_stop(&s);
	file_write(s.config,
		text("http: { listen: \"0.0.0.0:%d\" }\n%s", port,
			strchr(file_read(s.config), '\n') + 1));
	stage_run(&s, NULL);
	WAIT_UNTIL(20000, http_request(port, "GET", "/readyz", NULL, NULL).status == 200);
	assert_int_equal(http_request(port, "GET", LIST, NULL, NULL).status, 403);
	assert_int_equal(with(JSON, body), 403);
	assert_contains(dray("check", "-c", s.config).out,
		text("http.listen: other machines reach 0.0.0.0:%d and there is no http.token",
			port));
	assert_string_equal(state_of(&s, id), "dead");
	stage_end(&s);
}

/* --- what it does --- */

static void check_retry(struct stage *s, int64_t id)
{
	json_t *value =
		post("/api/v1/dead/retry", ids(text("\"%lld\",\"999999\"", (long long)id)), 200);

	assert_string_equal(result_at(value, 0, "result"), "pending");
	assert_string_equal(result_at(value, 0, "place"), "next");
	assert_string_equal(result_at(value, 1, "result"), "gone");
	assert_int_equal(json_integer_value(json_object_get(value, "done")), 1);
	WAIT_UNTIL(20000, strcmp(state_of(s, id), "delivered") == 0);
	assert_int_equal(jetstream_count(s->js, s->stream), 1);
	json_decref(value);
}

static void check_discard(struct stage *s, int64_t id)
{
	const char *trail = testdb_table(s->outbox, "discarded");
	json_t *value = post("/api/v1/dead/discard",
		text("{\"kind\":\"relay\",\"pipeline\":\"out\",\"ids\":[\"%lld\"],\"reason\":\"it's <b>old\"}",
			(long long)id),
		200);

	assert_string_equal(result_at(value, 0, "result"), "discarded");
	assert_string_equal(state_of(s, id), "");
	assert_string_equal(testdb_text(s->outbox, "SELECT reason FROM %s", trail), "it's <b>old");
	assert_string_equal(
		testdb_text(s->outbox, "SELECT discarded_by FROM %s", trail), "http@127.0.0.1");
	stage_says(s, "info", "out: http@127.0.0.1 discarded 1 of 1");
	json_decref(value);
}

static bool are_paused(size_t count)
{
	struct http_answer ready = http_request(port, "GET", "/readyz", NULL, NULL);

	return ready.status == 200 && occurrences(ready.body, "\"paused\"") == count;
}

static void check_pause(struct stage *s)
{
	static const char out[] = "{\"kind\":\"relay\",\"pipeline\":\"out\"}";

	json_decref(post("/api/v1/pause", out, 200));
	WAIT_UNTIL(20000,
		occurrences(dray_expect(0, "status", "-c", s->config, "--json").out,
			"\"paused_by\":\"http@127.0.0.1\"") == 1);
	WAIT_UNTIL(20000, are_paused(1));
	json_decref(post("/api/v1/resume", out, 200));
	WAIT_UNTIL(20000, are_paused(0));
}

static void put_aside(struct stage *s)
{
	testdb_exec(s->archive,
		"INSERT INTO %s (sink, stream, epoch, seq, subject, headers, payload, error) VALUES "
		"('in', '%s', 0, 700, '%s.x', NULL, %s, 'it was refused')",
		testdb_table(s->archive, "sink_dead"), s->stream, s->name,
		testdb_pick(s->archive, "x'00ff41'", "'\\x00ff41'"));
}

static void check_event(struct stage *s)
{
	char *id = text("%s/0/700", s->stream);

	put_aside(s);
	json_t *shown = get("/api/v1/dead/show", text("kind=sink&pipeline=in&id=%s", id));
	assert_string_equal(json_string_value(json_object_get(shown, "payload_base64")), "AP9B");
	json_t *value = post("/api/v1/dead/retry",
		text("{\"kind\":\"sink\",\"pipeline\":\"in\",\"ids\":[\"%s\"]}", id), 200);
	assert_string_equal(result_at(value, 0, "result"), "stored");
	assert_int_equal(testdb_int(s->archive, "SELECT count(*) FROM %s WHERE seq = 700",
				 testdb_table(s->archive, "events")),
		1);
	json_decref(shown);
	json_decref(value);
}

/* --- looking --- */

static const char *next_of(const json_t *page)
{
	return json_string_value(json_object_get(page, "next"));
}

static size_t items_of(const json_t *page)
{
	return json_array_size(json_object_get(page, "items"));
}

static void check_pages(int64_t first, int count)
{
	char *after = "";
	int64_t expected = first;

	for (;;) {
		json_t *page = get("/api/v1/dead/list",
			text("kind=relay&pipeline=out&limit=7%s%s", *after ? "&after=" : "",
				after));
		json_t *item;
		size_t i;
		json_array_foreach(json_object_get(page, "items"), i, item) assert_int_equal(
			atoll(json_string_value(json_object_get(item, "id"))), expected++);
		after = next_of(page) ? text("%s", next_of(page)) : "";
		json_decref(page);
		if (!*after)
			break;
	}
	assert_int_equal(expected, first + count);
}

static void check_filter(void)
{
	json_t *page = get("/api/v1/dead/list", "kind=relay&pipeline=out&error=IT,%202&limit=2");

	assert_int_equal(items_of(page), 2); /* 2 and 20 */
	assert_non_null(next_of(page));
	json_t *rest = get("/api/v1/dead/list",
		text("kind=relay&pipeline=out&error=IT,%%202&limit=2&after=%s", next_of(page)));
	assert_int_equal(items_of(rest), 0);
	assert_null(next_of(rest));
	json_decref(page);
	json_decref(rest);
	page = get("/api/v1/dead/list", "kind=relay&pipeline=out&subject=nothing.>");
	assert_int_equal(items_of(page), 0);
	json_decref(page);
}

/* 100,000 two-byte characters behind one byte: 64 KiB end within one. */
static void check_large(struct stage *s)
{
	const char *table = testdb_table(s->outbox, "outbox");

	testdb_exec(s->outbox,
		"INSERT INTO %s (subject, payload, headers, state) VALUES ('large', %s, '%s', 'dead')",
		table,
		testdb_pick(s->outbox,
			"CAST('a' || replace(hex(zeroblob(50000)), '0', '\u00e9') AS BLOB)",
			"convert_to('a' || repeat('\u00e9', 100000), 'UTF8')"),
		text("{\"H\":\"%070000d\"}", 0));
	json_t *shown = get("/api/v1/dead/show",
		text("kind=relay&pipeline=out&id=%lld",
			(long long)testdb_int(s->outbox, "SELECT max(id) FROM %s", table)));
	assert_int_equal(strlen(json_string_value(json_object_get(shown, "payload"))), 65535);
	assert_true(json_is_true(json_object_get(shown, "payload_cut")));
	assert_true(json_is_true(json_object_get(shown, "headers_cut")));
	assert_int_equal(json_integer_value(json_object_get(shown, "bytes")), 200001);
	json_decref(shown);
}

static void check_looks(struct stage *s, int64_t first)
{
	json_t *shown =
		get("/api/v1/dead/show", text("kind=relay&pipeline=out&id=%lld", (long long)first));

	assert_string_equal(json_string_value(json_object_get(shown, "payload")), "{\"n\":0}");
	assert_true(json_is_false(json_object_get(shown, "payload_cut")));
	json_decref(shown);
	check_pages(first, 21);
	check_filter();
	check_large(s);
}

static void test_it_does_what_the_commands_do(void **state)
{
	struct stage s = begin_locked(*state, "does");
	int64_t first = add_dead(&s, 21);

	check_looks(&s, first);
	check_retry(&s, first);
	check_discard(&s, first + 1);
	check_event(&s);
	check_pause(&s);
	stage_end(&s);
}

/* While the desk is at work the rest is answered, and the daemon ends all the same. */
static void test_work_that_takes_long(void **state)
{
	struct stage s = begin_locked(*state, "long");

	stage_stop(&s);
	stage_run(&s, "http.work=sleep:200");
	WAIT_UNTIL(20000, http_request(port, "GET", "/readyz", NULL, NULL).status == 200);
	int asked[8];
	for (int i = 0; i < 8; i++)
		asked[i] = http_send(port, "GET", LIST, BY);
	assert_string_equal(http_get(port, "/healthz", 200), "ok\n");
	stage_stop(&s);
	for (int i = 0; i < 8; i++)
		http_receive(asked[i]); /* an answer or none, but an end */
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_who_may, "sqlite"),
		FOR_ONE(test_no_token, "sqlite"),
		FOR_BOTH(test_it_does_what_the_commands_do),
		FOR_ONE(test_work_that_takes_long, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("http_dead", tests, fixture_start, NULL);
}
