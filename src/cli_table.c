/* The commands and options, and the help made from them. */
#include "cli_table.h"

#include <string.h>

#include "cmd.h"

#define AT(field_) offsetof(struct cli, field_)
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define EXIT_STATUSES \
	"Exit status: 0 done, 1 failed, 2 usage or config, 3 a server could not be reached.\n"

const struct cli_option cli_options[] = {
	{ "config", 'c', CLI_TEXT, "FILE", AT(config_file),
		"the config; otherwise ./dray.yaml, then /etc/dray/dray.yaml", true },
	{ "nats", 0, CLI_TEXT, "URL", AT(nats_url),
		"the NATS server; otherwise the config's, then NATS_URL, then nats://127.0.0.1:4222",
		true },
	{ "json", 0, CLI_FLAG, NULL, AT(json), "results, errors and logs as JSON", true },
	{ "verbose", 'v', CLI_FLAG, NULL, AT(verbose), "log more", true },
	{ "quiet", 'q', CLI_FLAG, NULL, AT(quiet), "log errors only", true },
	{ "help", 'h', CLI_FLAG, NULL, AT(help), "this help", true },
	{ "version", 'V', CLI_FLAG, NULL, AT(version), "the version", true },
	{ "database", 0, CLI_TEXT, "DATABASE", AT(database),
		"work on this one instead of a config's", false },
	{ "stream", 0, CLI_TEXT, "NAME", AT(stream), "the stream", false },
	{ "subjects", 0, CLI_TEXT, "LIST", AT(subjects),
		"only these subjects, separated by commas; otherwise the whole stream", false },
	{ "name", 0, CLI_TEXT, "NAME", AT(name),
		"the pipeline's name; otherwise made from the stream's", false },
	{ "table", 0, CLI_TEXT, "TABLE", AT(table),
		"the outbox; otherwise dray_outbox, in PostgreSQL dray.outbox", false },
	{ "set", 0, CLI_MANY, "KEY=VALUE", AT(settings),
		"a setting as in a config: batch=500, retry.max=1m, nats.creds=FILE; repeatable",
		false },
	{ "relay", 0, CLI_TEXT, "RELAY", AT(relay), "which relay's outbox; otherwise the only one",
		false },
	{ "key", 0, CLI_TEXT, "KEY", AT(key), "only those of this key", false },
	{ "pipeline", 0, CLI_TEXT, "PIPELINE", AT(pipeline), "only this relay or sink", false },
	{ "subject", 0, CLI_TEXT, "PATTERN", AT(subject),
		"only subjects like this, with * and > as in NATS", false },
	{ "dry-run", 0, CLI_FLAG, NULL, AT(dry_run), "say what would be done, and do nothing",
		false },
	{ "header", 0, CLI_MANY, "NAME=VALUE", AT(headers), "a header; repeatable", false },
	{ "count", 0, CLI_TEXT, "N", AT(count), "end after N events", false },
	{ "since", 0, CLI_TEXT, "WHEN", AT(since),
		"begin there: id:N or seq:N, time:2026-01-01T00:00:00Z, or a duration ago", false },
	{ "until", 0, CLI_TEXT, "WHEN", AT(until), "end there; as --since", false },
	{ "state", 0, CLI_TEXT, "pending|delivered|dead|all", AT(state),
		"of an outbox; otherwise delivered", false },
	{ "source", 0, CLI_TEXT, "NAME", AT(source),
		"of an archive with several streams: which of them", false },
	{ "to", 0, CLI_TEXT, "WHERE", AT(to),
		"the subject, with {subject} for the event's own; otherwise that", false },
	{ "rate", 0, CLI_TEXT, "N", AT(rate), "at most N events a second", false },
	{ "file", 0, CLI_TEXT, "FILE", AT(file),
		"keeps how far it has come; otherwise ./dray-replay-RUN.json", false },
	{ "resume", 0, CLI_TEXT, "FILE", AT(resume), "go on with the replay of that file", false },
	{ "force", 0, CLI_FLAG, NULL, AT(force),
		"also where events are gone from the stream: begin with its first", false },
	{ "error", 0, CLI_TEXT, "TEXT", AT(error), "only those whose error has this in it", false },
	{ "older", 0, CLI_TEXT, "DURATION", AT(older), "only what is older, like 1h or 7d", false },
	{ "newer", 0, CLI_TEXT, "DURATION", AT(newer), "only what is newer", false },
	{ "all", 0, CLI_FLAG, NULL, AT(all),
		"all of them: show, retry and discard ask for a choice", false },
	{ "discarded", 0, CLI_TEXT, "DURATION", AT(discarded),
		"also forget what dray dead discard took away longer ago", false },
	{ "tombstones", 0, CLI_TEXT, "DURATION", AT(tombstones),
		"also forget keys that sinks deleted longer ago", false },
	{ "reason", 0, CLI_TEXT, "TEXT", AT(reason), "why; it is kept", false },
	{ "heal", 0, CLI_FLAG, NULL, AT(heal), "publish again what is proven lost", false },
	{ "watch", 0, CLI_FLAG, NULL, AT(watch), "again every two seconds", false },
	{ "ready", 0, CLI_FLAG, NULL, AT(ready),
		"fail unless every pipeline runs, stands by or is paused", false },
	{ NULL, 0, CLI_FLAG, NULL, 0, NULL, false },
};

