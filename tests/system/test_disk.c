/*
 * A disk that is full while dray works and has room again later: under either database, and under
 * JetStream. Nothing is lost or twice, no row's attempts grow, and there is one line for the beginning and
 * one for the end. nats-server may turn JetStream off when its disk is full; then it has to be restarted,
 * and so does PostgreSQL where it cannot even write its log.
 */
#include <signal.h>

#include "load.h"

static char *files_disk, *nats_disk, *pg_disk;

static int start(void **state)
{
	files_disk = small_disk_make("files", 24);
	nats_disk = small_disk_make("nats", 64);
	pg_disk = small_disk_make("pg", 192);
	return fixture_start(state);
}

static int64_t full_ms(void)
{
	return long_run() ? 15000 : 2000;
}

/* The writer suffers from a full disk too: what dray has to do then is there before. */
static void gather_backlog(struct load *load, const char *disk)
{
	proc_signal(load->daemon, SIGSTOP);
	nap(1500);
	small_disk_fill(disk);
	proc_signal(load->daemon, SIGCONT);
}

static void through_full_disk(struct load *load, const char *what, const char *disk,
	void (*heal)(const struct load *load))
{
	size_t from = load_log_size(load);

	load_fault_begin(load, what);
	gather_backlog(load, disk);
	nap(full_ms());
	small_disk_free(disk);
	heal(load);
	load_fault_end(load);
	load_wait_moving(load, 60000);
	nap(1000);
	load_check_log(load, from, what, 3); /* a little fits in now and then */
}

static void heal_database(const struct load *load)
{
	(void)load;
	nap(500);
	if (proc_running(pg.proc))
		return;
	say("PostgreSQL has ended, as it does when it cannot write its log; started again");
	pg_server_again(&pg);
}

/* -1: JetStream does not answer. */
static int64_t last_of(struct jetstream *js, const char *stream)
{
	char *said = jetstream_ask(js, text("STREAM.INFO.%s", stream), NULL, 2000);
	char *found = said ? strstr(said, "\"last_seq\":") : NULL;

	return found ? strtoll(found + strlen("\"last_seq\":"), NULL, 10) : -1;
}

/* The relay itself shows it: the stream grows again. */
static bool stream_takes(const char *stream)
{
	struct jetstream *js = jetstream_open(nats.url);
	int64_t before = last_of(js, stream), now = before, end = now_ms() + patience(4000);

	while (before >= 0 && now <= before && now_ms() < end) {
		nap(100);
		now = last_of(js, stream);
	}
	jetstream_close(js);
	return now > before;
}

/*
 * 2.9 turns JetStream off for good, and does not even end any more; 2.15 takes nothing more into a stream
 * whose file it could not write; between them it goes on by itself.
 */
static void heal_nats(const struct load *load)
{
	if (stream_takes(load->name))
		return;
	say("nats-server does not take messages again; restarted");
	nats_server_kill(&nats);
	nats_server_again(&nats);
}

static const char *in_total_order(const char *name, const char *kind)
{
	return text("ordering: stream, stream: %s_%s", name, kind);
}

static void full_under_the_database(const char *kind, const char *name, const char *relay)
{
	bool sqlite = strcmp(kind, "sqlite") == 0;
	struct load load;

	load_start(&load,
		&(struct load_setup){ .kind = kind,
			.name = name,
			.relay = relay,
			.from = sqlite ? text("sqlite:%s/%s.db", files_disk, name) : NULL,
			.to = sqlite ? text("sqlite:%s/%s-to.db", files_disk, name) : NULL });
	through_full_disk(
		&load, "disk of the database full", sqlite ? files_disk : pg_disk, heal_database);
	load_end(&load);
}

static void full_under_jetstream(const char *kind, const char *name, const char *relay)
{
	struct load load;

	load_start(&load, &(struct load_setup){ .kind = kind, .name = name, .relay = relay });
	through_full_disk(&load, "disk of JetStream full", nats_disk, heal_nats);
	load_end(&load);
}

static void test_under_the_database(void **state)
{
	full_under_the_database(*state, "full", NULL);
}

static void test_under_the_database_in_total_order(void **state)
{
	full_under_the_database(*state, "full_total", in_total_order("full_total", *state));
}

static void test_under_jetstream(void **state)
{
	full_under_jetstream(*state, "full_js", NULL);
}

static void test_under_jetstream_in_total_order(void **state)
{
	full_under_jetstream(*state, "full_js_total", in_total_order("full_js_total", *state));
}

int main(void)
{
	const struct CMUnitTest all[] = {
		FOR_BOTH(test_under_the_database),
		FOR_BOTH(test_under_jetstream),
		FOR_BOTH(test_under_the_database_in_total_order),
		FOR_BOTH(test_under_jetstream_in_total_order),
	};
	const struct CMUnitTest few[] = {
		FOR_BOTH(test_under_the_database),
	};

	const char *forbidden = small_disk_prepare();
	if (forbidden) {
		say("skipped: %s", forbidden);
		return SMALL_DISK_SKIPPED;
	}
	only_named_tests();
	return long_run() ? cmocka_run_group_tests_name("full disks", all, start, NULL)
			  : cmocka_run_group_tests_name("full disks", few, start, NULL);
}
