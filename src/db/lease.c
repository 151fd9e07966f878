/*
 * The lease: a row that its holder renews, with an epoch that grows with each new holder. It is taken by
 * compare-and-set on what was seen, so of many that stand by one gets it.
 */
#include "db/lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define POLLS	    20 /* a length: the last fifth is for what happens after the wait, too */
#define POLL_MAX_MS 250
#define NUMBER	    24

#define PAUSED_MS 1000 /* how often to look whether a pause is over */

enum column {
	COLUMN_HOLDER,
	COLUMN_EPOCH,
	COLUMN_RENEWALS,
	COLUMN_LENGTH,
	COLUMN_PAUSED_AT,
	COLUMN_PAUSED_BY,
	COLUMN_PAUSED_WHY,
};

void lease_init(struct lease *lease, const char *resource, int64_t length_ms)
{
	*lease = (struct lease){ .length_ms = length_ms };
	snprintf(lease->resource, sizeof(lease->resource), "%s", resource);
	process_name(lease->holder);
}

static bool run(struct db *db, enum statement statement, const char *const *parameters,
	size_t count, int64_t *epoch, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, statement, NULL, parameters, count, &arena, &rows, err);
	*epoch = ok && rows.rows > 0 ? atoll(db_cell(&rows, 0, 0)) : 0;
	arena_finish(&arena);
	return ok;
}

static void note_pause(struct lease_pause *pause, const struct db_rows *rows)
{
	const char *by = db_cell(rows, 0, COLUMN_PAUSED_BY);
	const char *at = db_cell(rows, 0, COLUMN_PAUSED_AT);
	const char *why = db_cell(rows, 0, COLUMN_PAUSED_WHY);

	pause->on = at != NULL;
	snprintf(pause->at, sizeof(pause->at), "%s", at ? at : "");
	snprintf(pause->by, sizeof(pause->by), "%s", by ? by : "");
	snprintf(pause->why, sizeof(pause->why), "%s", why ? why : "");
}

/* What the row says; a change begins the watch anew. */
static void note(struct lease *lease, const struct db_rows *rows, int64_t now)
{
	struct lease_seen seen = { .epoch = atoll(db_cell(rows, 0, COLUMN_EPOCH)),
		.renewals = atoll(db_cell(rows, 0, COLUMN_RENEWALS)),
		.length_ms = atoll(db_cell(rows, 0, COLUMN_LENGTH)),
		.since_ms = now };

	snprintf(seen.holder, sizeof(seen.holder), "%s", db_cell(rows, 0, COLUMN_HOLDER));
	if (lease->seen.since_ms && seen.epoch == lease->seen.epoch &&
		seen.renewals == lease->seen.renewals && seen.length_ms == lease->seen.length_ms &&
		strcmp(seen.holder, lease->seen.holder) == 0)
		return;
	lease->seen = seen;
	if (seen.epoch > lease->highest)
		lease->highest = seen.epoch;
}

static bool look(struct db *db, struct lease *lease, struct error *err)
{
	const char *parameters[] = { lease->resource };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_LEASE_LOOK, NULL, parameters, 1, &arena, &rows, err);
	if (ok)
		lease->looked_ms = clock_now_ms();
	if (ok && rows.rows > 0) {
		note(lease, &rows, lease->looked_ms);
		note_pause(&lease->pause, &rows);
	} else if (ok) {
		lease_forget(lease);
		lease->pause.on = false;
	}
	arena_finish(&arena);
	return ok;
}

/* When the row that was seen may be taken, if nobody changes it until then. */
static int64_t free_at_ms(const struct lease_seen *seen)
{
	return seen->since_ms + seen->length_ms * 4 / 5;
}

/* looked_ms: when the last look was sent, since a database that was paused answers late. */
static bool may_take(const struct lease *lease, int64_t looked_ms)
{
	const struct lease_seen *seen = &lease->seen;
	bool ours = strcmp(seen->holder, lease->holder) == 0 && seen->epoch >= lease->highest;

	return ours || seen->length_ms <= 0 || looked_ms >= free_at_ms(seen) ||
		process_is_gone(seen->holder);
}