/* Where an option means something else to a command than to the others. */
static const struct {
	const char *command, *option, *help;
} meanings[] = {
	{ "relay", "stream", "take no acknowledgement of another stream" },
	{ "relay", "subjects",
		"make the stream with these subjects, separated by commas, where it is missing" },
	{ "sink", "table", "the table; otherwise dray_events, in PostgreSQL dray.events" },
	{ "emit", "key", "the ordering key" },
	{ "tail", "since",
		"begin there: new, all, seq:N or time:2026-01-01T00:00:00Z; otherwise new" },
	{ "seek", "to", "seq:N, time:2026-01-01T00:00:00Z, all (what the stream has) or new" },
	{ "dead", "table", "with --database: only this outbox, or the archive to store events in" },
	{ "replay", "pipeline", "this relay's outbox, or this sink's archive" },
	{ "replay", "table",
		"an outbox or an archive; otherwise the pipeline's, or the outbox of --database" },
	{ "replay", "stream", "take no acknowledgement of another stream" },
	{ "audit", "pipeline", "only this relay" },
	{ "audit", "since",
		"what was delivered since time:2026-01-01T00:00:00Z or a duration ago; or from id:N on" },
	{ "prune", "pipeline", "only this relay" },
	{ "prune", "older",
		"what was delivered longer ago, like 7d; otherwise each relay's retention" },
	{ "ddl", "table", "the table's name in the statement" },
};

const char *cli_option_help(const struct cli_command *command, const struct cli_option *option)
{
	for (size_t i = 0; command && i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(meanings[i].command, command->name) == 0 &&
			strcmp(meanings[i].option, option->name) == 0)
			return meanings[i].help;
	return option->help;
}

const struct cli_command cli_commands[] = {
	{ "init", cmd_init, "Writes a commented config; - prints it.", "[FILE|-]", 0, 1, NULL,
		"dray init" },
	{ "migrate", cmd_migrate,
		"Creates or upgrades Dray's tables, and makes the config's streams where missing.",
		"[DATABASE]", 0, 1, NULL, "dray migrate postgresql://dray@db/shop" },
	{ "check", cmd_check,
		"Reads the config, connects everywhere, and says everything that would go wrong.",
		"", 0, 0, NULL, "dray check" },
	{ "run", cmd_run, "Runs every relay and sink of the config until SIGTERM.", "", 0, 0, NULL,
		"dray run -c /etc/dray/dray.yaml" },
	{ "relay", cmd_relay,
		"Runs one relay without a config: from an outbox into JetStream. Migrates first.",
		"DATABASE", 1, 1, NAMES("stream", "subjects", "name", "table", "set"),
		"dray relay sqlite:shop.db --stream SHOP --subjects 'shop.>'" },
	{ "sink", cmd_sink,
		"Runs one sink without a config: from a stream into a table. Migrates first.",
		"DATABASE --stream NAME", 1, 1, NAMES("stream", "subjects", "name", "table", "set"),
		"dray sink sqlite:archive.db --stream SHOP" },
	{ "emit", cmd_emit,
		"Writes one event into an outbox, and prints its id; - reads the payload from stdin.",
		"SUBJECT [PAYLOAD|-]", 1, 2, NAMES("key", "header", "relay", "database", "table"),
		"dray emit shop.order '{\"id\":1}' --key order-1 --database sqlite:shop.db" },
	{ "tail", cmd_tail, "Prints events as the stream receives them.", "[SUBJECT]", 0, 1,
		NAMES("stream", "count", "since"), "dray tail 'shop.>'" },
	{ "status", cmd_status, "Backlog, lag, rate, dead and last error of every pipeline.", "", 0,
		0, NAMES("watch", "database"), "dray status --watch" },
	{ "health", cmd_health,
		"Asks the dray run of this config, over its http.listen, how its pipelines are.",
		"", 0, 0, NAMES("ready"), "dray health --ready" },
	{ "pause", cmd_pause, "Stops a relay or a sink, also over restarts, until it is resumed.",
		"PIPELINE", 1, 1, NAMES("database"), "dray pause shop" },
	{ "resume", cmd_resume, "Lets a paused relay or sink go on.", "PIPELINE", 1, 1,
		NAMES("database"), "dray resume shop" },
	{ "seek", cmd_seek,
		"Moves a sink to another place in its stream: it goes on with that event.",
		"SINK --to WHERE", 1, 1, NAMES("to", "force", "database"),
		"dray seek archive --to seq:1000" },
	{ "dead", cmd_dead,
		"Lists, shows, puts back or throws away rows and events that were given up on.",
		"list|show|retry|discard [ID]...", 1, 1 + CMD_DEAD_IDS,
		NAMES("pipeline", "subject", "key", "error", "older", "newer", "all", "dry-run",
			"reason", "database", "table"),
		"dray dead retry --pipeline shop --error 'no stream'" },
	{ "replay", cmd_replay, "Publishes events of an outbox or an archive again.", "", 0, 0,
		NAMES("pipeline", "database", "table", "since", "until", "subject", "key", "state",
			"source", "to", "stream", "rate", "dry-run", "file", "resume"),
		"dray replay --pipeline archive --since 2h --to 'replay.{subject}'" },
	{ "audit", cmd_audit, "Compares what was marked delivered with what the streams hold.", "",
		0, 0, NAMES("pipeline", "database", "table", "since", "heal"),
		"dray audit --since 24h" },
	{ "prune", cmd_prune, "Deletes delivered rows and deleted keys past their retention.", "",
		0, 0,
		NAMES("pipeline", "older", "discarded", "tombstones", "dry-run", "database",
			"table"),
		"dray prune --older 30d --dry-run" },
	{ "ddl", cmd_ddl,
		"Reads a sample of a stream; prints a CREATE TABLE for it and the sink's columns.",
		"[SINK]", 0, 1, NAMES("database", "stream", "subjects", "table", "set"),
		"dray ddl orders" },
	{ "complete", cmd_complete,
		"Says what may stand at the end of a command line: for the completion of shells.",
		"-- [WORD]...", 0, CMD_COMPLETE_WORDS, NULL, "dray complete -- status --w" },
	{ "version", cmd_version, "The version of Dray and of its libraries.", "", 0, 0, NULL,
		"dray version" },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL, NULL },
};

