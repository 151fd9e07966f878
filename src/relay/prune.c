/* Deletes delivered rows in small steps. */
#include "relay/prune.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define FULL_EVERY_MS ((int64_t)3600 * 1000)
#define EVERY_MAX_MS  60000
#define NUMBER	      24

enum look_column { LOOK_LAST, LOOK_ROWS, LOOK_EXPIRED, LOOK_YOUNG };
enum free_column { FREE_MODE, FREE_PAGES, FREE_ALL };

void prune_init(struct prune *prune, const char *table, int64_t retention_ms)
{
	*prune = (struct prune){ .table = table,
		.retention_ms = retention_ms,
		.at = INT64_MIN,
		.from = INT64_MIN,
		.full_ms = clock_now_ms() + FULL_EVERY_MS };
	pace_init(&prune->pace);
}

int64_t prune_every_ms(int64_t retention_ms)
{
	return pace_every_ms(retention_ms, EVERY_MAX_MS);
}

/* What a look at the next rows has found. */
struct look {
	int64_t last, rows, expired;
	bool young;
};

/* Both statements go from where it stands, and by the retention. */
static bool run(const struct prune *prune, struct db *db, enum statement statement, int64_t second,
	struct arena *arena, struct db_rows *rows, struct error *err)
{
	char number[3][NUMBER];
	const char *parameters[] = { number[0], number[1], number[2] };

	snprintf(number[0], NUMBER, "%" PRId64, prune->at);
	snprintf(number[1], NUMBER, "%" PRId64, second);
	snprintf(number[2], NUMBER, "%" PRId64, prune->retention_ms);
	return db_run(db, statement, prune->table, parameters, 3, arena, rows, err);
}

static bool look_ahead(
	const struct prune *prune, struct db *db, struct look *look, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = run(prune, db, SQL_PRUNE_LOOK, prune->pace.rows, &arena, &rows, err);
	*look = (struct look){ 0 };
	if (ok && atoll(db_cell(&rows, 0, LOOK_ROWS)) > 0)
		*look = (struct look){ atoll(db_cell(&rows, 0, LOOK_LAST)),
			atoll(db_cell(&rows, 0, LOOK_ROWS)), atoll(db_cell(&rows, 0, LOOK_EXPIRED)),
			db_cell(&rows, 0, LOOK_YOUNG)[0] == 't' };
	arena_finish(&arena);
	return ok;
}

static bool delete_rows(struct prune *prune, struct db *db, const struct look *look,
	int64_t *deleted, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = run(prune, db, SQL_PRUNE_DELETE, look->last, &arena, &rows, err);
	*deleted = ok ? rows.changed : 0;
	arena_finish(&arena);
	return ok;
}

/* The rows of a look are dealt with. */
static void move_on(struct prune *prune, const struct look *look, int64_t deleted)
{
	prune->at = look->last;
	prune->deleted += deleted;
	prune->in_pass += deleted;
	prune->kept = prune->kept || deleted < look->rows;
	if (!prune->kept)
		prune->from = look->last;
}

static bool rows_step(struct prune *prune, struct db *db, bool dry, bool *last, struct error *err)
{
	struct look look;
	int64_t deleted;

	if (!look_ahead(prune, db, &look, err))
		return false;
	*last = look.rows == 0 || (look.expired == 0 && look.young);
	if (look.rows == 0)
		return true;
	deleted = dry ? look.expired : 0;
	if (look.expired > 0 && !dry && !delete_rows(prune, db, &look, &deleted, err))
		return false;
	move_on(prune, &look, deleted);
	return true;
}

/* Whether there are more free pages than a file should keep for what comes. */
static bool has_slack(struct db *db, bool *slack, struct error *err)
{
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_PRUNE_FREE, NULL, NULL, 0, &arena, &rows, err);
	*slack = ok && db_cell(&rows, 0, FREE_MODE)[0] == '2' &&
		atoll(db_cell(&rows, 0, FREE_PAGES)) * 10 > atoll(db_cell(&rows, 0, FREE_ALL));
	arena_finish(&arena);
	return ok;
}

static bool vacuum_step(struct db *db, bool *over, struct error *err)
{
	bool slack;

	if (!has_slack(db, &slack, err))
		return false;
	*over = !slack;
	return !slack || db_run(db, SQL_PRUNE_VACUUM, NULL, NULL, 0, NULL, NULL, err);
}

static void begin_anew(struct prune *prune)
{
	int64_t now = clock_now_ms();

	if (now >= prune->full_ms) {
		prune->from = INT64_MIN;
		prune->full_ms = now + FULL_EVERY_MS;
	}
	prune->at = prune->from;
	prune->in_pass = 0;
	prune->kept = prune->vacuums = false;
}

/* One step, and what it is told and tells. */
struct step {
	struct prune *prune;
	bool dry, over;
};

static bool step(void *context, struct db *db, int64_t rows, struct error *err)
{
	struct step *one = context;
	struct prune *prune = one->prune;
	bool last = false;

	(void)rows; /* they are the prune's own */
	if (prune->vacuums)
		return vacuum_step(db, &one->over, err);
	if (!rows_step(prune, db, one->dry, &last, err))
		return false;
	prune->vacuums = last && !one->dry && prune->in_pass > 0 && db_kind(db) == DB_SQLITE;
	one->over = last && !prune->vacuums;
	return true;
}

bool prune_step(
	struct prune *prune, struct db *db, bool dry, bool polite, bool *over, struct error *err)
{
	struct step one = { .prune = prune, .dry = dry };

	if (!pace_step(&prune->pace, db, polite, step, &one, err))
		return false;
	*over = one.over;
	if (*over)
		begin_anew(prune);
	return true;
}
