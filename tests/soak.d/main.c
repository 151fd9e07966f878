/*
 * One dray with many pipelines under a steady load for a long time, its nats-server restarted now and then:
 * memory, descriptors and threads must stay where they were, and every event arrives once. Ends with 1
 * where not. The script beside this folder builds and runs it.
 */
#include <getopt.h>

#include "pairs.h"
#include "samples.h"

#define OUTAGE_MS 3000

struct options {
	int64_t length_ms, sample_ms, outage_ms; /* outage: one after so long, and so on; 0: none */
	int pipelines, rate;
	const char *csv, *kind; /* of the databases; NULL: both */
};

static void usage(void)
{
	fprintf(stderr,
		"usage: soak [--minutes M] [--pipelines N] [--rate EVENTS] [--outages M] "
		"[--database sqlite|postgres] [--csv FILE]\n");
	exit(2);
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = { { "minutes", 1, NULL, 'm' },
		{ "pipelines", 1, NULL, 'p' }, { "rate", 1, NULL, 'r' },
		{ "outages", 1, NULL, 'o' }, { "csv", 1, NULL, 'c' }, { "database", 1, NULL, 'd' },
		{ NULL, 0, NULL, 0 } };
	struct options options = { .length_ms = 60 * 60000,
		.outage_ms = 10 * 60000,
		.pipelines = 20,
		.rate = 25,
		.csv = "soak.csv" };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'm':
			options.length_ms = (int64_t)(atof(optarg) * 60000);
			break;
		case 'p':
			options.pipelines = atoi(optarg);
			break;
		case 'r':
			options.rate = atoi(optarg);
			break;
		case 'o':
			options.outage_ms = (int64_t)(atof(optarg) * 60000);
			break;
		case 'd':
			options.kind = optarg;
			break;
		case 'c':
			options.csv = optarg;
			break;
		default:
			usage();
		}
	}
	options.sample_ms = options.length_ms / 24 < 10000 ? options.length_ms / 24 : 10000;
	if (options.length_ms < 24000 || options.pipelines < 2 || options.pipelines % 2 ||
		options.rate < 1 ||
		(options.kind && strcmp(options.kind, "sqlite") != 0 &&
			strcmp(options.kind, "postgres") != 0) ||
		options.rate > 1000)
		usage();
	return options;
}

static void outage(void)
{
	nats_server_end(&nats);
	nap(OUTAGE_MS);
	nats_server_again(&nats);
}

static void watch(const struct options *options, struct proc *dray, struct samples *samples)
{
	int64_t until = now_ms() + options->length_ms, next_outage = now_ms() + options->outage_ms;

	while (now_ms() < until) {
		nap(options->sample_ms);
		if (!proc_running(dray))
			give_up("dray ended by itself");
		samples_take(samples);
		if (options->outage_ms > 0 && now_ms() > next_outage) {
			outage();
			next_outage = now_ms() + options->outage_ms;
		}
	}
}

static bool all_arrived(const struct pairs *pairs)
{
	for (int i = 0; i < pairs->count; i++)
		if (pair_different(&pairs->items[i]) < pairs->items[i].written ||
			pair_waiting(&pairs->items[i]) > 0)
			return false;
	return true;
}

static void count(const struct pairs *pairs)
{
	int64_t written = 0, stored = 0;

	WAIT_UNTIL(120000, all_arrived(pairs));
	for (int i = 0; i < pairs->count; i++) {
		written += pairs->items[i].written;
		stored += pair_stored(&pairs->items[i]);
		assert_int_equal(pair_different(&pairs->items[i]), pair_stored(&pairs->items[i]));
	}
	say("%lld events written, %lld stored, each once", (long long)written, (long long)stored);
	assert_int_equal(stored, written);
}

static struct options options;

static void test_soak(void **state)
{
	struct pairs pairs;
	struct samples samples;

	(void)state;
	pairs_make(&pairs, options.pipelines / 2, options.kind);
	struct proc *dray = dray_start("dray", NULL, "run", "-c", pairs.config);
	WAIT_UNTIL(
		60000, http_request(pairs.http_port, "GET", "/readyz", NULL, NULL).status == 200);
	pairs_write(&pairs, options.rate);
	samples_begin(&samples, dray, pairs.http_port, options.csv);
	watch(&options, dray, &samples);
	pairs_rest(&pairs);
	bool flat = samples_are_flat(&samples, pairs_sqlite_files(&pairs));
	count(&pairs);
	say("%zu errors and %zu warnings in the log", lines_with(proc_log(dray), 0, " error ", ""),
		lines_with(proc_log(dray), 0, " warning ", ""));
	dray_stop(dray);
	samples_end(&samples);
	assert_true(flat);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_soak) };

	options = read_options(argc, argv);
	return cmocka_run_group_tests_name("soak", tests, fixture_start, NULL);
}
