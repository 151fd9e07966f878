/* Small steps: several times as long a pause follows each, so that who looks for a free moment finds one. */
#include "db/pace.h"

#include "base/clock.h"

#define ROWS_FIRST    500
#define ROWS_MIN      50
#define ROWS_MAX      5000
#define STEP_LONG_MS  20
#define STEP_SHORT_MS 5
#define PAUSE_TIMES \
	4 /* as long as a step: writers of an SQLite file wait by looking now and then */
#define BUSY_PAUSE_MS 50
#define EVERY_MIN_MS  1000

void pace_init(struct pace *pace)
{
	*pace = (struct pace){ .rows = ROWS_FIRST };
}

static void adapt(struct pace *pace, int64_t took)
{
	if (took > STEP_LONG_MS && pace->rows / 2 >= ROWS_MIN)
		pace->rows /= 2;
	else if (took < STEP_SHORT_MS && pace->rows * 2 <= ROWS_MAX)
		pace->rows *= 2;
	pace->pause_ms = PAUSE_TIMES * (took > 1 ? took : 1);
}

bool pace_step(struct pace *pace, struct db *db, bool polite, pace_step_fn *step, void *context,
	struct error *err)
{
	int64_t began = clock_now_ms();
	struct error why;

	db_wait_for_writers(db, !polite);
	bool ok = step(context, db, pace->rows, &why), busy = !ok && polite && db_is_busy(db);
	db_wait_for_writers(db, true);
	if (!ok && !busy) {
		*err = why;
		return false;
	}
	adapt(pace, clock_now_ms() - began);
	if (busy)
		pace->pause_ms = BUSY_PAUSE_MS;
	return true;
}

int64_t pace_every_ms(int64_t age_ms, int64_t longest_ms)
{
	int64_t every = age_ms / 10;

	return every > longest_ms ? longest_ms : every < EVERY_MIN_MS ? EVERY_MIN_MS : every;
}
