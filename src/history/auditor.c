/*
 * The audit inside the daemon. Rows that were delivered within the window have no index of their own; but none
 * of them has an id below the lowest that was pending when the window began, which is noted at every turn.
 */
#include "history/auditor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "history/audit.h"

struct floor {
	int64_t ms; /* monotonic */
	int64_t id;
};

struct auditor {
	const struct config *config;
	const struct config_relay *relay;
	struct stop stop;
	pthread_t thread;
	struct floor *floors; /* the oldest first */
	size_t count;
	bool told; /* that it does not work */
	int64_t rows;
};

static bool ask_floor(const struct auditor *auditor, int64_t *id, struct error *err)
{
	struct db *db = db_create(auditor->relay->database, "dray audit", NULL, err);
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db && db_open(db, false, err) &&
		db_run(db, SQL_AUDIT_FLOOR, auditor->relay->table, NULL, 0, &arena, &rows, err);
	if (ok)
		*id = atoll(db_cell(&rows, 0, 0));
	arena_finish(&arena);
	db_destroy(db);
	return ok;
}

/* Where the window begins; everything, until so much time has passed. Older notes are dropped. */
static int64_t first_id(struct auditor *auditor, int64_t now)
{
	int64_t begin = now - auditor->relay->audit_window_ms;
	size_t useless = 0;

	if (auditor->count == 0 || auditor->floors[0].ms > begin)
		return INT64_MIN;
	while (useless + 1 < auditor->count && auditor->floors[useless + 1].ms <= begin)
		useless++;
	auditor->count -= useless;
	for (size_t i = 0; i < auditor->count; i++)
		auditor->floors[i] = auditor->floors[i + useless];
	return auditor->floors[0].id;
}

static bool note_floor(struct auditor *auditor, int64_t now, struct error *err)
{
	struct floor floor = { .ms = now };

	if (!ask_floor(auditor, &floor.id, err))
		return false;
	auditor->floors =
		memory_grow(auditor->floors, (auditor->count + 1) * sizeof(*auditor->floors));
	auditor->floors[auditor->count++] = floor;
	return true;
}

static void on_result(void *context, const struct audit_result *result)
{
	struct auditor *auditor = context;
	int64_t missing = result->counts[AUDIT_MISSING];

	auditor->rows += result->rows;
	if (missing > 0 && missing == result->healed)
		log_warning(auditor->relay->name,
			"audit: stream %s had lost events; these %" PRId64 " are published again",
			result->stream, missing);
	else if (missing > 0)
		log_error(auditor->relay->name,
			"audit: stream %s lost events that it had acknowledged: %" PRId64
			", of which %" PRId64
			" are published again; dray audit --heal publishes the others",
			result->stream, missing, result->healed);
}

static bool audit(struct auditor *auditor, struct error *err)
{
	int64_t now = clock_now_ms(), missing;
	char since[32];
	struct audit_options options = { .config = auditor->config,
		.relay = auditor->relay,
		.from_id = first_id(auditor, now),
		.since = since,
		.heal = auditor->relay->audit_heal,
		.stop = &auditor->stop,
		.result = on_result,
		.context = auditor };

	clock_format(clock_wall_ms() - auditor->relay->audit_window_ms, since);
	auditor->rows = 0;
	if (!note_floor(auditor, now, err) || !audit_run(&options, &missing, err))
		return false;
	log_debug(auditor->relay->name, "audit: %" PRId64 " events compared", auditor->rows);
	return true;
}

static void take_turn(struct auditor *auditor)
{
	struct error err = { 0 };

	if (audit(auditor, &err)) {
		auditor->told = false;
		return;
	}
	if (err.kind == ERROR_STOPPED || err.kind == ERROR_CONFLICT) /* another process heals */
		return;
	if (!auditor->told)
		log_warning(auditor->relay->name, "audit: %s", err.text);
	auditor->told = true;
}

static void *run(void *context)
{
	struct auditor *auditor = context;
	int64_t next = clock_now_ms();

	while (!stop_requested(&auditor->stop)) {
		next += auditor->relay->audit_every_ms;
		while (clock_now_ms() < next && !stop_wait(&auditor->stop, next - clock_now_ms()))
			continue;
		if (!stop_requested(&auditor->stop))
			take_turn(auditor);
		if (next < clock_now_ms())
			next = clock_now_ms();
	}
	return NULL;
}

struct auditor *auditor_start(const struct config *config, const struct config_relay *relay)
{
	if (relay->audit_every_ms == 0)
		return NULL;
	struct auditor *auditor = memory_new(sizeof(*auditor));
	auditor->config = config;
	auditor->relay = relay;
	if (stop_init(&auditor->stop) && pthread_create(&auditor->thread, NULL, run, auditor) == 0)
		return auditor;
	log_error(relay->name, "audit: no more threads or descriptors can be had");
	stop_finish(&auditor->stop);
	free(auditor);
	return NULL;
}

void auditor_stop(struct auditor *auditor)
{
	if (!auditor)
		return;
	stop_request(&auditor->stop);
	pthread_join(auditor->thread, NULL);
	stop_finish(&auditor->stop);
	free(auditor->floors);
	free(auditor);
}
