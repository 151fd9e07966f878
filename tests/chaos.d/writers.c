/* The writers' threads, and one transaction that stays open as long as they write. */
#include "writers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "actions.h"
#include "sql.h"

#define STUCK_MS 60000 /* without one more row */

struct thread {
	pthread_t id;
	struct writers *writers;
	struct writer writer;
	int64_t done[ACTIONS];
};

struct writers {
	const struct plan *plan;
	struct thread threads[PLAN_WRITERS];
	struct writer open; /* holds the lowest ids of all, uncommitted */
	struct writer own; /* the main thread's */
	atomic_llong from, to, began_ms, ms; /* how many rows are allowed by now */
	atomic_llong rows;
	atomic_bool ending;
};

static enum action choose(struct thread *thread)
{
	const unsigned *weights = thread->writers->plan->weights;
	int64_t all = 0, drawn;
	int action = 0;

	for (int i = 0; i < ACTIONS; i++)
		all += weights[i];
	drawn = random_between(&thread->writer.random, 0, all - 1);
	while (drawn >= weights[action])
		drawn -= weights[action++];
	return (enum action)action;
}

static void take_turn(struct thread *thread)
{
	enum action action = choose(thread);
	int64_t rows = action_do(&thread->writer, action);

	thread->done[action] += rows > 0 || action == ACTION_ROLLBACK;
	atomic_fetch_add(&thread->writers->rows, rows);
	if (rows == 0)
		nap(5); /* the database may be away */
	else if (random_chance(&thread->writer.random, 20))
		nap(random_between(&thread->writer.random, 0, 10));
}

static int64_t allowed(struct writers *writers)
{
	int64_t from = atomic_load(&writers->from), to = atomic_load(&writers->to);
	int64_t gone = now_ms() - atomic_load(&writers->began_ms), ms = atomic_load(&writers->ms);

	return gone >= ms ? to : from + (to - from) * gone / ms;
}

static void *run(void *context)
{
	struct thread *thread = context;
	struct writers *writers = thread->writers;

	while (!atomic_load(&writers->ending)) {
		if (atomic_load(&writers->rows) < allowed(writers))
			take_turn(thread);
		else
			nap(10);
	}
	action_finish(&thread->writer);
	return NULL;
}

static struct writer new_writer(const struct plan *plan, const char *url, int number)
{
	return (struct writer){ .plan = plan,
		.db = testdb_open(url),
		.random = plan->options.seed * 31 + (uint64_t)number + 1,
		.number = number };
}

static void leave_open(struct writers *writers)
{
	struct rows rows = { .tag = "open", .count = 3, .late = true };

	writers->open.size = 0;
	sql_begin(&writers->open);
	sql_keyless(&writers->open, NULL, &rows);
	sql_run(&writers->open);
}

struct writers *writers_start(const struct plan *plan, const char *url)
{
	struct writers *writers = keep(calloc(1, sizeof(*writers)));
	struct testdb *db = testdb_open(url);

	writers->plan = plan;
	action_make_keys(db);
	testdb_close(db);
	writers->open = new_writer(plan, url, PLAN_WRITERS);
	writers->own = new_writer(plan, url, PLAN_WRITERS + 1);
	if (plan->long_open && plan->options.postgres)
		leave_open(writers);
	for (int i = 0; i < plan->writers; i++) {
		struct thread *thread = &writers->threads[i];
		thread->writers = writers;
		thread->writer = new_writer(plan, url, i);
		if (pthread_create(&thread->id, NULL, run, thread) != 0)
			give_up("no thread");
	}
	return writers;
}

void writers_allow(struct writers *writers, int64_t rows, int64_t ms)
{
	atomic_store(&writers->from, allowed(writers));
	atomic_store(&writers->began_ms, now_ms());
	atomic_store(&writers->ms, ms);
	atomic_store(&writers->to, rows);
}

