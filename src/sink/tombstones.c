/* Forgets deleted keys in small steps. */
#include "sink/tombstones.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

#define NUMBER	     24
#define EVERY_MAX_MS ((int64_t)3600 * 1000)

enum look_column { LOOK_STREAM, LOOK_KEY, LOOK_ROWS, LOOK_EXPIRED };

void tombstones_init(struct tombstones *tombstones, const char *sink, int64_t age_ms)
{
	*tombstones = (struct tombstones){ .sink = sink, .age_ms = age_ms };
	pace_init(&tombstones->pace);
}

static void move_to(struct tombstones *tombstones, char *stream, char *key)
{
	free(tombstones->stream);
	free(tombstones->key);
	tombstones->stream = stream;
	tombstones->key = key;
}

void tombstones_finish(struct tombstones *tombstones)
{
	move_to(tombstones, NULL, NULL);
}

int64_t tombstones_every_ms(int64_t age_ms)
{
	return pace_every_ms(age_ms, EVERY_MAX_MS);
}

/* One step, and what it is told and tells. */
struct step {
	struct tombstones *tombstones;
	bool dry, over;
};

static bool forget(struct tombstones *tombstones, struct db *db, const char *const *from,
	const char *stream, const char *key, struct error *err)
{
	const char *parameters[] = { from[0], from[1], from[2], from[3], stream, key };
	struct arena arena;
	struct db_rows rows;

	arena_init(&arena);
	bool ok = db_run(db, SQL_TOMBSTONES_DELETE, NULL, parameters, 6, &arena, &rows, err);
	if (ok)
		tombstones->forgotten += rows.changed;
	arena_finish(&arena);
	return ok;
}

/* Deals with the keys of a look: there is at least one. */
static bool take(struct step *one, struct db *db, const char *const *from,
	const struct db_rows *found, struct error *err)
{
	struct tombstones *tombstones = one->tombstones;
	const char *stream = db_cell(found, 0, LOOK_STREAM), *key = db_cell(found, 0, LOOK_KEY);
	int64_t expired = atoll(db_cell(found, 0, LOOK_EXPIRED));

	if (one->dry)
		tombstones->forgotten += expired;
	else if (expired > 0 && !forget(tombstones, db, from, stream, key, err))
		return false;
	move_to(tombstones, memory_text(stream), memory_text(key));
	return true;
}

static bool step(void *context, struct db *db, int64_t rows, struct error *err)
{
	struct step *one = context;
	struct tombstones *tombstones = one->tombstones;
	char number[2][NUMBER];
	const char *parameters[] = { tombstones->sink, tombstones->stream ? tombstones->stream : "",
		tombstones->key ? tombstones->key : "", number[0], number[1] };
	struct arena arena;
	struct db_rows found;

	snprintf(number[0], NUMBER, "%" PRId64, tombstones->age_ms);
	snprintf(number[1], NUMBER, "%" PRId64, rows);
	arena_init(&arena);
	bool ok = db_run(db, SQL_TOMBSTONES_LOOK, NULL, parameters, 5, &arena, &found, err);
	one->over = ok && atoll(db_cell(&found, 0, LOOK_ROWS)) == 0;
	ok = ok && (one->over || take(one, db, parameters, &found, err));
	arena_finish(&arena);
	return ok;
}

bool tombstones_step(struct tombstones *tombstones, struct db *db, bool dry, bool polite,
	bool *over, struct error *err)
{
	struct step one = { .tombstones = tombstones, .dry = dry };

	if (!pace_step(&tombstones->pace, db, polite, step, &one, err))
		return false;
	*over = one.over;
	if (*over)
		move_to(tombstones, NULL, NULL);
	return true;
}
