/* The dead on the status page, in a real browser: looked at, put back, discarded; hostile ones; without a token. */
#include "stage.h"

#include <stdio.h>

#define TOKEN "Fr0m-the-vault_17"

static int port;

static struct stage begin(const char *name, const char *token)
{
	struct stage s = stage_set("sqlite", name, NULL, true);

	port = stage_run_http(&s, "127.0.0.1", token);
	return s;
}

static void add_dead(struct stage *s, const char *payload_sql)
{
	testdb_exec(s->outbox,
		"INSERT INTO dray_outbox (subject, key, payload, headers, state, attempts, last_error) "
		"VALUES ('%s.again', 'k', %s, '{\"Trace\":\"t-1\"}', 'dead', 20, 'nobody was there')",
		s->name, payload_sql);
}

/* --- what a person does --- */

static bool is_true(const char *expression)
{
	return browser_number(text("return !!(%s)", expression)) == 1;
}

static void click(const char *selector)
{
	if (browser_number(text("const e = document.querySelector('%s');"
				"if (e) e.click(); return !!e",
		    selector)) != 1)
		give_up("the page has no %s", selector);
}

static char *text_of(const char *selector)
{
	return browser_text(text("const e = document.querySelector('%s');"
				 "return e ? e.textContent : ''",
		selector));
}

static int64_t count_of(const char *selector)
{
	return browser_number(text("return document.querySelectorAll('%s').length", selector));
}

#define LOOK "[data-pipeline=\"relay/out\"] [data-action=dead]"

static void open_page(void)
{
	browser_open(text("http://127.0.0.1:%d/", port));
	WAIT_UNTIL(30000,
		is_true("document.querySelector('" LOOK "') && "
			"!document.querySelector('" LOOK "').hidden"));
}

static void open_dead(void)
{
	open_page();
	click(LOOK);
}

/* It is asked for once; a wrong one is asked for again. */
static void give_the_token(void)
{
	WAIT_UNTIL(20000, is_true("document.getElementById('token').open"));
	browser_type("wrong-but-long-enough\n");
	WAIT_UNTIL(20000, is_true("document.getElementById('token').open"));
	WAIT_UNTIL(20000, occurrences(text_of("#token [role=alert]"), "not the token") == 1);
	browser_type(TOKEN "\n");
	WAIT_UNTIL(20000, count_of("#dead li") > 0);
}

static void forget_the_token(void)
{
	browser_text("sessionStorage.clear(); return ''");
}

/* A retry click really delivers the row; a discard wants a reason, and leaves a trail. */
static void test_what_a_person_does(void **state)
{
	struct stage s = begin("person", ", token: " TOKEN);

	(void)state;
	add_dead(&s, "'{\"n\":12345678901234567890}'");
	add_dead(&s, "x'00ff41'");
	open_dead();
	give_the_token();
	assert_int_equal(count_of("#dead li"), 2);
	click("#dead li .look");
	WAIT_UNTIL(20000, count_of("#dead pre") == 1);
	assert_string_equal(text_of("#dead pre"), "{\n  \"n\": 12345678901234567890\n}");
	assert_contains(text_of("#dead .headers"), "Tracet-1");
	click("#dead li + li .look");
	WAIT_UNTIL(20000, count_of("#dead pre") == 2);
	assert_contains(text_of("#dead li + li pre"), "000000  00 ff 41");
	assert_true(is_true("document.querySelector('[data-part=retry]').disabled"));
	click("#dead li input");
	click("[data-part=retry]");
	assert_contains(text_of("#question"), "Put 1 event back");
	assert_int_equal(testdb_in_state(s.outbox, "dead"), 2); /* not before it is confirmed */
	click("[data-part=yes]");
	WAIT_UNTIL(20000, testdb_in_state(s.outbox, "delivered") == 1);
	assert_int_equal(jetstream_count(s.js, s.stream), 1);
	WAIT_UNTIL(20000, count_of("#dead li") == 1);
	assert_contains(text_of("[data-part=said]"), "1 of 1 put back");
	click("#dead li input");
	click("[data-part=discard]");
	click("[data-part=yes]"); /* without a reason nothing happens */
	assert_int_equal(testdb_in_state(s.outbox, "dead"), 1);
	browser_type("it's <b>old\n");
	WAIT_UNTIL(20000, testdb_in_state(s.outbox, "dead") == 0);
	assert_string_equal(
		testdb_text(s.outbox, "SELECT reason FROM dray_discarded"), "it's <b>old");
	WAIT_UNTIL(20000, is_true("!document.querySelector('[data-part=none]').hidden"));
	WAIT_UNTIL(20000, is_true("document.querySelector('" LOOK "').hidden"));
	assert_false(is_true("document.documentElement.outerHTML.includes('" TOKEN "')"));
	assert_false(is_true("document.cookie || localStorage.length"));
	forget_the_token();
	stage_end(&s);
}

