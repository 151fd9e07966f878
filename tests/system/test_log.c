/*
 * What a running dray writes to its log as JSON: every line is an object, whatever rows, events and databases say;
 * an outage has one line when it begins and one when it ends; a flood is counted.
 */
#include "stage.h"

#include <jansson.h>

#define ROWS 300 /* that nobody can send */

struct seen {
	size_t lines, dead_lines, began, ended;
	int64_t dead;
};

static bool says(const json_t *line, const char *piece)
{
	return strstr(json_string_value(json_object_get(line, "message")), piece) != NULL;
}

static void see(struct seen *seen, const char *text)
{
	json_error_t error;
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	const char *pipeline = json_string_value(json_object_get(line, "pipeline"));

	if (!json_object_get(line, "message"))
		give_up("no object with a message: %s: %s", error.text, text);
	seen->lines++;
	if (says(line, "waiting: ") && pipeline && strcmp(pipeline, "out") == 0)
		seen->began++;
	if (says(line, "working again after ") && pipeline && strcmp(pipeline, "out") == 0)
		seen->ended++;
	if (says(line, " is dead: ") || says(line, " more rows are dead")) {
		const char *message = json_string_value(json_object_get(line, "message"));
		seen->dead_lines++;
		seen->dead += says(line, " is dead: ") ? 1 : atoll(message);
		assert_string_equal(pipeline, "out");
	}
	json_decref(line);
}

static struct seen read_log(const struct proc *daemon)
{
	struct seen seen = { 0 };
	char *rest = proc_log(daemon), *line;

	while ((line = strsep(&rest, "\n")))
		if (*line && rest) /* the last one may be on its way */
			see(&seen, line);
	return seen;
}

/* Subjects and headers that SQLite takes as text, and errors of the database in the same vein. */
static void hostile_rows(struct stage *s)
{
	static const char *const subjects[] = { "x'610aff1b5b324a22'", "x'eda080'", "x'c3'",
		"'a b' || char(8238) || '\"\\'" };

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		testdb_try(s->outbox, NULL,
			text("INSERT INTO dray_outbox (subject, key, payload) VALUES (CAST(%s AS "
			     "text), CAST(x'ff0a' AS text), x'00')",
				subjects[i]));
	testdb_exec(s->outbox,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO dray_outbox (subject, payload) SELECT 'bad ' || char(10) || i, x'00' "
		"FROM n",
		ROWS);
	testdb_exec(s->archive,
		"CREATE TRIGGER refuses BEFORE INSERT ON dray_events WHEN new.subject LIKE '%%refused' "
		"BEGIN SELECT raise(ABORT, 'two\nlines and \x1b[31m \xff\xfe'); END");
	jetstream_publish(s->js, text("%s.refused", s->name), NULL, "x");
}

static bool is_over(const struct proc *daemon)
{
	struct seen seen = read_log(daemon);

	return seen.ended > 0 && seen.ended >= seen.began;
}

static int64_t dead_rows(struct stage *s)
{
	return testdb_in_state(s->outbox, "dead");
}

static void test_json(void **state)
{
	struct stage s = stage_set(*state, "lines", NULL, true);
	struct seen seen;

	file_write(s.config, text("log: { format: json }\n%s", file_read(s.config)));
	stage_run(&s, NULL);
	stage_emit(&s, 1, 10, 2);
	stage_delivered(&s);
	hostile_rows(&s);
	WAIT_UNTIL(20000, dead_rows(&s) >= ROWS && stage_archived(&s) >= 10);
	nats_server_end(&nats);
	WAIT_UNTIL(20000, read_log(s.daemon).began > 0);
	nap(1000); /* a few attempts */
	nats_server_again(&nats);
	WAIT_UNTIL(40000, is_over(s.daemon));
	stage_stop(&s);
	seen = read_log(s.daemon);
	say("%zu lines, %zu of them of %lld dead rows", seen.lines, seen.dead_lines,
		(long long)seen.dead);
	assert_int_equal(seen.began, seen.ended); /* though it tried again in between */
	assert_int_equal(seen.dead, dead_rows(&s));
	assert_in_range(seen.dead_lines, 2, 12);
	assert_contains(proc_log(s.daemon), "[31m \\\\xff\\\\xfe");
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_json, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("log", tests, fixture_start_nats, NULL);
}
