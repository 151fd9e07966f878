/* bench COMMAND OPTION... [-- DRAY ARGUMENT...]: the parts that bench/run puts together. */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cmd_publish(const struct options *options)
{
	stream_make(options->nats);
	return floor_run(options, &loop_publish, NULL);
}

static int cmd_table(const struct options *options)
{
	return floor_run(options, &loop_table, NULL);
}

static int cmd_joint(const struct options *options)
{
	stream_make(options->nats);
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
	{ "behind", cmd_behind },
	{ "publish", cmd_publish },
	{ "table", cmd_table },
	{ "joint", cmd_joint },
	{ "relay", cmd_relay },
	{ "consume", cmd_consume },
	{ "ingest", cmd_ingest },
	{ "sink-joint", cmd_sink_joint },
	{ "sink", cmd_sink },
	{ "hold", cmd_hold },
	{ "latency", cmd_latency },
	{ "idle", cmd_idle },
};

static const struct option long_options[] = {
	{ "database", required_argument, NULL, 'd' },
	{ "from", required_argument, NULL, 'f' },
	{ "nats", required_argument, NULL, 'n' },
	{ "label", required_argument, NULL, 'l' },
	{ "counts", required_argument, NULL, 'c' },
	{ "rows", required_argument, NULL, 'r' },
	{ "keys", required_argument, NULL, 'k' },
	{ "size", required_argument, NULL, 's' },
	{ "window", required_argument, NULL, 'w' },
	{ "batch", required_argument, NULL, 'b' },
	{ "rate", required_argument, NULL, 'p' },
	{ "seconds", required_argument, NULL, 't' },
	{ "limit", required_argument, NULL, 'm' },
	{ NULL, 0, NULL, 0 },
};

static void take_option(struct options *options, int which)
{
	const char **text = which == 'd' ? &options->database
		: which == 'f'		 ? &options->other
		: which == 'n'		 ? &options->nats
		: which == 'l'		 ? &options->label
		: which == 'c'		 ? &options->counts
					 : NULL;
	int64_t *number = which == 'r' ? &options->rows
		: which == 'k'	       ? &options->keys
		: which == 's'	       ? &options->size
		: which == 'w'	       ? &options->window
		: which == 'b'	       ? &options->batch
		: which == 'p'	       ? &options->rate
		: which == 't'	       ? &options->seconds
		: which == 'm'	       ? &options->limit_s
				       : NULL;

	if (text)
		*text = optarg;
	else if (number)
		*number = atoll(optarg);
	else
		exit(2);
}

int main(int argc, char **argv)
{
	struct options options = { .label = argc > 1 ? argv[1] : "",
		.rows = 200000,
		.keys = 1000,
		.size = 256,
		.window = 4096,
		.batch = 1000,
		.rate = 5,
		.seconds = 60,
		.limit_s = 300 };
	int which;

	optind = 2; /* the command comes first */
	while ((which = getopt_long(argc, argv, "+", long_options, NULL)) != -1)
		take_option(&options, which);
	options.command = argv + optind;
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(&options);
	die("which of the commands? bench/README.md names them");
}
