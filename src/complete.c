/* What may stand at the end of a command line, from the tables. */
#include "complete.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli_table.h"
#include "config.h"
#include "config_settings.h"

#define OPTIONS_MAX 64

/* The words before the last one, as read so far. */
struct line {
	struct cli cli; /* its config_file alone is filled in */
	const struct cli_command *command;
	const struct cli_option *awaiting; /* the next word is its value */
	bool given[OPTIONS_MAX]; /* by the place in cli_options */
	bool plain; /* behind "--" nothing is an option */
	bool lost; /* there is no such command */
	size_t arguments; /* of the command */
};

/* What the last word may be: every candidate is prefix and then something that begins with begun. */
struct wish {
	const struct line *line;
	const char *prefix, *begun;
	int prefix_size;
	struct buf *out;
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void offer(const struct wish *wish, const char *word, const char *end, const char *meaning)
{
	if (begins(word, wish->begun))
		buf_format(wish->out, "%.*s%s%s\t%s\n", wish->prefix_size, wish->prefix, word, end,
			meaning);
}

/* --- reading the line --- */

static const struct cli_option *long_option(const char *name, size_t size)
{
	for (const struct cli_option *option = cli_options; option->name; option++)
		if (strlen(option->name) == size && strncmp(option->name, name, size) == 0)
			return option;
	return NULL;
}

static const struct cli_option *short_option(char letter)
{
	for (const struct cli_option *option = cli_options; option->name; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

/* value NULL: it is the next word. */
static void take_option(struct line *line, const struct cli_option *option, const char *value)
{
	if (!option)
		return;
	line->given[option - cli_options] = true;
	if (option->type == CLI_FLAG)
		return;
	if (!value)
		line->awaiting = option;
	else if (option->place == offsetof(struct cli, config_file))
		line->cli.config_file = value;
}

static void take_letters(struct line *line, const char *letters)
{
	for (; *letters; letters++) {
		const struct cli_option *option = short_option(*letters);
		bool with_value = option && option->type != CLI_FLAG;
		take_option(line, option, with_value && letters[1] ? letters + 1 : NULL);
		if (with_value)
			return;
	}
}

static void take_word(struct line *line, const char *word)
{
	const char *equals = strchr(word, '=');

	if (line->awaiting) {
		const struct cli_option *option = line->awaiting;
		line->awaiting = NULL;
		take_option(line, option, word);
	} else if (!line->plain && strcmp(word, "--") == 0) {
		line->plain = true;
	} else if (!line->plain && begins(word, "--")) {
		size_t size = equals ? (size_t)(equals - word) : strlen(word);
		take_option(line, long_option(word + 2, size - 2), equals ? equals + 1 : NULL);
	} else if (!line->plain && *word == '-' && word[1]) {
		take_letters(line, word + 1);
	} else if (line->command) {
		line->arguments++;
	} else {
		line->command = cli_find_command(word);
		line->lost = !line->command;
	}
}

/* --- values --- */

static void offer_pipelines(const struct wish *wish, bool relays, bool sinks)
{
	const char *file = cli_config_file(&wish->line->cli);
	struct error err = { 0 };
	struct config *config = file ? config_load(file, NULL, &err) : NULL;

	for (size_t i = 0; config && relays && i < config->relay_count; i++)
		offer(wish, config->relays[i].name, "", "relay");
	for (size_t i = 0; config && sinks && i < config->sink_count; i++)
		offer(wish, config->sinks[i].name, "", "sink");
	config_destroy(config);
}

/* The part of the word that comes before a file's name. */
static void offer_files(const struct wish *wish, const char *more)
{
	buf_format(wish->out, ":files %.*s%s\n", wish->prefix_size, wish->prefix, more);
}

static void offer_database(const struct wish *wish)
{
	if (begins(wish->begun, "sqlite:")) {
		offer_files(wish, "sqlite:");
		return;
	}
	offer(wish, "sqlite:", "", "a file");
	offer(wish, "postgresql://", "", "USER@HOST/NAME");
}

static void offer_choices(const struct wish *wish, const struct setting *setting)
{
	char word[96];

	for (const char *const *choice = setting->choices; choice && *choice; choice++) {
		snprintf(word, sizeof(word), "%s=%s", setting->key, *choice);
		offer(wish, word, "", setting->help);
	}
}

/* KEY=VALUE of dray relay and dray sink: the keys, and of one that is whole its choices. */
static void offer_settings(const struct wish *wish)
{
	const struct section *section =
		wish->line->command ? section_find(wish->line->command->name) : NULL;
	bool whole = strchr(wish->begun, '=') != NULL;

	for (const struct setting *one = section ? section->settings : NULL; one && one->key; one++)
		if (whole)
			offer_choices(wish, one);
		else
			offer(wish, one->key, "=", one->help);
}

/* A word of a usage text: in small letters it stands for itself, otherwise for a kind of thing. */
static void offer_kind(const struct wish *wish, const char *kind)
{
	if (islower((unsigned char)*kind))
		offer(wish, kind, "", "");
	else if (strcmp(kind, "FILE") == 0)
		offer_files(wish, "");
	else if (strcmp(kind, "DATABASE") == 0)
		offer_database(wish);
	else if (strcmp(kind, "KEY=VALUE") == 0)
		offer_settings(wish);
	else if (strcmp(kind, "PIPELINE") == 0)
		offer_pipelines(wish, true, true);
	else if (strcmp(kind, "RELAY") == 0)
		offer_pipelines(wish, true, false);
	else if (strcmp(kind, "SINK") == 0)
		offer_pipelines(wish, false, true);
}

/* usage: alternatives separated by |, perhaps in brackets. */
static void offer_usage(const struct wish *wish, const char *usage, size_t size)
{
	char text[64], *rest = text, *kind;

	snprintf(text, sizeof(text), "%.*s", (int)size, usage);
	while ((kind = strsep(&rest, "[]|.")))
		if (*kind)
			offer_kind(wish, kind);
}

/* --- what the last word is --- */

static void offer_value(const struct wish *wish, const struct cli_option *option)
{
	if (option && option->argument)
		offer_usage(wish, option->argument, strlen(option->argument));
}

static void offer_options(const struct wish *wish)
{
	const struct line *line = wish->line;

	for (const struct cli_option *option = cli_options; option->name; option++) {
		bool again = option->type == CLI_MANY || !line->given[option - cli_options];
		bool taken = line->command ? cli_takes(line->command, option) : option->global;
		if (again && taken)
			offer(wish, option->name, "", cli_option_help(line->command, option));
	}
}

static void offer_commands(const struct wish *wish)
{
	for (const struct cli_command *one = cli_commands; one->name; one++)
		offer(wish, one->name, "", one->summary);
}

/* The argument of the command whose turn it is; its usage may name an option and the option's value, too. */
static void offer_argument(const struct wish *wish)
{
	const char *usage = wish->line->command->arguments;
	size_t left = wish->line->arguments;

	for (size_t size; *usage; usage += size + strspn(usage + size, " ")) {
		size = strcspn(usage, " ");
		if (begins(usage, "--"))
			return;
		if (left-- > 0)
			continue;
		offer_usage(wish, usage, size);
		return;
	}
}

static void offer_last(const struct line *line, const char *last, struct buf *out)
{
	const char *equals = strchr(last, '=');
	struct wish wish = { line, last, last, 0, out };

	if (line->awaiting) {
		offer_value(&wish, line->awaiting);
	} else if (!line->plain && begins(last, "--") && equals) {
		wish.begun = equals + 1;
		wish.prefix_size = (int)(wish.begun - last);
		offer_value(&wish, long_option(last + 2, (size_t)(equals - last - 2)));
	} else if (!line->plain && *last == '-') {
		wish.begun = begins(last, "--") ? last + 2 : "";
		wish.prefix = "--";
		wish.prefix_size = 2;
		if (begins(last, "--") || !last[1])
			offer_options(&wish);
	} else if (!line->command) {
		offer_commands(&wish);
	} else {
		offer_argument(&wish);
	}
}

void complete(const char *const *words, size_t count, struct buf *out)
{
	struct line line = { 0 };

	for (size_t i = 0; i + 1 < count; i++)
		take_word(&line, words[i]);
	if (count > 0 && !line.lost)
		offer_last(&line, words[count - 1], out);
}
