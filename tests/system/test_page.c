/* The status page in a real browser: what it shows, what hostile texts do to it, and what it does without Dray. */
#include "stage.h"

#include <signal.h>
#include <stdio.h>

static int port;

static struct stage begin(const char *name)
{
	struct stage s = stage_set("sqlite", name, NULL, true);

	port = stage_run_http(&s, "127.0.0.1", "");
	browser_open(text("http://127.0.0.1:%d/", port));
	return s;
}

static char *shown(const char *pipeline, const char *field)
{
	return browser_text(
		text("const e = document.querySelector('[data-pipeline=\"%s\"] [data-field=%s]');"
		     "return e ? e.textContent : ''",
			pipeline, field));
}

static int64_t value(const char *pipeline, const char *field)
{
	return browser_number(
		text("const e = document.querySelector('[data-pipeline=\"%s\"] [data-field=%s]');"
		     "return e && e.dataset.value !== '' ? Number(e.dataset.value) : -1",
			pipeline, field));
}

static int64_t told(const json_t *all, size_t i, const char *field)
{
	const json_t *item = json_array_get(json_object_get(all, "pipelines"), i);
	const json_t *number = json_object_get(item, field);

	return json_is_integer(number) ? json_integer_value(number) : -1;
}

/* As dray status --json, once both have read the same. */
static bool is_as_told(const struct stage *s)
{
	json_t *all = json_loads(dray_expect(0, "status", "-c", s->config, "--json").out, 0, NULL);
	bool same = value("relay/out", "backlog") == told(all, 0, "pending") &&
		value("relay/out", "dead") == told(all, 0, "dead") &&
		value("sink/in", "backlog") == told(all, 1, "backlog") &&
		value("sink/in", "dead") == told(all, 1, "dead") &&
		(value("relay/out", "oldest") >= 0) == (told(all, 0, "oldest_ms") >= 0);

	json_decref(all);
	return same;
}

static void test_what_is_shown(void **state)
{
	struct stage s = begin("shown");

	(void)state;
	WAIT_UNTIL(20000, strcmp(shown("relay/out", "state"), "running") == 0);
	stage_emit(&s, 1, 40, 7);
	stage_exact(&s);
	testdb_emit(s.outbox, "nobody.listens", NULL, NULL, "x");
	testdb_exec(s.outbox,
		"INSERT INTO dray_outbox (subject, payload, state) VALUES ('a', 'x', 'dead'), ('b', 'x', 'dead')");
	WAIT_UNTIL(30000, value("relay/out", "backlog") == 1 && value("relay/out", "dead") == 2);
	WAIT_UNTIL(30000, is_as_told(&s));
	assert_string_equal(shown("sink/in", "state"), "running");
	assert_contains(browser_text("return document.getElementById('summary').textContent"),
		"2 of 2 running · backlog 1 · dead 2");
	assert_contains(shown("relay/out", "error"), "no stream listens to subject");
	WAIT_UNTIL(30000,
		browser_number("return [...document.querySelectorAll('svg .curve')].every("
			       "p => p.getAttribute('d').length > 5)") == 1);
	browser_picture("shown");
	stage_end(&s);
}

/* Nothing of a row runs, and nothing is asked of another host. */
static void test_hostile_texts(void **state)
{
	struct stage s = begin("hostile");

	(void)state;
	testdb_exec(s.outbox,
		"INSERT INTO dray_outbox (subject, payload) VALUES ('nobody.%s', '%s')",
		"<script>document.title=1</script>", "x");
	testdb_exec(s.outbox, "INSERT INTO dray_outbox (subject, payload) VALUES ('%s', 'x')",
		"nobody.</p><img/src=x/onerror=document.title=1>");
	WAIT_UNTIL(30000,
		occurrences(shown("relay/out", "error"), "onerror") == 1 ||
			occurrences(shown("relay/out", "error"), "<script>") == 1);
	assert_int_equal(browser_number("return document.querySelectorAll('main script, main img,"
					" main iframe').length"),
		0);
	assert_contains(browser_text("return document.title"), " – Dray");
	assert_int_equal(browser_number("return performance.getEntriesByType('resource').filter("
					"e => !e.name.startsWith(location.origin + '/')).length"),
		0);
	assert_true(browser_number("return performance.getEntriesByType('resource').length") >= 2);
	/* what would run or be fetched all the same is stopped by the policy */
	browser_text("const s = document.createElement('script'); s.textContent = "
		     "'document.title=1'; document.body.append(s); return ''");
	assert_contains(browser_text("return document.title"), " – Dray");
	stage_end(&s);
}

static void test_by_phone_and_by_screen_reader(void **state)
{
	struct stage s = begin("phone");

	(void)state;
	WAIT_UNTIL(20000, strcmp(shown("relay/out", "state"), "running") == 0);
	browser_resize(
		500, 900); /* Chromium makes no narrower window; the page is narrowed below */
	browser_text("document.documentElement.style.width = '320px'; return ''");
	assert_true(browser_number("return document.body.scrollWidth") <= 320);
	browser_picture("phone");
	browser_resize(1300, 900);
	assert_int_equal(
		browser_number(
			"return [...document.querySelectorAll('article')].filter(a => "
			"document.getElementById(a.getAttribute('aria-labelledby'))).length"),
		2);
	assert_contains(
		browser_text("return document.querySelector('svg').getAttribute('aria-label')"),
		"Events a second over the last");
	assert_int_equal(browser_number("return document.querySelectorAll('main').length"), 1);
	assert_int_equal(browser_number("return document.querySelectorAll('h1').length"), 1);
	stage_end(&s);
}

static void test_dray_is_gone(void **state)
{
	struct stage s = begin("gone");
	static const char gone[] = "return !document.getElementById('gone').hidden";

	(void)state;
	WAIT_UNTIL(20000, strcmp(shown("relay/out", "state"), "running") == 0);
	assert_int_equal(browser_number(gone), 0);
	proc_kill(s.daemon);
	WAIT_UNTIL(20000, browser_number(gone) == 1);
	assert_contains(browser_text("return document.getElementById('gone').textContent"),
		"Dray does not answer. What stands here is of");
	browser_picture("gone");
	stage_run(&s, NULL);
	WAIT_UNTIL(30000, browser_number(gone) == 0);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_shown),
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_by_phone_and_by_screen_reader),
		cmocka_unit_test(test_dray_is_gone),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("page", tests, stage_start_browser, stage_end_browser);
}
