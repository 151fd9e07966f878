/* Servers, proxies, tables and drays of a run. */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "faults.h"

#define USUAL_ATTEMPTS 12

int64_t wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#define NATS_MEBIBYTES 64
#define FILE_MEBIBYTES 64
#define PG_MEBIBYTES   256

/* The servers keep their data in folders of these names. */
static void make_disks(struct world *world)
{
	const struct plan *plan = world->plan;
	bool cluster = plan->options.cluster, postgres = plan->options.postgres;

	if (faults_need(plan, NEEDS_NATS_DISKS) && !cluster)
		small_disk_make("nats", NATS_MEBIBYTES);
	for (int i = 0; faults_need(plan, NEEDS_NATS_DISKS) && cluster && i < NATS_CLUSTER_SIZE;
		i++)
		small_disk_make(text("node%d", i), NATS_MEBIBYTES);
	if (faults_need(plan, NEEDS_DATABASE_DISK))
		world->db_disk = small_disk_make(
			postgres ? "pg" : "files", postgres ? PG_MEBIBYTES : FILE_MEBIBYTES);
}

static void start_nats(struct world *world)
{
	char *extra = text("max_payload: %d\n", MAX_PAYLOAD);

	world->nodes = world->plan->options.cluster ? NATS_CLUSTER_SIZE : 1;
	if (world->nodes > 1)
		nats_cluster_start(&world->cluster, "node", extra);
	else
		nats_server_start(&world->cluster.servers[0], "nats", extra);
	for (int i = 0; i < world->nodes; i++)
		world->nats_proxies[i] = proxy_start(world->cluster.servers[i].port);
}

struct jetstream *world_jetstream(struct world *world)
{
	for (int i = 0; i < world->nodes; i++)
		if (port_answers(world->cluster.servers[i].port))
			return jetstream_open(world->cluster.servers[i].url);
	return jetstream_open(world->cluster.servers[0].url);
}

void world_make_consumer(struct jetstream *js)
{
	jetstream_ask(js, "CONSUMER.DURABLE.CREATE." QUEUE ".dray-queue",
		"{\"stream_name\":\"" QUEUE "\",\"config\":{\"durable_name\":\"dray-queue\","
		"\"ack_policy\":\"explicit\",\"ack_wait\":2000000000,\"max_ack_pending\":5000}}",
		patience(5000));
}

static char *stream_settings(const struct world *world)
{
	return text("\"num_replicas\":%d,\"duplicate_window\":%lld,\"max_msg_size\":%d",
		world->nodes, world->plan->window_ms * 1000000LL, MAX_MSG_SIZE);
}

static char *subjects(const struct world *world)
{
	return text("\"chaos.>\"%s%s", world->refuses_side ? "" : ",\"side.>\"",
		world->takes_late ? ",\"late.>\"" : "");
}

static void change_subjects(struct world *world)
{
	struct jetstream *js = world_jetstream(world);

	jetstream_change(js, STREAM, subjects(world), stream_settings(world));
	jetstream_close(js);
}

void world_take_side(struct world *world, bool take)
{
	world->refuses_side = !take;
	change_subjects(world);
}

void world_take_late(struct world *world, bool take)
{
	world->takes_late = take;
	change_subjects(world);
}

static void make_streams(struct world *world)
{
	struct jetstream *js = world_jetstream(world);

	jetstream_make(js, STREAM, subjects(world), stream_settings(world));
	jetstream_make(js, QUEUE, "\"queue.>\"",
		text("\"num_replicas\":%d,\"retention\":\"workqueue\"", world->nodes));
	world_make_consumer(js);
	jetstream_close(js);
}

/* dray goes through a proxy, the writers and we do not. */
static char *make_database(struct world *world)
{
	if (!world->plan->options.postgres)
		return world->url = text(
			       "sqlite:%s/chaos.db", world->db_disk ? world->db_disk : scratch());
	pg_server_start(&world->pg, "pg", (const char *const[]){ "deadlock_timeout=100ms", NULL });
	world->url = pg_server_url(&world->pg, "postgres"); /* which is there already */
	world->pg_proxy = proxy_start(world->pg.port);
	return proxy_pg_url(world->pg_proxy, "postgres");
}