const struct cli_command *cli_find_command(const char *name)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

static bool takes(const struct cli_command *command, const char *option)
{
	for (const char *const *name = command->options; name && *name; name++)
		if (strcmp(*name, option) == 0)
			return true;
	return false;
}

bool cli_takes(const struct cli_command *command, const struct cli_option *option)
{
	return option->global || takes(command, option->name);
}

static void print_option(
	const struct cli_command *command, const struct cli_option *option, FILE *out)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%c%s--%s%s%s", option->letter ? "-" : "  ",
		option->letter ? option->letter : ' ', option->letter ? ", " : " ", option->name,
		option->argument ? " " : "", option->argument ? option->argument : "");
	fprintf(out, "  %-26s %s\n", text, cli_option_help(command, option));
}

static void print_options(const struct cli_command *command, bool global, FILE *out)
{
	for (const struct cli_option *option = cli_options; option->name; option++)
		if (option->global == global && (global || cli_takes(command, option)))
			print_option(command, option, out);
}

static void print_command_help(const struct cli_command *command, FILE *out)
{
	fprintf(out, "%s\n\nUsage: dray %s%s%s [OPTION]...\n", command->summary, command->name,
		*command->arguments ? " " : "", command->arguments);
	if (command->options) {
		fputs("\nOptions:\n", out);
		print_options(command, false, out);
	}
	fputs("\nFor every command:\n", out);
	print_options(command, true, out);
	if (strstr(command->arguments, "DATABASE") || takes(command, "database"))
		fputs("\nDATABASE is sqlite:PATH or postgresql://USER@HOST/NAME.\n", out);
	fprintf(out, "\nExample:\n  %s\n\n" EXIT_STATUSES, command->example);
}

void cli_print_help(const struct cli_command *command, FILE *out)
{
	if (command) {
		print_command_help(command, out);
		return;
	}
	fputs("Dray hauls events between SQL tables and NATS JetStream, and never drops one.\n\n"
	      "Usage: dray COMMAND [ARGUMENT]... [OPTION]...\n\nCommands:\n",
		out);
	for (const struct cli_command *one = cli_commands; one->name; one++)
		fprintf(out, "  %-9s %s\n", one->name, one->summary);
	fputs("\nOptions:\n", out);
	print_options(NULL, true, out);
	fputs("\n\"dray COMMAND --help\" says more about a command.\n" EXIT_STATUSES, out);
}