static bool take(struct db *db, struct lease *lease, int64_t *epoch, struct error *err)
{
	const struct lease_seen *seen = &lease->seen;
	char length[NUMBER], old_epoch[NUMBER], renewals[NUMBER];
	const char *parameters[] = { lease->resource, lease->holder, length, seen->holder,
		old_epoch, renewals };

	snprintf(length, NUMBER, "%" PRId64, lease->length_ms);
	snprintf(old_epoch, NUMBER, "%" PRId64, seen->epoch);
	snprintf(renewals, NUMBER, "%" PRId64, seen->renewals);
	return seen->since_ms ? run(db, SQL_LEASE_TAKE, parameters, 6, epoch, err)
			      : run(db, SQL_LEASE_FIRST, parameters, 3, epoch, err);
}

static bool held_by_other(struct lease *lease, struct error *err)
{
	lease->epoch = 0;
	return error_set(err, ERROR_CONFLICT, "%s is held by %s", lease->resource,
		lease->seen.since_ms ? lease->seen.holder : "another process");
}

/* Whoever holds it gives it back, so that it is seen to be free. */
static bool is_paused(struct db *db, struct lease *lease, struct error *err)
{
	const struct lease_pause *pause = &lease->pause;

	lease_release(db, lease);
	return error_set(err, ERROR_CONFLICT,
		"%s was paused at %s by %s%s%s; \"dray resume\" ends that", lease->resource,
		pause->at, pause->by, *pause->why ? ": " : "", pause->why);
}

bool lease_acquire(struct db *db, struct lease *lease, struct error *err)
{
	int64_t sent = clock_now_ms(), epoch = 0;

	if (!look(db, lease, err))
		return false;
	if (lease->pause.on)
		return is_paused(db, lease, err);
	if (lease->seen.since_ms && !may_take(lease, sent))
		return held_by_other(lease, err);
	sent = clock_now_ms();
	if (!take(db, lease, &epoch, err))
		return false;
	if (epoch == 0 && !look(db, lease, err)) /* somebody was faster */
		return false;
	if (epoch == 0)
		return lease->pause.on ? is_paused(db, lease, err) : held_by_other(lease, err);
	lease->epoch = lease->highest = epoch;
	lease_confirm(lease, sent);
	lease->renewals = lease->seen.since_ms ? lease->seen.renewals + 1 : 0;
	lease_forget(lease);
	return true;
}

int64_t lease_wait_ms(const struct lease *lease)
{
	const struct lease_seen *seen = &lease->seen;
	int64_t length = lease->length_ms < seen->length_ms || !seen->since_ms ? lease->length_ms
									       : seen->length_ms;
	int64_t pause = length / POLLS, left = free_at_ms(seen) - clock_now_ms();

	if (lease->pause.on)
		return PAUSED_MS;
	if (pause > POLL_MAX_MS)
		pause = POLL_MAX_MS;
	return left > 0 && left < pause ? left : pause > 0 ? pause : 1;
}

void lease_forget(struct lease *lease)
{
	lease->seen = (struct lease_seen){ 0 };
}

bool lease_is_free(struct db *db, struct lease *lease, bool *free, struct error *err)
{
	int64_t sent = clock_now_ms();

	if (!look(db, lease, err))
		return false;
	*free = !lease->seen.since_ms || may_take(lease, sent);
	return true;
}

bool lease_pause(struct db *db, const char *resource, const char *by, const char *why,
	bool *changed, struct error *err)
{
	const char *parameters[] = { resource, by, why };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_LEASE_PAUSE, NULL, parameters, 3, &arena, &rows, err);
	if (ok && changed)
		*changed = rows.changed > 0;
	arena_finish(&arena);
	return ok;
}

bool lease_resume(struct db *db, const char *resource, bool *changed, struct error *err)
{
	const char *parameters[] = { resource };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_LEASE_RESUME, NULL, parameters, 1, &arena, &rows, err);
	if (ok)
		*changed = rows.changed > 0;
	arena_finish(&arena);
	return ok;
}