static char *nats_urls(const struct world *world)
{
	char *all = text("%s", proxy_url(world->nats_proxies[0]));

	for (int i = 1; i < world->nodes; i++)
		all = text("%s,%s", all, proxy_url(world->nats_proxies[i]));
	return all;
}

/*
 * Rows that fail for a reason of their own end as dead within some seconds; trouble that meets all rows
 * alike must not count against them. A relay that is rung for need not look by itself.
 */
static void write_config(
	struct world *world, int i, const char *database, int attempts, const char *path)
{
	const struct plan *plan = world->plan;
	bool other = i == 1 && plan->other_name;

	file_write(path,
		text("nats: { url: \"%s\" }\n"
		     "relays:\n"
		     "  - { name: %s, database: \"%s\", %s ordering: %s, on_delivered: %s, batch: %d, "
		     "max_in_flight: %d, wakeup: %s, poll_interval: %s, "
		     "lease: %dms, retry: { initial: 50ms, max: 500ms, max_attempts: %d } }\n"
		     "sinks:\n"
		     "  - { name: archive, database: \"%s\", stream: " STREAM
		     ", batch: %d, lease: %dms }\n"
		     "  - { name: queue, database: \"%s\", stream: " QUEUE
		     ", table: %s, batch: %d, lease: %dms }\n",
			nats_urls(world), other ? "other" : "chaos", database,
			plan->named_stream ? "stream: " STREAM "," : "", plan->ordering,
			plan->deletes ? "delete" : "mark", plan->batch, plan->max_in_flight,
			plan->polls ? "poll" : "notify", plan->polls ? "200ms" : "10m",
			plan->lease_ms, attempts, database, plan->batch, plan->lease_ms, database,
			plan->options.postgres ? "dray.queued" : "dray_queued", plan->batch,
			plan->lease_ms));
}

static void write_configs(struct world *world, int i, const char *database)
{
	world->configs[i] = scratch_path("dray-%d.yaml", i);
	world->hasty_configs[i] = scratch_path("hasty-%d.yaml", i);
	write_config(world, i, database, USUAL_ATTEMPTS, world->configs[i]);
	write_config(world, i, database, 1, world->hasty_configs[i]);
}

bool world_is_in_total_order(const struct world *world)
{
	return strcmp(world->plan->ordering, "stream") == 0 && !world->plan->options.postgres;
}

/*
 * What the application writes besides the outbox: the keys it locks, and what it committed. A trigger counts how
 * often the archive was given an event in a transaction that was committed, also where it had the event already;
 * another one keeps the ids of rows that are deleted.
 */
