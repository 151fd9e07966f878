/* The command line: what is read, what is refused and with which words, and the help. */
#include "support/common.h"

#include <stdio.h>

#include "base/findings.h"
#include "cli_table.h"

#define WORDS 160

static struct cli cli;
static struct error err;
static char words[WORDS][64];
static char *argv[WORDS + 1];

/* Reads a command line given as words separated by one space. */
static bool parse(const char *line)
{
	int argc = 0;

	for (const char *word = line; *word; word += *word == ' ') {
		size_t size = strcspn(word, " ");
		snprintf(words[argc], sizeof(words[argc]), "%.*s", (int)size, word);
		argv[argc] = words[argc];
		argc++;
		word += size;
	}
	argv[argc] = NULL;
	err = (struct error){ 0 };
	return cli_parse(argc, argv, &cli, &err);
}

static void refused(const char *line, const char *wanted)
{
	if (parse(line))
		give_up("\"%s\" was taken", line);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_string_equal(err.text, wanted);
}

static void options_stand_anywhere(void **state)
{
	static const char *const lines[] = { "dray --json -c f status --watch",
		"dray status --json --watch -cf", "dray status --config=f --watch --json" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_true(parse(lines[i]));
		assert_string_equal(cli.command, "status");
		assert_true(cli.json && cli.watch && !cli.verbose);
		assert_string_equal(cli.config_file, "f");
		assert_int_equal(cli.argument_count, 0);
	}
}

static void arguments_are_what_is_left(void **state)
{
	(void)state;
	assert_true(parse("dray emit --key k shop.a -"));
	assert_int_equal(cli.argument_count, 2);
	assert_string_equal(cli.arguments[0], "shop.a");
	assert_string_equal(cli.arguments[1], "-");
	assert_string_equal(cli.key, "k");
	assert_true(parse("dray emit -- shop.a -5"));
	assert_string_equal(cli.arguments[1], "-5");
	assert_true(parse("dray"));
	assert_null(cli.command);
	assert_true(parse("dray relay sqlite:x --stream S --subjects a,b --name n --table t"));
	assert_string_equal(cli.arguments[0], "sqlite:x");
	assert_string_equal(cli.stream, "S");
	assert_string_equal(cli.subjects, "a,b");
	assert_string_equal(cli.table, "t");
}

static void some_options_may_be_repeated(void **state)
{
	char line[WORDS * 16] = "dray emit s";

	(void)state;
	assert_true(parse("dray emit s --header a=1 --header b=2"));
	assert_int_equal(cli.headers.count, 2);
	assert_string_equal(cli.headers.items[1], "b=2");
	for (int i = 0; i < CLI_LIST + 1; i++)
		strcat(line, " --header a=1");
	refused(line, "--header is there more than 64 times");
}

static void unknown_words_get_the_nearest(void **state)
{
	(void)state;
	refused("dray rleay x", "unknown command \"rleay\"; did you mean \"relay\"?");
	refused("dray frobnicate", "unknown command \"frobnicate\"; \"dray --help\" lists them");
	refused("dray status --wacth", "unknown option --wacth; did you mean --watch?");
	refused("dray status --zzzzzz=3", "unknown option --zzzzzz; see \"dray --help\"");
	refused("dray status -x", "unknown option -x; see \"dray --help\"");
}

static void what_a_command_does_not_take_is_refused(void **state)
{
	(void)state;
	refused("dray status --key k",
		"dray status has no option --key; see \"dray status --help\"");
	refused("dray check --config", "option --config needs a value: --config FILE");
	refused("dray check --json=1", "option --json takes no value");
	refused("dray emit", "too few arguments: dray emit SUBJECT [PAYLOAD|-]");
	refused("dray sink", "too few arguments: dray sink DATABASE --stream NAME");
	refused("dray run now", "\"now\" is too much: dray run");
	refused("dray init a b", "\"b\" is too much: dray init [FILE|-]");
}

