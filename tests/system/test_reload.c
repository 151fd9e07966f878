/*
 * SIGHUP: the config is read again and everything begins anew by it; what is no good is not taken. Nothing is
 * lost or twice, whatever is on its way meanwhile.
 */
#include "load.h"
#include "stage.h"

#include <signal.h>

#define TAKEN	  "every pipeline has finished; begins again"
#define NOT_TAKEN "is not taken; everything goes on as before"
#define READS	  "SIGHUP: reads "

static size_t said(struct proc *daemon, const char *what)
{
	return occurrences(proc_log(daemon), what);
}

static void reload(struct proc *daemon, const char *outcome)
{
	size_t before = said(daemon, outcome);

	proc_signal(daemon, SIGHUP);
	WAIT_UNTIL(40000, said(daemon, outcome) == before + 1);
}

/* With further lines at its head. */
static void rewrite(struct stage *s, const char *head)
{
	stage_configure(s, true);
	file_write(s->config, text("%s%s", head, file_read(s->config)));
}

/* Each time with other settings, while an application writes; what was there before is what stands for it. */
static void test_under_load(void **state)
{
	struct load load;

	load_start(&load, &(struct load_setup){ .kind = *state, .name = "reloaded" });
	char *config = file_read(load.config);
	for (int i = 1; i <= 4; i++) {
		file_write(load.config,
			text("log: { level: %s }\nshutdown_timeout: %ds\n%s",
				i % 2 ? "debug" : "info", 10 + i, config));
		reload(load.daemon, TAKEN);
		if (i > 2) /* the next one comes while it still begins */
			load_wait_moving(&load, 30000);
	}
	assert_int_equal(said(load.daemon, "shutdown_timeout is over"), 0);
	assert_int_equal(lines_with(proc_log(load.daemon), 0, " error ", ""), 0);
	load_end(&load);
}

/* Every problem with its line; then nothing at all that could be run; the pipelines notice nothing. */
static void test_bad_config(void **state)
{
	struct stage s = stage_set(*state, "bad_config", NULL, true);

	stage_run(&s, NULL);
	stage_emit(&s, 1, 10, 2);
	stage_exact(&s);
	rewrite(&s, "shutdown_timeout: soon\n\nlgo: { level: debug }\n");
	reload(s.daemon, NOT_TAKEN);
	stage_says(&s, "error", text("%s:1: ", s.config));
	stage_says(&s, "error", text("%s:3: ", s.config));
	file_write(s.config, "log: { level: debug }\n");
	reload(s.daemon, NOT_TAKEN);
	stage_says(&s, "error", "has no relay and no sink");
	command_run(&(struct launch){ .argv = (const char *[]){ "rm", s.config, NULL } }, 5000);
	reload(s.daemon, NOT_TAKEN);
	stage_emit(&s, 11, 20, 2);
	stage_exact(&s);
	assert_int_equal(said(s.daemon, TAKEN), 0);
	rewrite(&s, "");
	reload(s.daemon, TAKEN);
	stage_emit(&s, 21, 30, 2);
	stage_exact(&s);
	stage_end(&s);
}

static bool is_at(int port)
{
	return http_request(port, "GET", "/readyz", NULL, NULL).status == 200;
}

/* Pipelines come and go, HTTP moves, the log changes its form. */
static void test_what_changes(void **state)
{
	struct stage s = stage_set(*state, "changes", NULL, true);
	int one = free_port(), other = free_port();

	rewrite(&s, text("http: { listen: \"127.0.0.1:%d\" }\nlog: { level: error }\n", one));
	stage_run(&s, NULL);
	WAIT_UNTIL(20000, is_at(one));
	assert_string_equal(proc_log(s.daemon), "");
	rewrite(&s, text("http: { listen: \"127.0.0.1:%d\" }\nlog: { format: json }\n", other));
	proc_signal(s.daemon, SIGHUP);
	WAIT_UNTIL(20000, is_at(other));
	assert_int_equal(http_request(one, "GET", "/readyz", NULL, NULL).status, 0);
	assert_contains(proc_log(s.daemon), "\"message\":\"dray ");
	assert_int_equal(proc_log(s.daemon)[0], '{');
	stage_emit(&s, 1, 10, 2);
	stage_exact(&s);
	file_write(s.config,
		text("nats: { url: \"%s\" }\nrelays: [ { name: other, database: \"%s\", stream: "
		     "%s } ]\n",
			nats.url, s.from, s.name));
	proc_signal(s.daemon, SIGHUP);
	WAIT_UNTIL(20000, said(s.daemon, "1 relay, 0 sinks") == 1);
	assert_int_equal(http_request(other, "GET", "/readyz", NULL, NULL).status, 0);
	stage_emit(&s, 11, 20, 2);
	stage_delivered(&s);
	assert_int_equal(stage_archived(&s), 10);
	rewrite(&s, "");
	reload(s.daemon, TAKEN);
	stage_exact(&s);
	stage_end(&s);
}

