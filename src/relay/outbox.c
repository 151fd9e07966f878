/* What both databases share of an outbox: connection, lease, positions, the cursor and the sweep. */
#include "relay/outbox_driver.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define FOR_EVER (INT64_MAX / 4)

bool outbox_init(struct outbox *outbox, const struct outbox_driver *driver,
	const struct config_relay *config, struct stop *stop, struct error *err)
{
	char resource[256];

	outbox->db = db_create(config->database, "dray", stop, err);
	if (!outbox->db)
		return false;
	outbox->driver = driver;
	outbox->config = config;
	snprintf(resource, sizeof(resource), "outbox:%s", config->table);
	lease_init(&outbox->lease, resource, config->lease_ms);
	prune_init(&outbox->prune, config->table, config->retention_ms);
	if (driver->guest) /* there is nothing that it could lose */
		lease_confirm(&outbox->lease, FOR_EVER);
	outbox_rewind(outbox);
	return true;
}

struct outbox *outbox_create(
	const struct config_relay *config, struct stop *stop, struct error *err)
{
	enum db_kind kind;

	if (!db_check_url(config->database, &kind, err))
		return NULL;
	const struct outbox_driver *driver = config->borrowed.id ? &outbox_borrowed
		: kind == DB_SQLITE				 ? &outbox_sqlite
								 : &outbox_postgres;
	struct outbox *outbox = driver->create();
	if (outbox_init(outbox, driver, config, stop, err))
		return outbox;
	driver->destroy(outbox);
	return NULL;
}

void outbox_destroy(struct outbox *outbox)
{
	if (!outbox)
		return;
	outbox_close(outbox);
	db_destroy(outbox->db);
	outbox->driver->destroy(outbox);
}

struct db *outbox_db(struct outbox *outbox)
{
	return outbox->db;
}

struct lease *outbox_lease(struct outbox *outbox)
{
	return &outbox->lease;
}

bool outbox_is_guest(const struct outbox *outbox)
{
	return outbox->driver->guest;
}

size_t outbox_parts(const struct outbox *outbox)
{
	return outbox->driver->parts ? outbox->driver->parts : 1;
}

bool outbox_is_done(const struct outbox *outbox)
{
	return outbox->done;
}

bool outbox_report(struct outbox *outbox, const struct report *report, struct error *err)
{
	return outbox->driver->guest || report_write(outbox->db, report, err);
}

static void disconnect(struct outbox *outbox)
{
	if (db_is_open(outbox->db) && outbox->driver->closing)
		outbox->driver->closing(outbox);
	db_close(outbox->db);
}

/* A database that failed is connected anew: the file may be another one, the session half broken. */
static bool checked(struct outbox *outbox, bool ok, const struct error *err)
{
	if (!ok && err->kind == ERROR_UNAVAILABLE)
		disconnect(outbox);
	return ok;
}

static bool connect_once(struct outbox *outbox, struct error *err)
{
	if (db_is_open(outbox->db))
		return true;
	if (!db_open(outbox->db, false, err))
		return false;
	lease_forget(&outbox->lease);
	if (outbox->driver->opened(outbox, err))
		return true;
	db_close(outbox->db);
	return false;
}

bool outbox_open(struct outbox *outbox, struct error *err)
{
	if (!connect_once(outbox, err))
		return false;
	if (outbox->driver->guest)
		return true;
	if (!checked(outbox, lease_acquire(outbox->db, &outbox->lease, err), err))
		return false;
	if (outbox->driver->leased)
		outbox->driver->leased(outbox);
	return true;
}

void outbox_close(struct outbox *outbox)
{
	if (db_is_open(outbox->db))
		lease_release(outbox->db, &outbox->lease);
	disconnect(outbox);
}

bool outbox_positions(struct outbox *outbox, struct arena *arena, struct position **positions,
	size_t *count, struct error *err)
{
	const char *parameters[] = { outbox->lease.resource };
	struct db_rows rows;

	if (outbox->driver->positions)
		return outbox->driver->positions(outbox, arena, positions, count, err);
	if (!db_run(outbox->db, SQL_RELAY_POSITIONS, NULL, parameters, 1, arena, &rows, err))
		return false;
	*count = rows.rows;
	*positions = arena_new(arena, (rows.rows + 1) * sizeof(**positions));
	for (size_t i = 0; i < rows.rows; i++) {
		struct position *position = &(*positions)[i];
		snprintf(position->stream, sizeof(position->stream), "%s", db_cell(&rows, i, 0));
		snprintf(position->created, sizeof(position->created), "%s", db_cell(&rows, i, 1));
		position->seq = strtoull(db_cell(&rows, i, 2), NULL, 10);
		position->marked_seq = strtoull(db_cell(&rows, i, 3), NULL, 10);
		snprintf(position->marked_id, sizeof(position->marked_id), "%s",
			db_cell(&rows, i, 4));
	}
	return true;
}

