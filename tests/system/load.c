/* A relay and a sink under load, through faults. */
#include "load.h"

#include <time.h>

#include "watch.h"

#define KEYS 40

int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static const char *or_nothing(const char *before, const char *more)
{
	return more ? text("%s%s", before, more) : "";
}

char *database_of(const char *url)
{
	const char *name = url + strlen("postgresql:///");

	return text("%.*s", (int)strcspn(name, "?"), name);
}

/* As dray sees it: past a proxy where there is one. */
static const char *seen(const struct load *load, const char *url)
{
	return load->db_proxy ? proxy_pg_url(load->db_proxy, database_of(url)) : url;
}

static const char *servers(const struct load *load, const struct load_setup *setup)
{
	if (load->nats_proxy)
		return proxy_url(load->nats_proxy);
	return setup->nats_url ? setup->nats_url : nats.url;
}

static void configure(struct load *load, const struct load_setup *setup)
{
	load->config = scratch_path("%s.yaml", load->name);
	file_write(load->config,
		text("nats: { url: \"%s\" }\n%s%s"
		     "streams: [ { name: %s, subjects: [\"%s.>\"], replicas: %d } ]\n"
		     "relays: [ { name: load, database: \"%s\", retry: { initial: 100ms, max: 1s }%s } "
		     "]\n"
		     "sinks: [ { name: archive, database: \"%s\", stream: %s%s } ]\n",
			servers(load, setup), setup->head ? setup->head : "",
			setup->head ? "\n" : "", load->name, load->name,
			setup->replicas ? setup->replicas : 1, seen(load, load->from),
			or_nothing(", ", setup->relay), seen(load, load->to), load->name,
			or_nothing(", ", setup->sink)));
}

static void prepare(struct load *load, const struct load_setup *setup)
{
	*load = (struct load){ .kind = setup->kind,
		.name = text("%s_%s", setup->name, setup->kind),
		.look_url = setup->look_url ? setup->look_url : nats.url };
	load->from =
		setup->from ? text("%s", setup->from) : fixture_database(setup->kind, setup->name);
	load->to = setup->to ? text("%s", setup->to)
			     : fixture_database(setup->kind, text("%s_archive", setup->name));
	load->unordered = setup->relay && strstr(setup->relay, "ordering: none");
	if (setup->nats_proxy)
		load->nats_proxy = proxy_start(nats.port);
	if (setup->db_proxy && strcmp(setup->kind, "postgres") == 0)
		load->db_proxy = proxy_start(pg.port);
	configure(load, setup);
}

void load_start(struct load *load, const struct load_setup *setup)
{
	prepare(load, setup);
	dray_expect(0, "migrate", "-c", load->config);
	load->outbox = testdb_open(load->from);
	load->archive = testdb_open(load->to);
	load->daemon = dray_start(load->name, NULL, "run", "-c", load->config);
	load->writer = writer_start(load->from, load->name, KEYS, setup->rows ? setup->rows : 10,
		setup->pause_ms ? setup->pause_ms : 10);
	load->watch = watch_start(load->to);
	load_wait_moving(load, 30000);
}

void load_fault_begin(struct load *load, const char *what)
{
	if (load->fault_count == LOAD_FAULTS)
		give_up("more than %d faults", LOAD_FAULTS);
	load->faults[load->fault_count] =
		(struct load_fault){ .what = what, .begin_ms = wall_ms() };
}

void load_fault_end(struct load *load)
{
	load->faults[load->fault_count++].end_ms = wall_ms();
}

int64_t load_archived(struct load *load)
{
	return testdb_int(load->archive, "SELECT coalesce(max(seq), 0) FROM %s",
		testdb_table(load->archive, "sink_position"));
}

static int64_t delivered(struct load *load)
{
	return testdb_in_state(load->outbox, "delivered");
}

static bool moves(struct load *load, int64_t relayed, int64_t stored)
{
	return delivered(load) > relayed && load_archived(load) > stored;
}