static bool is_held(const struct lease *lease)
{
	const struct lease_seen *seen = &lease->seen;

	return seen->since_ms && seen->epoch == lease->epoch &&
		strcmp(seen->holder, lease->holder) == 0;
}

/* To be called after a look. */
static bool say_lost(struct db *db, struct lease *lease, struct error *err)
{
	const struct lease_seen *seen = &lease->seen;
	bool ours = seen->since_ms && strcmp(seen->holder, lease->holder) == 0;

	if (ours && (seen->epoch < lease->epoch || seen->renewals < lease->renewals))
		return error_set(err, ERROR_UNAVAILABLE,
			"%s: the database went back to an earlier state: the lease on %s counts "
			"%" PRId64 " renewals of %" PRId64,
			db_label(db), lease->resource, seen->renewals, lease->renewals);
	return error_set(err, ERROR_CONFLICT, "the lease on %s is lost: it is held by %s",
		lease->resource, seen->since_ms ? seen->holder : "another process");
}

bool lease_lost(struct db *db, struct lease *lease, struct error *err)
{
	return look(db, lease, err) && say_lost(db, lease, err);
}

bool lease_check(struct db *db, struct lease *lease, struct error *err)
{
	if (!look(db, lease, err))
		return false;
	if (!is_held(lease) || lease->seen.renewals != lease->renewals)
		return say_lost(db, lease, err);
	lease_forget(lease);
	return true;
}

bool lease_renew(struct db *db, struct lease *lease, struct error *err)
{
	char length[NUMBER], epoch[NUMBER], renewals[NUMBER];
	const char *parameters[] = { lease->resource, lease->holder, length, epoch, renewals };
	int64_t sent = clock_now_ms(), renewed;

	snprintf(length, NUMBER, "%" PRId64, lease->length_ms);
	snprintf(epoch, NUMBER, "%" PRId64, lease->epoch);
	snprintf(renewals, NUMBER, "%" PRId64, lease->renewals);
	if (!run(db, SQL_LEASE_RENEW, parameters, 5, &renewed, err))
		return false;
	if (renewed == 0) {
		lease_lost(db, lease, err);
		lease->epoch = 0;
		return false;
	}
	lease_confirm(lease, sent);
	return true;
}

bool lease_keep(struct db *db, struct lease *lease, struct error *err)
{
	int64_t now = clock_now_ms();

	if (now < lease_keep_at_ms(lease))
		return true;
	if ((now >= lease_renew_at_ms(lease) && !lease_renew(db, lease, err)) ||
		!look(db, lease, err))
		return false;
	lease_forget(lease);
	return true;
}

int64_t lease_keep_at_ms(const struct lease *lease)
{
	int64_t renew = lease_renew_at_ms(lease), look_at = lease->looked_ms + LEASE_LOOK_EVERY_MS;

	return renew < look_at ? renew : look_at;
}

void lease_release(struct db *db, struct lease *lease)
{
	char epoch[NUMBER];
	const char *parameters[] = { lease->resource, lease->holder, epoch };

	snprintf(epoch, NUMBER, "%" PRId64, lease->epoch);
	if (lease->epoch && db_is_open(db))
		db_run(db, SQL_LEASE_RELEASE, NULL, parameters, 3, NULL, NULL, NULL);
	lease->epoch = 0;
}

void lease_confirm(struct lease *lease, int64_t sent_ms)
{
	lease->renewals++;
	if (sent_ms > lease->confirmed_ms)
		lease->confirmed_ms = sent_ms;
}

int64_t lease_held_until_ms(const struct lease *lease)
{
	return lease->epoch > 0 ? lease->confirmed_ms + lease->length_ms : 0;
}

int64_t lease_work_until_ms(const struct lease *lease)
{
	return lease->confirmed_ms + lease->length_ms / 2;
}

int64_t lease_renew_at_ms(const struct lease *lease)
{
	return lease->confirmed_ms + lease->length_ms / 3;
}
