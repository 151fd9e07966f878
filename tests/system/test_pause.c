/*
 * Processes that are frozen (SIGSTOP) and go on later: dray, nats-server, PostgreSQL with all its backends,
 * and only the backends that serve dray. Nothing is lost, twice or turned around; nobody waits for a frozen
 * server longer than a deadline, also not who wants to end. DRAY_LONG=1 freezes for 20 s.
 */
#include <signal.h>

#include "load.h"

#define SHUTDOWN_MS 3000
#define GRACE_MS    3000 /* for a machine that is busy */

static int64_t pause_ms(void)
{
	return long_run() ? 20000 : 1500;
}

static void signal_dray(struct load *load, bool stop)
{
	proc_signal(load->daemon, stop ? SIGSTOP : SIGCONT);
}

static void signal_nats(struct load *load, bool stop)
{
	(void)load;
	(stop ? nats_server_pause : nats_server_resume)(&nats);
}

static void signal_postgres(struct load *load, bool stop)
{
	(void)load;
	(stop ? pg_server_pause : pg_server_resume)(&pg);
}

static void signal_one(void *context, const char *const *cells)
{
	kill((pid_t)strtol(cells[0], NULL, 10), *(int *)context);
}

static void remember_one(void *context, const char *const *cells)
{
	char **pids = context;

	*pids = text("%s,%s", *pids, cells[0]);
}

/* Who serves dray is asked while all can answer; a frozen backend may hold what the question needs. */
static void signal_backends(struct load *load, bool stop)
{
	static char *pids;
	int signal = stop ? SIGSTOP : SIGCONT;

	if (stop) {
		pids = text("%s", "0");
		testdb_each(load->archive, remember_one, &pids,
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'dray'");
	}
	for (char *pid = strchr(pids, ','); pid; pid = strchr(pid + 1, ',')) {
		const char *cells[] = { pid + 1 };
		signal_one(&signal, cells);
	}
}

typedef void signal_fn(struct load *load, bool stop);

static void freeze(struct load *load, const char *what, signal_fn *fn)
{
	size_t from = load_log_size(load);

	load_fault_begin(load, what);
	fn(load, true);
	nap(pause_ms());
	fn(load, false);
	load_fault_end(load);
	load_wait_moving(load, 40000);
	nap(1000);
	load_check_log(load, from, what, 1);
}

static void test_frozen_and_back(void **state)
{
	struct load load;

	load_start(&load, &(struct load_setup){ .kind = *state, .name = "frozen" });
	freeze(&load, "dray frozen", signal_dray);
	freeze(&load, "nats-server frozen", signal_nats);
	if (strcmp(load.kind, "postgres") == 0) {
		freeze(&load, "PostgreSQL frozen", signal_postgres);
		freeze(&load, "dray's backends frozen", signal_backends);
	}
	load_end(&load);
}

/* SIGTERM while a server is frozen; then the server goes on, and dray starts again. */
static void end_while_frozen(struct load *load, const char *what, signal_fn *fn)
{
	fn(load, true);
	nap(1000); /* so that threads wait for it */
	int64_t began = now_ms();
	proc_signal(load->daemon, SIGTERM);
	while (proc_running(load->daemon) && now_ms() < began + 60000)
		nap(20);
	int64_t took = now_ms() - began;
	fn(load, false);
	say("%s, %s: dray ended %lld ms after SIGTERM with %d", load->name, what, (long long)took,
		load->daemon->status);
	assert_true(took < patience(SHUTDOWN_MS + GRACE_MS));
	assert_in_range(load->daemon->status, 0, 1);
	load->daemon = dray_start(load->name, NULL, "run", "-c", load->config);
	load_wait_moving(load, 40000);
}

static void test_end_while_frozen(void **state)
{
	struct load load;

	load_start(&load,
		&(struct load_setup){
			.kind = *state, .name = "ending", .head = "shutdown_timeout: 3s" });
	end_while_frozen(&load, "nats-server frozen", signal_nats);
	if (strcmp(load.kind, "postgres") == 0)
		end_while_frozen(&load, "PostgreSQL frozen", signal_postgres);
	load_end(&load);
}

/* A command against a frozen server says so within a deadline, and with its own exit status. */
static void expect_unavailable(const char *config, const char *const *command)
{
	const char *line[8] = { command[0], "-c", config };
	int64_t began = now_ms();

	for (int i = 1; command[i]; i++)
		line[i + 2] = command[i];
	struct result result = dray_run(line, NULL);
	int64_t took = now_ms() - began;
	say("dray %s against a frozen server: %d after %lld ms", command[0], result.status,
		(long long)took);
	if (result.status != 3 || took > patience(12000))
		give_up("dray %s: %d after %lld ms\n%s%s", command[0], result.status,
			(long long)took, result.out, result.err);
}

static void test_commands_while_frozen(void **state)
{
	static const char *const commands[][4] = { { "status" }, { "check" },
		{ "emit", "frozen.a", "x" }, { "migrate" } };
	char *database = fixture_database("postgres", "commands"),
	     *config = fixture_config("commands",
		     "relays: [ { name: load, database: \"%s\" } ]\n"
		     "sinks: [ { name: archive, database: \"%s\", stream: FROZEN } ]\n",
		     database, database);

	(void)state;
	dray_expect(0, "migrate", "-c", config);
	pg_server_pause(&pg);
	for (int i = 0; i < 4; i++)
		expect_unavailable(config, commands[i]);
	pg_server_resume(&pg);
	nats_server_pause(&nats);
	expect_unavailable(config, commands[1]);
	nats_server_resume(&nats);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		FOR_BOTH(test_frozen_and_back),
		FOR_BOTH(test_end_while_frozen),
		cmocka_unit_test(test_commands_while_frozen),
	};
	const struct CMUnitTest few[] = {
		cmocka_unit_test_prestate(test_frozen_and_back, (void *)(uintptr_t)"postgres"),
		cmocka_unit_test_prestate(test_end_while_frozen, (void *)(uintptr_t)"postgres"),
	};

	only_named_tests();
	return long_run()
		? cmocka_run_group_tests_name("frozen processes", all, fixture_start, NULL)
		: cmocka_run_group_tests_name("frozen processes", few, fixture_start, NULL);
}