/* What was in doubt may move once and then stop: twice is moving. */
void load_wait_moving(struct load *load, int64_t ms)
{
	testdb_try(load->outbox, NULL, "SELECT 1");
	testdb_try(load->archive, NULL, "SELECT 1");
	for (int i = 0; i < 2; i++) {
		int64_t relayed = delivered(load), stored = load_archived(load);
		WAIT_UNTIL(ms, moves(load, relayed, stored));
	}
}

size_t load_log_size(struct load *load)
{
	return strlen(proc_log(load->daemon));
}

void load_check_log(struct load *load, size_t from, const char *what, size_t most)
{
	static const char *const pipelines[] = { " load: ", " archive: " };
	char *log = proc_log(load->daemon);

	for (size_t i = 0; i < 2; i++) {
		size_t trouble = lines_with(log, from, "Z warning ", pipelines[i]) +
			lines_with(log, from, "Z error ", pipelines[i]);
		size_t over = lines_with(log, from, "Z info ", pipelines[i]);
		if (trouble > most || over != trouble)
			give_up("%s: %zu lines of trouble and %zu of its end for%s:\n%s", what,
				trouble, over, pipelines[i], log + from);
	}
}

struct gather {
	struct moments *moments;
};

static void gather_time(void *context, uint64_t seq, natsMsg *message)
{
	struct gather *gather = context;
	jsMsgMetaData *about = NULL;

	(void)seq;
	if (natsMsg_GetMetaData(&about, message) != NATS_OK)
		give_up("a message of a stream without its place in it");
	moments_add(gather->moments, about->Timestamp / 1000000);
	jsMsgMetaData_Destroy(about);
}

static void say_pauses(struct load *load, struct jetstream *js)
{
	struct moments relayed = { 0 };
	struct gather gather = { &relayed };
	const struct moments *stored = watch_moments(load->watch);

	jetstream_each(js, load->name, gather_time, &gather);
	for (size_t i = 0; i < load->fault_count; i++) {
		const struct load_fault *fault = &load->faults[i];
		int64_t next = i + 1 < load->fault_count ? load->faults[i + 1].begin_ms
							 : fault->end_ms + 30000;
		struct pause relay = moments_pause(&relayed, fault->begin_ms, fault->end_ms, next);
		struct pause sink = moments_pause(stored, fault->begin_ms, fault->end_ms, next);
		say("STALL | %s | %s | %.1f s | relay %.1f s after, longest %.1f s | sink %.1f s "
		    "after, longest %.1f s",
			load->name, fault->what, (double)(fault->end_ms - fault->begin_ms) / 1000,
			(double)relay.first_ms / 1000, (double)relay.longest_ms / 1000,
			(double)sink.first_ms / 1000, (double)sink.longest_ms / 1000);
	}
	free(relayed.ms);
}

static void check_all_arrived(struct load *load)
{
	struct jetstream *js = jetstream_open(load->look_url);
	struct oracle *oracle = oracle_from_outbox(load->outbox, "TRUE");
	struct oracle_counts stream = oracle_see_stream(oracle, js, load->name);
	struct oracle_counts archive = oracle_see_archive(oracle, load->archive);

	say_pauses(load, js);
	if (load->unordered)
		stream.reordered = archive.reordered = 0;
	oracle_require(stream);
	oracle_require(archive);
	oracle_destroy(oracle);
	jetstream_delete(js, load->name);
	jetstream_close(js);
	assert_int_equal(testdb_int(load->outbox, "SELECT count(*) FROM %s WHERE attempts > 0",
				 testdb_table(load->outbox, "outbox")),
		0);
}

void load_end(struct load *load)
{
	int64_t committed = writer_end(load->writer);

	WAIT_UNTIL(60000, testdb_in_state(load->outbox, "pending") == 0);
	WAIT_UNTIL(60000,
		testdb_int(load->archive, "SELECT count(*) FROM %s",
			testdb_table(load->archive, "events")) >=
			testdb_in_state(load->outbox, "delivered"));
	watch_end(load->watch);
	dray_stop(load->daemon);
	say("%s: %lld transactions were written meanwhile", load->name, (long long)committed);
	check_all_arrived(load);
	testdb_close(load->outbox);
	testdb_close(load->archive);
}
