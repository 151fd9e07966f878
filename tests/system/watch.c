/* When something moved. */
#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>

#include "load.h"

#define LOOK_EVERY_MS 20

void moments_add(struct moments *moments, int64_t ms)
{
	if (moments->count == moments->room) {
		moments->room = moments->room ? moments->room * 2 : 1024;
		moments->ms = realloc(moments->ms, moments->room * sizeof(*moments->ms));
	}
	moments->ms[moments->count++] = ms;
}

struct pause moments_pause(const struct moments *moments, int64_t begin, int64_t end, int64_t until)
{
	struct pause pause = { .first_ms = -1 };
	int64_t last = begin;

	for (size_t i = 0; i < moments->count && moments->ms[i] <= until; i++) {
		int64_t ms = moments->ms[i];
		if (ms <= begin)
			continue;
		if (ms - last > pause.longest_ms)
			pause.longest_ms = ms - last;
		if (ms > end && pause.first_ms < 0)
			pause.first_ms = ms - end;
		last = ms;
	}
	return pause;
}

struct watch {
	pthread_t thread;
	char *url;
	atomic_bool ending;
	struct moments moments;
};

static void *look(void *context)
{
	struct watch *watch = context;
	struct testdb *db = testdb_open(watch->url);
	const char *sql =
		text("SELECT coalesce(max(seq), 0) FROM %s", testdb_table(db, "sink_position"));
	int64_t last = 0, seq;

	while (!atomic_load(&watch->ending)) {
		if (testdb_try_int(db, &seq, sql) && seq > last) {
			last = seq;
			moments_add(&watch->moments, wall_ms());
		}
		nap(LOOK_EVERY_MS);
	}
	testdb_close(db);
	return NULL;
}

struct watch *watch_start(const char *url)
{
	struct watch *watch = keep(calloc(1, sizeof(*watch)));

	watch->url = text("%s", url);
	if (pthread_create(&watch->thread, NULL, look, watch) != 0)
		give_up("no thread");
	return watch;
}

void watch_end(struct watch *watch)
{
	atomic_store(&watch->ending, true);
	pthread_join(watch->thread, NULL);
	if (watch->moments.ms)
		keep(watch->moments.ms);
}

const struct moments *watch_moments(const struct watch *watch)
{
	return &watch->moments;
}