static void make_tables(struct world *world)
{
	struct testdb *db = world->db;

	testdb_exec(db, "CREATE TABLE business (key TEXT PRIMARY KEY, n BIGINT NOT NULL)");
	testdb_exec(db,
		"CREATE TABLE ledger (txn TEXT NOT NULL, kind TEXT NOT NULL, event_id TEXT NOT NULL, "
		"n BIGINT NOT NULL, subject TEXT NOT NULL, key TEXT, headers TEXT, payload TEXT NOT "
		"NULL, delay_ms BIGINT NOT NULL, due_ms BIGINT NOT NULL, late INT NOT NULL)");
	testdb_exec(db, "CREATE INDEX ledger_txn ON ledger (txn)");
	testdb_exec(db, "CREATE TABLE series (i BIGINT PRIMARY KEY)");
	testdb_exec(db,
		"WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) "
		"INSERT INTO series SELECT i FROM s");
	testdb_exec(db, "%s",
		testdb_pick(db,
			"CREATE TRIGGER refuse BEFORE INSERT ON dray_queued WHEN new.msg_id LIKE 'bad-%' "
			"BEGIN SELECT raise(ABORT, 'refused'); END",
			"ALTER TABLE dray.queued ADD CONSTRAINT refused CHECK (msg_id NOT LIKE 'bad-%')"));
	testdb_exec(db, "CREATE TABLE attempts (seq BIGINT NOT NULL)");
	testdb_exec(db, "%s",
		testdb_pick(db,
			"CREATE TRIGGER attempts BEFORE INSERT ON dray_events BEGIN "
			"INSERT INTO attempts VALUES (new.seq); END",
			"CREATE FUNCTION attempts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
			"INSERT INTO attempts VALUES (NEW.seq); RETURN NEW; END $$; "
			"CREATE TRIGGER attempts BEFORE INSERT ON dray.events FOR EACH ROW "
			"EXECUTE FUNCTION attempts()"));
	if (world_is_in_total_order(world))
		testdb_exec(db,
			"CREATE TABLE ids (event_id TEXT NOT NULL, id INTEGER NOT NULL); CREATE TRIGGER "
			"ids AFTER INSERT ON dray_outbox BEGIN INSERT INTO ids VALUES (new.event_id, "
			"new.id); END");
	if (!testdb_is_postgres(db))
		return;
	testdb_exec(db,
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		"IF NEW.headers ? 'Slow' THEN PERFORM pg_sleep((NEW.headers->>'Slow')::float8); END IF; "
		"RETURN NEW; END $$; "
		"CREATE TRIGGER slow BEFORE INSERT ON dray.outbox FOR EACH ROW EXECUTE FUNCTION slow()");
	if (world->plan->cached_ids)
		testdb_exec(db, "ALTER TABLE dray.outbox ALTER COLUMN id SET CACHE 20");
}

void world_start(struct world *world, const struct plan *plan)
{
	*world = (struct world){ .plan = plan, .dray_count = plan->standby ? 2 : 1 };
	make_disks(world);
	start_nats(world);
	make_streams(world);
	char *database = make_database(world);
	for (int i = 0; i < world->dray_count; i++)
		write_configs(world, i, database);
	dray_expect(0, "migrate", "-c", world->configs[0]);
	world->db = testdb_open(world->url);
	make_tables(world);
	for (int i = 0; i < world->dray_count; i++)
		world_start_dray(world, i, NULL);
}

void world_finish(struct world *world)
{
	for (int i = 0; i < world->dray_count; i++)
		world_end_dray(world, i);
}

void world_start_dray(struct world *world, int i, const char *failpoints)
{
	world->drays[i] =
		dray_start(text("dray-%d", i), failpoints, "run", "-v", "-c", world->configs[i]);
}

void world_start_hasty_dray(struct world *world, int i, const char *failpoints)
{
	world->drays[i] = dray_start(
		text("dray-%d", i), failpoints, "run", "-v", "-c", world->hasty_configs[i]);
}

void world_check_drays(struct world *world)
{
	for (int i = 0; i < world->dray_count; i++)
		if (!proc_running(world->drays[i]))
			give_up("BREACH dray %d ended by itself with %d", i,
				world->drays[i]->status);
}

void world_end_dray(struct world *world, int i)
{
	struct proc *dray = world->drays[i];

	proc_signal(dray, SIGTERM);
	int status = proc_wait(dray, 30000);
	if (status != 0 && status != 128 + SIGTERM &&
		!(status == 1 && strstr(proc_log(dray), "shutdown_timeout is over")))
		give_up("BREACH dray ended with %d after SIGTERM", status);
}

void world_clear_network(struct world *world)
{
	for (int i = 0; i < world->nodes; i++)
		proxy_clear(world->nats_proxies[i]);
	if (world->pg_proxy)
		proxy_clear(world->pg_proxy);
}

int world_holder(struct world *world)
{
	char *holder =
		testdb_text(world->db, "SELECT holder FROM %s WHERE resource LIKE 'outbox:%%'",
			testdb_table(world->db, "lease"));

	for (int i = 0; i < world->dray_count; i++)
		if (strstr(holder, text("/%d/", (int)world->drays[i]->pid)))
			return i;
	return 0;
}