void writers_wait(const struct writers *writers, int64_t rows)
{
	int64_t written, before = -1, end = 0;

	while ((written = atomic_load(&writers->rows)) < rows) {
		if (written > before)
			end = now_ms() + patience(STUCK_MS);
		else if (now_ms() > end)
			give_up("BREACH the writers do not get further than %lld of %lld rows",
				(long long)written, (long long)rows);
		before = written;
		nap(20);
	}
}

/* What a server took down with it was prepared, but nobody knows its name any more. */
static void finish_prepared(struct testdb *db)
{
	char *name;

	while (*(name = testdb_text(db, "SELECT gid FROM pg_prepared_xacts LIMIT 1")))
		testdb_exec(db, "COMMIT PREPARED '%s'", name);
}

void writers_end(struct writers *writers)
{
	int64_t done[ACTIONS] = { 0 };

	atomic_store(&writers->ending, true);
	for (int i = 0; i < writers->plan->writers; i++) {
		struct thread *thread = &writers->threads[i];
		pthread_join(thread->id, NULL);
		testdb_close(thread->writer.db);
		for (int action = 0; action < ACTIONS; action++)
			done[action] += thread->done[action];
	}
	testdb_try(writers->open.db, NULL, "COMMIT");
	testdb_try(writers->open.db, NULL, "SELECT 1"); /* learns of a connection that has died */
	if (testdb_is_postgres(writers->open.db))
		finish_prepared(writers->open.db);
	for (int action = 0; action < ACTIONS; action++)
		if (action_weight((enum action)action, writers->plan))
			say("ACTION %s %lld", action_names[action], (long long)done[action]);
}

void writers_add_one(struct writers *writers)
{
	char tag[32];

	snprintf(tag, sizeof(tag), "one-%lld", (long long)++writers->open.turns);
	sql_begin(&writers->open);
	sql_keyless(&writers->open, NULL, &(struct rows){ .tag = tag, .count = 1, .late = true });
	sql_add(&writers->open, "COMMIT");
	if (!sql_run(&writers->open))
		give_up("no row can be written");
}

static bool add_late(struct writer *writer, int number)
{
	char key[32], first[32], next[32];

	snprintf(key, sizeof(key), "late-%d", number);
	snprintf(first, sizeof(first), "late-%d-first", number);
	snprintf(next, sizeof(next), "late-%d-next", number);
	sql_begin(writer);
	sql_keyless(writer, key,
		&(struct rows){ .tag = first,
			.kind = "given_up",
			.subject = "late.row",
			.count = 1,
			.late = true });
	sql_add(writer, "UPDATE ledger SET n = 0 WHERE txn = '%s';", first);
	sql_keyless(writer, key, &(struct rows){ .tag = next, .count = 5, .late = true });
	sql_add(writer, "COMMIT");
	return sql_run(writer);
}

/* A connection that has died meanwhile is noticed first, and made again then. */
void writers_add_late(struct writers *writers, int number)
{
	bool done = false;

	for (int tries = 0; tries < 3 && !done; tries++)
		done = add_late(&writers->own, number);
	if (!done)
		give_up("no row can be written");
}

void writers_begin_side(struct writers *writers, int number)
{
	char key[32];

	snprintf(key, sizeof(key), "side-%d", number);
	sql_begin(&writers->own);
	sql_keyless(&writers->own, key,
		&(struct rows){ .tag = key, .subject = "side.row", .count = 1, .late = true });
	sql_run(&writers->own);
}

void writers_commit_side(struct writers *writers)
{
	testdb_try(writers->own.db, NULL, "COMMIT");
}

void writers_add_drawn(struct writers *writers)
{
	struct writer *writer = &writers->open;

	sql_begin(writer);
	sql_draw(writer, 5);
	sql_add(writer, "COMMIT");
	bool good = sql_run(writer);
	writers_add_one(writers);
	nap(1500); /* by then the relay has read past them, and sleeps */
	sql_begin(writer);
	sql_to_outbox_drawn(writer, &(struct rows){ .tag = "drawn", .count = 5, .late = true });
	sql_add(writer, "COMMIT");
	if (!good || !sql_run(writer))
		give_up("no row can be written");
}
