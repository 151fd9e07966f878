/* bench COMMAND OPTION... [-- ARGUMENT...]: the parts that bench/run puts together. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static int cmd_publish(const struct options *options)
{
	stream_make(options);
	return floor_run(options, &loop_publish, NULL);
}

static int cmd_table(const struct options *options)
{
	return floor_run(options, &loop_table, NULL);
}

static int cmd_joint(const struct options *options)
{
	stream_make(options);
	return floor_run(options, &loop_publish, &loop_table);
}

static int cmd_consume(const struct options *options)
{
	return floor_run(options, &loop_consume, NULL);
}

static int cmd_ingest(const struct options *options)
{
	return floor_run(options, &loop_ingest, NULL);
}

static int cmd_sink_joint(const struct options *options)
{
	return floor_run(options, &loop_consume, &loop_ingest);
}

static const struct command {
	const char *name;
	int (*run)(const struct options *options);
} commands[] = {
	{ "fill", cmd_fill },
	{ "fresh", cmd_fresh },
	{ "tables", cmd_tables },
	{ "behind", cmd_behind },
	{ "publish", cmd_publish },
	{ "table", cmd_table },
	{ "joint", cmd_joint },
	{ "relay", cmd_relay },
	{ "more", cmd_more },
	{ "through", cmd_through },
	{ "into", cmd_into },
	{ "consume", cmd_consume },
	{ "ingest", cmd_ingest },
	{ "sink-joint", cmd_sink_joint },
	{ "sink", cmd_sink },
	{ "latency", cmd_latency },
	{ "sink-latency", cmd_sink_latency },
	{ "idle", cmd_idle },
	{ "writers", cmd_writers },
	{ "port", cmd_port },
};

#define TEXT(name, member)   { "--" name, offsetof(struct options, member), false }
#define NUMBER(name, member) { "--" name, offsetof(struct options, member), true }

static const struct setting {
	const char *name;
	size_t at;
	bool is_number;
} settings[] = {
	TEXT("database", database),
	TEXT("from", from),
	TEXT("nats", nats),
	TEXT("label", label),
	TEXT("counts", counts),
	TEXT("insert", insert),
	TEXT("mode", mode),
	TEXT("question", question),
	TEXT("state", state),
	NUMBER("rows", rows),
	NUMBER("keys", keys),
	NUMBER("size", size),
	NUMBER("window", window),
	NUMBER("batch", batch),
	NUMBER("rate", rate),
	NUMBER("seconds", seconds),
	NUMBER("limit", limit_s),
	NUMBER("replicas", replicas),
	NUMBER("writers", writers),
	NUMBER("lazy", lazy),
	NUMBER("earlier", earlier),
	NUMBER("snapshot", snapshot),
};

static void take_option(struct options *options, const char *name, char *value)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		char *at = (char *)options + settings[i].at;
		if (strcmp(settings[i].name, name) != 0)
			continue;
		if (settings[i].is_number)
			*(int64_t *)(void *)at = atoll(value);
		else
			*(const char **)(void *)at = value;
		return;
	}
	die("%s is no option", name);
}

int main(int argc, char **argv)
{
	struct options options = { .label = argc > 1 ? argv[1] : "",
		.mode = "archive",
		.state = "pending",
		.rows = 200000,
		.keys = 1000,
		.size = 256,
		.window = 4096,
		.batch = 1000,
		.rate = 100,
		.seconds = 60,
		.replicas = 1,
		.writers = 16,
		.limit_s = 300 };
	char **at = argv + (argc > 1 ? 2 : 1);

	for (; at[0] && at[1] && strcmp(at[0], "--") != 0; at += 2)
		take_option(&options, at[0], at[1]);
	options.command = at[0] ? at + 1 : at;
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(&options);
	die("which of the commands? bench/README.md names them");
}