static void test_pausing(void **state)
{
	struct stage s = begin("pausing", ", token: " TOKEN);
	static const char pause[] = "[data-pipeline=\"sink/in\"] [data-action=pause]";

	(void)state;
	browser_open(text("http://127.0.0.1:%d/", port));
	WAIT_UNTIL(30000, strcmp(text_of(pause), "Pause") == 0);
	click(pause);
	assert_contains(text_of("#sure-question"), "Pause the sink in?");
	click("#sure button");
	WAIT_UNTIL(20000, is_true("document.getElementById('token').open"));
	browser_type(TOKEN "\n");
	WAIT_UNTIL(30000, strcmp(text_of(pause), "Resume") == 0);
	WAIT_UNTIL(30000,
		occurrences(text_of("[data-pipeline=\"sink/in\"] .note"), "paused by http@") == 1);
	assert_contains(text_of("#said"), "sink in: paused");
	click(pause);
	click("#sure button");
	WAIT_UNTIL(30000, strcmp(text_of(pause), "Pause") == 0);
	forget_the_token();
	stage_end(&s);
}

/* Nothing of an event runs, wherever it is shown; nothing is asked of another host; nothing turns the line around. */
static void test_hostile_events(void **state)
{
	struct stage s = begin("hostile", "");
	static const char bad[] =
		"<img src=x onerror=document.title=1><script>document.title=1</script>";

	(void)state;
	testdb_exec(s.outbox,
		"INSERT INTO dray_outbox (subject, key, payload, headers, state, last_error) VALUES "
		"('%s', '%s', '%s' || char(8238) || 'x', json_object('%s', '%s'), 'dead', '%s')",
		bad, bad, bad, bad, bad, bad);
	testdb_exec(s.outbox,
		"INSERT INTO dray_outbox (subject, payload, state) VALUES ('a', json_object('%s', '%s'), 'dead')",
		bad, bad);
	open_dead();
	WAIT_UNTIL(20000, count_of("#dead li") == 2);
	browser_text("document.querySelectorAll('#dead .look').forEach(e => e.click()); return ''");
	WAIT_UNTIL(20000, count_of("#dead pre") == 2);
	assert_int_equal(
		count_of("#dead img, #dead script, #dead iframe, main img, main script"), 0);
	assert_contains(text_of("#dead .look"), bad);
	assert_contains(text_of("#dead .headers"), bad);
	assert_contains(text_of("#dead pre"), text("%s\\u202ex", bad));
	assert_contains(browser_text("return document.title"), " – Dray");
	assert_int_equal(browser_number("return performance.getEntriesByType('resource').filter("
					"e => !e.name.startsWith(location.origin + '/')).length"),
		0);
	stage_end(&s);
}

/* Without a token the page is for looking alone. */
static void test_without_a_token(void **state)
{
	struct stage s = begin("looking", "");

	(void)state;
	add_dead(&s, "'x'");
	open_dead();
	WAIT_UNTIL(20000, count_of("#dead li") == 1);
	assert_int_equal(count_of("#dead li input"), 0);
	assert_true(is_true("document.querySelector('[data-part=tools]').hidden"));
	assert_false(is_true("document.querySelector('[data-part=readonly]').hidden"));
	assert_true(is_true(
		"[...document.querySelectorAll('[data-action=pause]')].every(e => e.hidden)"));
	stage_end(&s);
}

/* Everything has a name, the keyboard reaches it, and it fits a phone. */
static void test_keyboard_and_screen_reader(void **state)
{
	struct stage s = begin("keys", "");

	(void)state;
	add_dead(&s, text("'%0500d'", 7));
	open_page();
	browser_text("document.querySelector('" LOOK "').focus(); return ''");
	browser_type("\n");
	WAIT_UNTIL(20000, count_of("#dead li") == 1);
	assert_true(is_true("document.activeElement.id === 'dead-title'"));
	browser_type("\t\t\t\t\n"); /* Close, the filter, Search, the event */
	WAIT_UNTIL(20000, count_of("#dead pre") == 1);
	assert_string_equal(
		browser_text(
			"return document.querySelector('.look').getAttribute('aria-expanded')"),
		"true");
	assert_true(is_true(
		"[...document.querySelectorAll('button')].every("
		"e => e.hidden || e.textContent.trim() || e.ariaLabel || e.closest('[hidden], dialog:not([open])'))"));
	assert_true(is_true(
		"[...document.querySelectorAll('input')].every(e => e.labels.length || e.ariaLabel)"));
	assert_true(is_true("[...document.querySelectorAll('dialog')].every("
			    "e => document.getElementById(e.getAttribute('aria-labelledby')))"));
	browser_resize(500, 900);
	assert_true(is_true(
		"document.getElementById('dead').scrollWidth <= document.getElementById('dead').clientWidth"));
	browser_type(BROWSER_ESCAPE);
	WAIT_UNTIL(20000, !is_true("document.getElementById('dead').open"));
	assert_true(is_true("document.activeElement === document.querySelector('" LOOK "')"));
	browser_resize(1300, 900);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_person_does),
		cmocka_unit_test(test_pausing),
		cmocka_unit_test(test_hostile_events),
		cmocka_unit_test(test_without_a_token),
		cmocka_unit_test(test_keyboard_and_screen_reader),
	};

	only_named_tests();
	return cmocka_run_group_tests_name(
		"page_dead", tests, stage_start_browser, stage_end_browser);
}
