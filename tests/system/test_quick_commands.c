/* The commands that need no config, as the README gives them to a newcomer; and those that write one. */
#include "fixture.h"

#include <jansson.h>

static bool table_is_there(const char *database, const char *name)
{
	if (strncmp(database, "sqlite:", 7) == 0 && *file_read(database + 7) == '\0')
		return false;
	struct testdb *db = testdb_open(database);
	bool there = testdb_try(db, NULL, text("SELECT 1 FROM %s LIMIT 1", testdb_table(db, name)));
	testdb_close(db);
	return there;
}

static int64_t rows_of(const char *database, const char *name)
{
	struct testdb *db = testdb_open(database);
	int64_t rows = testdb_int(db, "SELECT count(*) FROM %s", testdb_table(db, name));

	testdb_close(db);
	return rows;
}

static json_t *parsed(const char *json)
{
	json_error_t why;
	json_t *root = json_loads(json, 0, &why);

	if (!root)
		give_up("not JSON (%s): %s", why.text, json);
	return root;
}

static void check_tail(const char *subject)
{
	struct result shown = dray_expect(0, "tail", subject, "--since", "all", "--count", "2");

	assert_contains(shown.out, "order-1");
	assert_contains(shown.out, "{\"id\":1}");
	assert_contains(shown.out, "{\"id\":2}");
	shown = dray_expect(0, "tail", subject, "--since", "all", "--count", "1", "--json");
	json_t *event = parsed(shown.out);
	assert_non_null(json_object_get(event, "subject"));
	assert_non_null(json_object_get(event, "seq"));
	json_decref(event);
}

static void check_status(const char *database, const char *pipeline)
{
	struct result shown = dray_expect(0, "status", "--database", database);

	assert_contains(shown.out, pipeline);
	shown = dray_expect(0, "status", "--database", database, "--json");
	json_decref(parsed(shown.out));
}

/* Both pipelines, begun with one line each, and everything one can see of them. */
static void test_relay_and_sink_without_a_config(void **state)
{
	const char *kind = *state;
	char *stream = text("QUICK_%s", kind), *subject = text("quick_%s.order", kind);
	char *from = fixture_database(kind, "quick"), *to = fixture_database(kind, "quick_archive");

	struct proc *relay = dray_start(text("quick_relay_%s", kind), NULL, "relay", from,
		"--stream", stream, "--subjects", text("quick_%s.>", kind));
	WAIT_UNTIL(30000, table_is_there(from, "outbox"));
	struct proc *sink =
		dray_start(text("quick_sink_%s", kind), NULL, "sink", to, "--stream", stream);
	struct result emitted = dray_expect(0, "emit", subject, "{\"id\":1}", "--key", "order-1",
		"--header", "Shop=north", "--database", from);
	assert_int_equal(strspn(emitted.out, "0123456789abcdef-"), 36);
	const char *words[] = { "emit", subject, "-", "--database", from, NULL };
	assert_int_equal(dray_run(words, "{\"id\":2}").status, 0);
	WAIT_UNTIL(30000, table_is_there(to, "events") && rows_of(to, "events") == 2);

	check_tail(subject);
	check_status(from, text("QUICK_%s", kind));
	check_status(to, text("QUICK_%s", kind));
	dray_stop(relay);
	dray_stop(sink);
}

/* The same in the folder where one is, with the words of the README. */
static void test_as_the_readme_has_it(void **state)
{
	(void)state;
	struct proc *relay = dray_start("readme", NULL, "relay", "sqlite:shop.db", "--stream",
		"SHOP", "--subjects", "shop.>");
	char *shop = text("sqlite:%s", scratch_path("shop.db"));
	WAIT_UNTIL(30000, table_is_there(shop, "outbox"));
	dray_expect(0, "emit", "shop.order", "{\"id\":1}", "--database", "sqlite:shop.db");
	struct result shown = dray_expect(0, "tail", "shop.>", "--since", "all", "--count", "1");
	assert_contains(shown.out, "shop.order");
	dray_stop(relay);
}

static void test_init_writes_a_config_that_check_takes(void **state)
{
	char *file = scratch_path("made.yaml");

	(void)state;
	dray_expect(0, "init", file);
	assert_contains(file_read(file), "relays:");
	assert_contains(file_read(file), "#");
	struct result again = dray_expect(2, "init", file);
	assert_contains(again.err, "made.yaml");
	assert_string_equal(dray_expect(0, "init", "-").out, file_read(file));
	/* Its databases are examples, so it may find them away; its form is right. */
	struct result checked = dray("check", "-c", file);
	assert_int_not_equal(checked.status, 2);
}

static char *checked_config(const char *kind)
{
	return fixture_config(text("check_%s", kind),
		"streams: [ { name: CHECK_%s, subjects: [\"check_%s.>\"] } ]\n"
		"relays: [ { name: shop, database: \"%s\", stream: CHECK_%s } ]\n"
		"sinks: [ { name: archive, database: \"%s\", stream: CHECK_%s } ]\n",
		kind, kind, fixture_database(kind, "check"), kind,
		fixture_database(kind, "check_archive"), kind);
}

/* check names everything that is missing, not the first; migrate makes it; then check is content. */
static void test_check_before_and_after_migrate(void **state)
{
	char *config = checked_config(*state);
	struct result before = dray("check", "-c", config);
	char *all = text("%s%s", before.out, before.err);

	assert_int_not_equal(before.status, 0);
	assert_contains(all, "shop");
	assert_contains(all, "archive");
	assert_contains(all, "migrate");
	dray_expect(0, "migrate", "-c", config);
	struct result after = dray_expect(0, "check", "-c", config);
	assert_contains(text("%s%s", after.out, after.err), "shop");
	dray_expect(0, "migrate", "-c", config);
	json_decref(parsed(dray_expect(0, "check", "-c", config, "--json").out));
}

static void test_version_names_the_parts(void **state)
{
	struct result shown = dray_expect(0, "version");

	(void)state;
	assert_contains(shown.out, "dray 0.");
	assert_string_equal(dray_expect(0, "--version").out, shown.out);
	json_decref(parsed(dray_expect(0, "version", "--json").out));
}

static void test_help_for_each_command(void **state)
{
	static const char *const commands[] = { "init", "migrate", "check", "run", "relay", "sink",
		"emit", "tail", "status", "version" };
	char *all = dray_expect(0, "--help").out;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_contains(all, commands[i]);
		assert_contains(
			dray_expect(0, commands[i], "--help").out, text("dray %s", commands[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_BOTH(test_relay_and_sink_without_a_config),
		cmocka_unit_test(test_as_the_readme_has_it),
		cmocka_unit_test(test_init_writes_a_config_that_check_takes),
		FOR_BOTH(test_check_before_and_after_migrate),
		cmocka_unit_test(test_version_names_the_parts),
		cmocka_unit_test(test_help_for_each_command),
	};

	return cmocka_run_group_tests_name("quick commands", tests, fixture_start, NULL);
}