/* What cannot finish is waited for; what is read in the meantime counts, and so does a signal to end. */
static void test_database_frozen(void **state)
{
	struct stage s = stage_set(*state, "frozen", NULL, true);

	rewrite(&s, "shutdown_timeout: 1s\n");
	stage_run(&s, NULL);
	stage_emit(&s, 1, 10, 2);
	stage_exact(&s);
	pg_server_pause(&pg);
	reload(s.daemon, "still at work; the reload waits for them");
	rewrite(&s, "shutdown_timeout: 30s\nlog: { level: debug }\n");
	reload(s.daemon, READS);
	pg_server_resume(&pg);
	WAIT_UNTIL(40000, said(s.daemon, TAKEN) == 1);
	stage_emit(&s, 11, 20, 2);
	stage_exact(&s);
	pg_server_pause(&pg);
	reload(s.daemon, READS);
	proc_signal(s.daemon, SIGTERM);
	WAIT_UNTIL(20000, said(s.daemon, "SIGTERM: finishing") == 1);
	nap(400); /* a signal that comes as soon as this is taken for the same one */
	assert_true(proc_running(s.daemon));
	int64_t began = now_ms();
	proc_signal(s.daemon, SIGTERM);
	assert_int_equal(proc_wait(s.daemon, 20000), 1);
	assert_true(now_ms() - began < patience(5000));
	assert_int_equal(said(s.daemon, "a second signal: ending at once"), 1);
	pg_server_resume(&pg);
	rewrite(&s, "shutdown_timeout: 1s\n");
	stage_run(&s, NULL);
	stage_emit(&s, 21, 30, 2);
	stage_exact(&s);
	pg_server_pause(&pg);
	began = now_ms();
	proc_signal(s.daemon, SIGTERM);
	assert_int_equal(proc_wait(s.daemon, 30000), 1);
	assert_in_range(now_ms() - began, 900, patience(5000));
	assert_int_equal(said(s.daemon, "still at work; ending"), 1);
	pg_server_resume(&pg);
	stage_end(&s);
}

/* Its set-up had stopped it, and is in order now. */
static void test_another_chance(void **state)
{
	struct stage s = stage_set(*state, "chance", NULL, true);
	char *config = file_read(s.config), *batch = strstr(config, "batch: 20");

	*batch = '\0';
	file_write(s.config, text("%sstart: \"seq:5\", %s", config, "batch: 20 } ]\n"));
	stage_run(&s, NULL);
	WAIT_UNTIL(20000, said(s.daemon, "in: stopped: start: seq:5 lies beyond the end") == 1);
	stage_emit(&s, 1, 10, 2);
	stage_delivered(&s);
	reload(s.daemon, TAKEN);
	stage_archives(&s, 6);
	stage_end(&s);
}

/* Without a file there is nothing to read again: whoever hangs up ends it. */
static void test_no_config(void **state)
{
	char *database = fixture_database("sqlite", "no_config");
	struct proc *daemon = dray_start("no_config", NULL, "relay", database, "--nats", nats.url);

	(void)state;
	WAIT_UNTIL(20000, said(daemon, "1 relay, 0 sinks") == 1);
	proc_signal(daemon, SIGHUP);
	assert_int_equal(proc_wait(daemon, 20000), 0);
	assert_int_equal(said(daemon, "SIGHUP: finishing what is on the way"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_under_load, "sqlite"),
		FOR_ONE(test_bad_config, "sqlite"),
		FOR_ONE(test_what_changes, "sqlite"),
		FOR_ONE(test_another_chance, "sqlite"),
		cmocka_unit_test(test_no_config),
	};
	const struct CMUnitTest more[] = {
		FOR_ONE(test_under_load, "postgres"),
		FOR_ONE(test_what_changes, "postgres"),
		FOR_ONE(test_database_frozen, "postgres"),
	};

	only_named_tests();
	int failed = cmocka_run_group_tests_name("reload", tests, fixture_start, NULL);
	if (long_run())
		failed += cmocka_run_group_tests_name("reload, more", more, NULL, NULL);
	return failed;
}