bool outbox_oldest(struct outbox *outbox, int64_t *created_ms, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	if (outbox->driver->oldest)
		return outbox->driver->oldest(outbox, created_ms, err);
	arena_init(&arena);
	bool ok = db_run(
		outbox->db, SQL_OUTBOX_OLDEST, outbox->config->table, NULL, 0, &arena, &rows, err);
	if (ok)
		*created_ms = rows.rows ? atoll(db_cell(&rows, 0, 0)) : INT64_MAX;
	arena_finish(&arena);
	return ok;
}

void outbox_rest(struct outbox *outbox)
{
	if (db_is_open(outbox->db) && outbox->driver->resting)
		outbox->driver->resting(outbox);
}

void outbox_rewind(struct outbox *outbox)
{
	outbox->cursor = INT64_MIN;
	outbox->sweep_at = OUTBOX_NO_SWEEP;
	outbox->gaps = 0;
	if (outbox->driver->rewound)
		outbox->driver->rewound(outbox);
}

void outbox_sweep(struct outbox *outbox, int64_t from)
{
	outbox->sweep_at = from > INT64_MIN ? from - 1 : from;
}

void outbox_stop_sweep(struct outbox *outbox)
{
	outbox->sweep_at = OUTBOX_NO_SWEEP;
}

/* New rows were never read before; of others, this session may have sent some already. */
static bool has_old_rows(const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->rows[i]->source != ROW_NEW)
			return true;
	return false;
}

static void move_on(struct outbox *outbox, bool swept, struct batch *batch)
{
	batch->sweep_end = outbox->cursor;
	for (size_t i = 0; i < batch->count; i++) {
		const struct row *row = batch->rows[i];
		if (row->source == ROW_NEW && row->id > outbox->cursor)
			outbox->cursor = row->id;
		else if (row->source == ROW_SWEEP)
			outbox->sweep_at = row->id;
	}
	batch->sweep_done = batch->sweep_done && swept;
	if (batch->sweep_done)
		outbox->sweep_at = OUTBOX_NO_SWEEP;
}

bool outbox_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err)
{
	bool swept = plan->sweep && outbox->sweep_at != OUTBOX_NO_SWEEP;

	if (!checked(outbox, outbox->driver->read(outbox, plan, batch, err), err))
		return false;
	if (!outbox->driver->guest && has_old_rows(*batch) &&
		!checked(outbox, lease_check(outbox->db, &outbox->lease, err), err)) {
		batch_destroy(*batch);
		return false;
	}
	batch_finish(*batch);
	move_on(outbox, swept, *batch);
	return true;
}

void outbox_expect(struct outbox *outbox, const struct read_beside *beside)
{
	outbox->beside = beside;
}

void outbox_read_beside(struct outbox *outbox, struct batch *batch)
{
	const struct read_beside *beside = outbox->beside;

	outbox->beside = NULL;
	batch_finish(batch);
	move_on(outbox, false, batch);
	beside->take(beside->context, batch);
}

static size_t collect(const struct verdict *verdicts, size_t count, bool delivered, size_t stream,
	const struct verdict **group)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if ((verdicts[i].outcome == OUTCOME_DELIVERED) == delivered &&
			(!delivered || verdicts[i].stream == stream))
			group[found++] = &verdicts[i];
	return found;
}

bool outbox_settle(struct outbox *outbox, const struct verdict *verdicts, size_t count,
	const struct position *positions, size_t streams, size_t *missed, struct error *err)
{
	const struct verdict **group = memory_new((count + 1) * sizeof(*group));
	size_t changed = 0, total = 0;
	bool ok = true;

	for (size_t stream = 0; ok && stream <= streams; stream++) {
		bool delivered = stream < streams;
		size_t size = collect(verdicts, count, delivered, stream, group), done = 0;
		if (size == 0)
			continue;
		ok = outbox->driver->settle(
			outbox, group, size, delivered ? &positions[stream] : NULL, &done, err);
		changed += done;
		total += size;
	}
	free(group);
	outbox->beside = NULL;
	*missed = total - changed;
	return checked(outbox, ok, err);
}

bool outbox_prune(struct outbox *outbox, int64_t *next_ms, struct error *err)
{
	struct prune *prune = &outbox->prune;
	bool over;

	if (!checked(outbox, prune_step(prune, outbox->db, false, true, &over, err), err))
		return false;
	*next_ms = over ? prune_every_ms(prune->retention_ms) : prune->pace.pause_ms;
	return true;
}

bool outbox_wait(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err)
{
	return checked(outbox, outbox->driver->wait(outbox, wake_fd, ms, err), err);
}

void outbox_sleep(int wake_fd, int64_t ms)
{
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	poll(&fd, 1, ms < 0 ? 0 : (int)ms);
}

bool outbox_needs_sweeps(const struct outbox *outbox)
{
	return outbox->gaps_overflowed;
}

size_t outbox_gaps(const struct outbox *outbox)
{
	return outbox->gaps;
}

uint64_t outbox_late(const struct outbox *outbox)
{
	return outbox->late;
}
