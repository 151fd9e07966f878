/* What may stand at the end of a command line. */
#include "support/common.h"

#include <stdio.h>
#include <unistd.h>

#include "cli_table.h"
#include "complete.h"

#define WORDS 12

static char words[WORDS][64];

/* What is offered for words separated by one space; a space at the end begins a word. */
static char *offered(const char *line)
{
	const char *list[WORDS];
	struct buf out = { 0 };
	size_t count = 0;

	for (size_t size;; line += size + 1) {
		size = strcspn(line, " ");
		snprintf(words[count], sizeof(words[count]), "%.*s", (int)size, line);
		list[count] = words[count];
		count++;
		if (!line[size])
			break;
	}
	complete(list, count, &out);
	char *all = text("\n%s", out.data ? out.data : "");
	buf_finish(&out);
	return all;
}

static void check(const char *line, const char *wanted)
{
	char *all = offered(line), *tab;

	while ((tab = strchr(all, '\t'))) /* without what they mean */
		memmove(tab, tab + strcspn(tab, "\n"), strlen(tab + strcspn(tab, "\n")) + 1);
	if (strcmp(all + 1, wanted) != 0)
		give_up("\"%s\" gets \"%s\", not \"%s\"", line, all + 1, wanted);
}

static void every_command_is_offered(void **state)
{
	char *all = offered("");

	(void)state;
	for (const struct cli_command *command = cli_commands; command->name; command++)
		assert_contains(all, text("\n%s\t%s\n", command->name, command->summary));
}

static void every_option_is_offered_where_it_is_taken(void **state)
{
	(void)state;
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		char *all = offered(text("%s --", command->name));
		for (const struct cli_option *option = cli_options; option->name; option++)
			if (cli_takes(command, option))
				assert_contains(all,
					text("\n--%s\t%s\n", option->name,
						cli_option_help(command, option)));
			else
				assert_lacks(all, text("\n--%s\t", option->name));
	}
}

static void options_are_offered_once(void **state)
{
	(void)state;
	check("status --watch --wa", "");
	check("status -c f --conf", "");
	check("status -vc f --verb", "");
	check("emit --header A=1 --head", "--header\n");
	check("--watch", ""); /* of no command */
	check("emit -- --head", "");
	check("status -x", "");
}

static void values_go_by_what_they_are(void **state)
{
	(void)state;
	check("replay --state d", "delivered\ndead\n");
	check("replay --state=d", "--state=delivered\n--state=dead\n");
	check("replay --to d", "");
	check("--config ", ":files \n");
	check("--config=/etc", ":files --config=\n");
	check("-c ", ":files \n");
	check("status --database sqlite:s", ":files sqlite:\n");
	check("status --database=sqlite:s", ":files --database=sqlite:\n");
	check("status --database p", "postgresql://\n");
	check("relay x --set ordering=", "ordering=none\nordering=key\nordering=stream\n");
	check("sink x --set max_dead", "max_dead_ratio=\n");
	check("ddl --set max_dead", "");
}

static void arguments_go_by_the_usage(void **state)
{
	(void)state;
	check("dead ", "list\nshow\nretry\ndiscard\n");
	check("dead --key k r", "retry\n");
	check("dead retry ", "");
	check("init ", ":files \n");
	check("sink ", "sqlite:\npostgresql://\n");
	check("sink x ", "");
	check("emit ", "");
	check("frobnicate ", "");
}

static void pipelines_come_from_the_config(void **state)
{
	(void)state;
	assert_int_equal(chdir(scratch()), 0);
	file_write("dray.yaml",
		"streams: [ { name: S, subjects: [s] } ]\n"
		"relays: [ { name: out, database: sqlite:a.db, stream: S } ]\n"
		"sinks: [ { name: in, database: sqlite:b.db, stream: S },\n"
		"  { name: ill, database: sqlite:c.db, stream: S } ]\n");
	file_write("broken.yaml", "relays: [\n");
	check("pause ", "out\nin\nill\n");
	check("pause i", "in\nill\n");
	check("seek ", "in\nill\n");
	check("emit s --relay ", "out\n");
	check("audit --pipeline=o", "--pipeline=out\n");
	check("-c broken.yaml pause ", "");
	check("-cbroken.yaml pause ", "");
	check("--config=none.yaml pause ", "");
	check("--config dray.yaml pause o", "out\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_offered),
		cmocka_unit_test(every_option_is_offered_where_it_is_taken),
		cmocka_unit_test(options_are_offered_once),
		cmocka_unit_test(values_go_by_what_they_are),
		cmocka_unit_test(arguments_go_by_the_usage),
		cmocka_unit_test(pipelines_come_from_the_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