static void help_needs_no_arguments(void **state)
{
	(void)state;
	assert_true(parse("dray emit --help"));
	assert_true(cli.help);
	assert_true(parse("dray -h"));
	assert_true(cli.help && !cli.command);
	refused("dray runn --help", "unknown command \"runn\"; did you mean \"run\"?");
}

static char *help_of(const struct cli_command *command)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	cli_print_help(command, out);
	fclose(out);
	return keep(all);
}

static void help_names_everything(void **state)
{
	char *program = help_of(NULL);

	(void)state;
	for (const struct cli_command *command = cli_commands; command->name; command++) {
		char *help = help_of(command);
		assert_contains(program, text("\n  %-9s %s\n", command->name, command->summary));
		assert_contains(help, command->summary);
		assert_contains(help, text("Usage: dray %s", command->name));
		assert_contains(help, text("Example:\n  dray %s", command->name));
		assert_contains(help, "Exit status: 0 done, 1 failed, 2 usage or config, 3 ");
		for (const struct cli_option *option = cli_options; option->name; option++)
			if (cli_takes(command, option))
				assert_contains(help, cli_option_help(command, option));
			else
				assert_lacks(help, text("--%s ", option->name));
	}
}

/* The page with roff's \- as -. */
static char *man_page(void)
{
	const char *here = __FILE__, *end = strstr(here, "tests/unit/");
	char *page = file_read(text("%.*sdocs/dray.1", (int)(end - here), here));

	for (char *at; (at = strstr(page, "\\-"));)
		memmove(at, at + 1, strlen(at));
	return page;
}

static void the_man_page_names_everything(void **state)
{
	char *page = man_page();

	(void)state;
	assert_contains(page, text("\"dray %s\"", DRAY_VERSION));
	for (const struct cli_command *command = cli_commands; command->name; command++)
		assert_contains(page, text("dray %s", command->name));
	for (const struct cli_option *option = cli_options; option->name; option++)
		assert_contains(page, text("--%s", option->name));
}

static void every_named_option_is_there(void **state)
{
	(void)state;
	for (const struct cli_command *command = cli_commands; command->name; command++)
		for (const char *const *name = command->options; name && *name; name++) {
			const struct cli_option *option = cli_options;
			while (option->name && strcmp(option->name, *name) != 0)
				option++;
			if (!option->name)
				give_up("dray %s names an option --%s", command->name, *name);
		}
}

static void the_worst_finding_gives_the_status(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	findings_add(&findings, FINDING_OK, ERROR_NONE, "a", "fine");
	findings_add(&findings, FINDING_WARNING, ERROR_USAGE, NULL, "weak");
	assert_int_equal(findings_exit_status(&findings), 0);
	findings_add(&findings, FINDING_PROBLEM, ERROR_SCHEMA, "a", "no table %s", "t");
	assert_int_equal(findings_exit_status(&findings), 1);
	assert_string_equal(findings.items[2].text, "no table t");
	findings_add(&findings, FINDING_PROBLEM, ERROR_UNAVAILABLE, "a", "away");
	assert_int_equal(findings_exit_status(&findings), 3);
	findings_add(&findings, FINDING_PROBLEM, ERROR_USAGE, NULL, "wrong");
	findings_add(&findings, FINDING_PROBLEM, ERROR_SCHEMA, NULL, "wrong");
	assert_int_equal(findings_exit_status(&findings), 2);
	findings_finish(&findings);
	assert_int_equal(findings_worse_status(1, 3), 3);
	assert_int_equal(findings_worse_status(3, 2), 2);
	assert_int_equal(findings_worse_status(1, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(arguments_are_what_is_left),
		cmocka_unit_test(some_options_may_be_repeated),
		cmocka_unit_test(unknown_words_get_the_nearest),
		cmocka_unit_test(what_a_command_does_not_take_is_refused),
		cmocka_unit_test(help_needs_no_arguments),
		cmocka_unit_test(help_names_everything),
		cmocka_unit_test(the_man_page_names_everything),
		cmocka_unit_test(every_named_option_is_there),
		cmocka_unit_test(the_worst_finding_gives_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
