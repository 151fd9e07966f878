/*
 * One run of the chaos: an application writes, faults happen, and in the end everything must be where it
 * belongs. All that happens follows from the seed. Ends with 1 where something is wrong. The script beside
 * this folder runs many.
 */
#include <getopt.h>
#include <stdio.h>

#include "audit.h"
#include "faults.h"
#include "feeder.h"
#include "writers.h"

static void usage(void)
{
	fprintf(stderr,
		"usage: chaos [--seed N] [--database sqlite|postgres] [--rows N] [--faults N]\n"
		"             [--only FAULT] [--cluster] [--window MS] [--ordering none|key|stream]\n");
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = { { "seed", 1, NULL, 's' },
		{ "database", 1, NULL, 'd' }, { "rows", 1, NULL, 'r' }, { "faults", 1, NULL, 'f' },
		{ "only", 1, NULL, 'o' }, { "cluster", 0, NULL, 'c' }, { "window", 1, NULL, 'w' },
		{ "ordering", 1, NULL, 'O' }, { NULL, 0, NULL, 0 } };
	struct options options = { .seed = 1, .rows = 20000, .faults = 10 };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's':
			options.seed = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			options.postgres = strcmp(optarg, "postgres") == 0;
			break;
		case 'r':
			options.rows = strtoll(optarg, NULL, 10);
			break;
		case 'f':
			options.faults = (int)strtol(optarg, NULL, 10);
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'c':
			options.cluster = true;
			break;
		case 'w':
			options.window_ms = (int)strtol(optarg, NULL, 10);
			break;
		case 'O':
			options.ordering = optarg;
			break;
		default:
			usage();
		}
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options = read_options(argc, argv);
	int64_t began_ms = now_ms();
	const char *forbidden = small_disk_prepare();
	struct plan plan;
	struct world world;

	options.disks = !forbidden;
	if (forbidden)
		say("no disk is filled: %s", forbidden);
	plan_make(&plan, &options);
	plan_say(&plan);
	world_start(&world, &plan);
	world.writers = writers_start(&plan, world.url);
	world.feeder = feeder_start(&world);
	faults_run(&world);
	writers_wait(world.writers, options.rows);
	writers_end(world.writers);
	feeder_end(world.feeder);
	say("  all is written after %lld ms", (long long)(now_ms() - began_ms));
	faults_report(&world);
	bool good = audit(&world, began_ms);
	testdb_close(world.db);
	return good ? 0 : 1;
}
