/* Faults of the databases and of the network before PostgreSQL. */
#include <signal.h>

#include "faults.h"

#define PIDS 128

struct pids {
	size_t count;
	pid_t items[PIDS];
};

/* The first statement on a connection that has died is the one to learn of it, the next one connects. */
static void connect_again(struct world *world)
{
	testdb_try(world->db, NULL, "SELECT 1");
	testdb_try(world->db, NULL, "SELECT 1");
}

static bool restart_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	pg_server_end(&world->pg);
	nap(random_between(random, 0, 1000));
	pg_server_again(&world->pg);
	connect_again(world);
	return true;
}

static bool kill_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	pg_server_kill(&world->pg);
	nap(random_between(random, 0, 1000));
	pg_server_again(&world->pg);
	connect_again(world);
	return true;
}

static void add_pid(void *context, const char *const *cells)
{
	struct pids *pids = context;

	if (pids->count < PIDS)
		pids->items[pids->count++] = (pid_t)strtol(cells[0], NULL, 10);
}

static void signal_each(const struct pids *pids, int signal)
{
	for (size_t i = 0; i < pids->count; i++)
		kill(pids->items[i], signal); /* one that has ended meanwhile is all right */
}

static void find_processes(struct world *world, const char *which, struct pids *pids)
{
	testdb_each(world->db, add_pid, pids,
		text("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND %s",
			which));
}

static bool pause_processes(const struct pids *pids, int64_t ms)
{
	signal_each(pids, SIGSTOP);
	nap(ms);
	signal_each(pids, SIGCONT);
	return pids->count > 0;
}

/* Only dray comes by TCP. */
static bool pause_backends(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct pids pids = { 0 };

	(void)kind;
	find_processes(world, "client_addr IS NOT NULL", &pids);
	return pause_processes(&pids, random_between(random, 200, 3500));
}

static bool pause_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	struct pids pids = { .count = 1, .items = { world->pg.proc->pid } };

	(void)kind;
	find_processes(world, "TRUE", &pids);
	return pause_processes(&pids, random_between(random, 200, 3500));
}

static bool terminate_backends(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	return testdb_int(world->db,
		       "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
		       "client_addr IS NOT NULL") > 0;
}

static bool cut_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	network_cut(world->pg_proxy);
	network_pause(random, 2000);
	world_clear_network(world);
	return true;
}

static bool forget_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	(void)random;
	proxy_forget(world->pg_proxy);
	return true;
}

static bool hold_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	proxy_hold(world->pg_proxy, (int)random_between(random, PROXY_TO_SERVER, PROXY_BOTH));
	nap(random_between(random, 200, 3500));
	if (random_chance(random, 50))
		proxy_cut(world->pg_proxy);
	world_clear_network(world);
	return true;
}

static bool slow_postgres(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	network_slow(world->pg_proxy, (int)random_between(random, 2, 100), random);
	nap(random_between(random, 500, 1500));
	world_clear_network(world);
	return true;
}

/* Somebody writes for seconds, and all others get `database is locked`. */
static bool lock_sqlite(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	testdb_exec(world->db, "BEGIN IMMEDIATE; UPDATE business SET n = n");
	nap(random_between(random, 1500, 3500));
	testdb_exec(world->db, "COMMIT");
	return true;
}

/* A reader with an old snapshot, and the log cannot be emptied behind it. */
static bool hold_snapshot(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	(void)kind;
	testdb_exec(world->db, "BEGIN; SELECT count(*) FROM ledger");
	nap(random_between(random, 500, 1500));
	testdb_exec(world->db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	return true;
}

/* PostgreSQL ends where it cannot write its log, and mostly comes back by itself. */
static bool fill_database(struct world *world, const struct fault_kind *kind, uint64_t *random)
{
	int64_t one;

	(void)kind;
	disk_full(world->db_disk, random);
	if (!world->plan->options.postgres)
		return true;
	nap(500);
	if (!proc_running(world->pg.proc))
		pg_server_again(&world->pg);
	WAIT_UNTIL(60000, testdb_try_int(world->db, &one, "SELECT 1"));
	return true;
}

const struct fault_kind faults_of_databases[] = {
	{ "restart-postgres", restart_postgres, NEEDS_POSTGRES, 0 },
	{ "kill-postgres", kill_postgres, NEEDS_POSTGRES, 0 },
	{ "pause-postgres", pause_postgres, NEEDS_POSTGRES, 0 },
	{ "pause-backends", pause_backends, NEEDS_POSTGRES, 0 },
	{ "terminate-backends", terminate_backends, NEEDS_POSTGRES, 0 },
	{ "cut-postgres", cut_postgres, NEEDS_POSTGRES, 0 },
	{ "forget-postgres", forget_postgres, NEEDS_POSTGRES, 0 },
	{ "hold-postgres", hold_postgres, NEEDS_POSTGRES, 0 },
	{ "slow-postgres", slow_postgres, NEEDS_POSTGRES, 0 },
	{ "lock-sqlite", lock_sqlite, NEEDS_SQLITE, 0 },
	{ "hold-snapshot", hold_snapshot, NEEDS_SQLITE, 0 },
	{ "fill-database", fill_database, NEEDS_DATABASE_DISK, 0 },
	{ NULL, NULL, 0, 0 },
};
