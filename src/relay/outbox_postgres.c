/*
 * An outbox in PostgreSQL. The bell (see migrations/postgres/0001_core.sql): while `asleep` this session holds
 * its lock, so writers ring; whoever finds rows gives it back, so that busy writers need not.
 */
#include "relay/outbox_postgres.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "db/migrate.h"

#define BELL_CLASS   "1685217657" /* 'dray', as in the trigger */
#define PAUSE_MAX_MS 50

static struct outbox *create(void)
{
	struct outbox_pg *pg = memory_new(sizeof(*pg));

	pg->pause_ms = OUTBOX_PG_PAUSE_MIN_MS;
	return &pg->base;
}

static void destroy(struct outbox *outbox)
{
	struct outbox_pg *pg = pg_of(outbox);

	gaps_clear(&pg->gaps);
	buf_finish(&pg->low);
	buf_finish(&pg->high);
	buf_finish(&pg->ids);
	buf_finish(&pg->event_ids);
	buf_finish(&pg->numbers);
	buf_finish(&pg->texts);
	free(pg);
}

static void rewound(struct outbox *outbox)
{
	gaps_clear(&pg_of(outbox)->gaps);
}

static bool find_oid(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	struct postgres_call call = { .sql = "SELECT $1::regclass::oid" };
	char *table = db_quote_table(outbox->config->table, err);
	PGresult *result;

	if (!table)
		return false;
	postgres_add_text(&call, table);
	bool ok = postgres_call(connection_of(outbox), &call, &result, err);
	free(table);
	if (!ok)
		return false;
	snprintf(pg->oid, sizeof(pg->oid), "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

static bool prepare(
	struct outbox *outbox, const char *name, enum statement statement, struct error *err)
{
	char *sql = db_statement_text(DB_POSTGRES, statement, outbox->config->table);
	bool ok = postgres_prepare(connection_of(outbox), name, sql, err);

	free(sql);
	return ok;
}

/*
 * Every statement goes by an index, and by the one that has the order it asks for; the planner would sometimes
 * know better from stale statistics. What is written here may be lost in a crash of the server: then the rows
 * are looked up in the stream.
 */
static const char session[] = "SET synchronous_commit = off; SET enable_seqscan = off;"
			      "SET enable_bitmapscan = off; SET enable_hashjoin = off;"
			      "SET enable_mergejoin = off; SET enable_sort = off; SET jit = off;"
			      "SET max_parallel_workers_per_gather = 0;"
			      "SET plan_cache_mode = force_generic_plan";

static bool opened(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	bool erase = outbox->config->on_delivered == ON_DELIVERED_DELETE;
	char listen[48];

	pg->asleep = false;
	if (!migrate_check(outbox->db, MIGRATE_OUTBOX, outbox->config->table, err) ||
		!find_oid(outbox, err) ||
		!postgres_script(connection_of(outbox), session, 0, err) ||
		!postgres_limit_statements(connection_of(outbox), err))
		return false;
	if (!prepare(outbox, "new", SQL_OUTBOX_NEW, err) ||
		!prepare(outbox, "read", SQL_OUTBOX_READ, err) ||
		!prepare(outbox, "settle", erase ? SQL_OUTBOX_DELETE : SQL_OUTBOX_SETTLE, err) ||
		!prepare(outbox, "fail", SQL_OUTBOX_FAIL, err) ||
		!prepare(outbox, "holders", SQL_OUTBOX_HOLDERS, err))
		return false;
	snprintf(listen, sizeof(listen), "LISTEN \"dray_%s\"", pg->oid);
	return outbox->config->wakeup != WAKEUP_NOTIFY ||
		postgres_script(connection_of(outbox), listen, 0, err);
}

/* A former holder that is cut off may still hold the bell: then every writer rings, and nobody hears. */
static void leased(struct outbox *outbox)
{
	const char *parameters[] = { pg_of(outbox)->oid };

	if (outbox->config->wakeup == WAKEUP_NOTIFY)
		db_run(outbox->db, SQL_OUTBOX_STALE, NULL, parameters, 1, NULL, NULL, NULL);
}

static void resting(struct outbox *outbox)
{
	outbox_pg_wake(outbox, NULL);
}

static void closing(struct outbox *outbox)
{
	pg_of(outbox)->asleep = false;
}

static bool bell(struct outbox *outbox, const char *function, bool *got, struct error *err)
{
	char sql[128];
	struct postgres_call call = { .sql = sql };
	PGresult *result;

	snprintf(sql, sizeof(sql), "SELECT %s(" BELL_CLASS ", (%s & 2147483647)::int)", function,
		pg_of(outbox)->oid);
	if (!postgres_call(connection_of(outbox), &call, &result, err))
		return false;
	*got = PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	return true;
}

bool outbox_pg_wake(struct outbox *outbox, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);
	bool done;

	if (!pg->asleep)
		return true;
	pg->asleep = false;
	pg->pause_ms = OUTBOX_PG_PAUSE_MIN_MS;
	return bell(outbox, "pg_advisory_unlock", &done, err);
}

static bool sleep_on(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct pollfd fds[2] = { { .fd = PQsocket(postgres_connection(connection_of(outbox))),
					 .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN } };
	bool notified;

	poll(fds, 2, ms < 0 ? 0 : (int)ms);
	return !fds[0].revents || postgres_notified(connection_of(outbox), &notified, err);
}

/* Twice as long each time, while there is somebody to wait for but nothing to read. */
static int64_t pause_before_look(struct outbox_pg *pg, int64_t ms)
{
	int64_t pause = pg->pause_ms < ms ? pg->pause_ms : ms;

	pg->pause_ms = pg->pause_ms * 2 < PAUSE_MAX_MS ? pg->pause_ms * 2 : PAUSE_MAX_MS;
	return pause;
}

static bool wait_for_rows(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	struct outbox_pg *pg = pg_of(outbox);

	if (!postgres_is_open(connection_of(outbox)))
		return error_set(err, ERROR_UNAVAILABLE, "%s: not connected", db_label(outbox->db));
	if (pg->gaps.count > 0)
		return sleep_on(outbox, wake_fd, pause_before_look(pg, ms), err);
	if (outbox->config->wakeup == WAKEUP_NOTIFY && !pg->asleep) {
		if (!bell(outbox, "pg_try_advisory_lock", &pg->asleep, err))
			return false;
		if (pg->asleep) /* what was committed before is seen by one more look */
			return true;
		return sleep_on(outbox, wake_fd, pause_before_look(pg, ms), err);
	}
	return sleep_on(outbox, wake_fd, ms, err);
}

const struct outbox_driver outbox_postgres = {
	.create = create,
	.destroy = destroy,
	.opened = opened,
	.leased = leased,
	.resting = resting,
	.closing = closing,
	.rewound = rewound,
	.read = outbox_pg_read,
	.settle = outbox_pg_settle,
	.wait = wait_for_rows,
};
