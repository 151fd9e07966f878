/* Leases: who gets one, and when. Times are this process's monotonic clock; expires_at plays no part. */
#include "box.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"

#define LENGTH_MS 1000
#define BUSY_MS	  250 /* for a machine that has other things to do */

/* A database and two who want its lease, each with a connection of its own. */
struct rivals {
	struct box box;
	struct rival {
		struct db *db;
		struct lease lease;
	} a, b;
	const char *row; /* the lease table */
};

static void rival_init(struct rivals *rivals, struct rival *rival, int64_t length_ms)
{
	struct error err;

	rival->db = db_create(rivals->box.url, "test", NULL, &err);
	lease_init(&rival->lease, "outbox:x", length_ms);
	if (!rival->db || !db_open(rival->db, false, &err))
		give_up("%s", err.text);
}

static struct rivals meet(const char *kind, int64_t a_ms, int64_t b_ms)
{
	struct rivals rivals = { .box = box_make_closed(strcmp(kind, "postgres") == 0) };

	rivals.row = testdb_table(rivals.box.app, "lease");
	rival_init(&rivals, &rivals.a, a_ms);
	rival_init(&rivals, &rivals.b, b_ms);
	return rivals;
}

static void part(struct rivals *rivals)
{
	db_destroy(rivals->a.db);
	db_destroy(rivals->b.db);
	box_drop(&rivals->box);
}

static bool gets(struct rival *rival)
{
	struct error err = { 0 };

	if (lease_acquire(rival->db, &rival->lease, &err))
		return true;
	if (err.kind != ERROR_CONFLICT)
		give_up("%s", err.text);
	assert_int_equal(rival->lease.epoch, 0);
	return false;
}

static bool renews(struct rival *rival)
{
	struct error err = { 0 };

	if (lease_renew(rival->db, &rival->lease, &err))
		return true;
	assert_int_equal(err.kind, ERROR_CONFLICT);
	return false;
}

static void release(struct rival *rival)
{
	lease_release(rival->db, &rival->lease);
}

/* How long it takes from now on. */
static int64_t wait_for(struct rival *rival)
{
	int64_t began = now_ms();

	while (!gets(rival)) {
		if (now_ms() - began > patience(10000))
			give_up("no lease within %lld ms", (long long)patience(10000));
		nap(lease_wait_ms(&rival->lease));
	}
	return now_ms() - began;
}

static void change(struct rivals *rivals, const char *what)
{
	testdb_exec(rivals->box.app, "UPDATE %s SET %s", rivals->row, what);
}

static void a_lease_is_one_holders(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);
	struct error err;

	assert_true(gets(&rivals.a));
	assert_int_equal(rivals.a.lease.epoch, 1);
	assert_false(lease_acquire(rivals.b.db, &rivals.b.lease, &err));
	assert_contains(err.text, rivals.a.lease.holder);
	assert_true(gets(&rivals.a)); /* its own it may take again, under a new epoch */
	assert_int_equal(rivals.a.lease.epoch, 2);
	assert_true(renews(&rivals.a));
	release(&rivals.a);
	assert_true(gets(&rivals.b)); /* at once */
	assert_int_equal(rivals.b.lease.epoch, 3);
	assert_false(gets(&rivals.a));
	release(&rivals.a); /* what it does not hold */
	assert_true(renews(&rivals.b));
	part(&rivals);
}

/* Not before four fifths of the length have passed without a change, and before all of it has. */
static void silence_is_waited_for(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	assert_false(gets(&rivals.b));
	for (int i = 0; i < 4; i++) { /* longer than the length, but never silent for so long */
		nap(LENGTH_MS / 3);
		assert_true(renews(&rivals.a));
		assert_false(gets(&rivals.b));
	}
	assert_in_range(wait_for(&rivals.b), LENGTH_MS * 4 / 5 - 5, patience(LENGTH_MS + BUSY_MS));
	assert_int_equal(rivals.b.lease.epoch, 2);
	assert_false(renews(&rivals.a)); /* it woke up late */
	assert_int_equal(rivals.a.lease.epoch, 0);
	part(&rivals);
}

static void the_holders_length_counts(void **state)
{
	struct rivals rivals = meet(*state, 3 * LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	assert_false(gets(&rivals.b));
	assert_in_range(
		wait_for(&rivals.b), 3 * LENGTH_MS * 4 / 5 - 5, patience(3 * LENGTH_MS + BUSY_MS));
	part(&rivals);
}

/* Whatever a wall clock wrote there. */
static void expires_at_says_nothing(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	change(&rivals, "expires_at = '2001-01-01T00:00:00.000Z'");
	assert_false(gets(&rivals.b));
	change(&rivals, "expires_at = '2101-01-01T00:00:00.000Z'");
	assert_in_range(wait_for(&rivals.b), LENGTH_MS / 2, patience(LENGTH_MS + BUSY_MS));
	part(&rivals);
}

/* One that has not looked for long knows nothing of the time between; nor after a new connection. */
static void only_what_was_seen_counts(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	nap(LENGTH_MS);
	assert_false(gets(&rivals.b)); /* its first look */
	nap(LENGTH_MS / 2);
	assert_true(renews(&rivals.a));
	nap(LENGTH_MS / 2);
	assert_false(gets(&rivals.b));
	nap(LENGTH_MS);
	lease_forget(&rivals.b.lease);
	assert_false(gets(&rivals.b));
	assert_in_range(wait_for(&rivals.b), LENGTH_MS * 4 / 5 - 5, patience(LENGTH_MS + BUSY_MS));
	part(&rivals);
}

/* The name of a process that has ended. */
static char *name_of_the_dead(void)
{
	int ends[2];
	char name[PROCESS_NAME];

	if (pipe(ends) != 0)
		give_up("no pipe");
	pid_t pid = fork();
	if (pid == 0) {
		process_name(name);
		_exit(write(ends[1], name, sizeof(name)) == sizeof(name) ? 0 : 1);
	}
	assert_int_equal(read(ends[0], name, sizeof(name)), sizeof(name));
	close(ends[0]);
	close(ends[1]);
	assert_false(process_is_gone(name)); /* not waited for yet: it still has its pid */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return text("%s", name);
}

static void the_dead_are_not_waited_for(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	change(&rivals, text("holder = '%s'", name_of_the_dead()));
	assert_true(gets(&rivals.b));
	change(&rivals, text("holder = 'elsewhere%s'", strchr(rivals.a.lease.holder, '/')));
	assert_false(gets(&rivals.a)); /* this process lives, whatever the host is called */
	part(&rivals);
}

/* A database that went back names a former holder: that is not the right to work at once. */
static void a_former_epoch_is_nobodys(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);

	assert_true(gets(&rivals.a));
	char *before = text("holder = '%s', epoch = 1, renewals = 0, length_ms = %d",
		rivals.a.lease.holder, LENGTH_MS);
	release(&rivals.a);
	assert_true(gets(&rivals.b));
	assert_false(gets(&rivals.a));
	change(&rivals, before);
	assert_false(gets(&rivals.a)); /* the other may still be at it */
	assert_in_range(wait_for(&rivals.a), LENGTH_MS * 4 / 5 - 5, patience(LENGTH_MS + BUSY_MS));
	part(&rivals);
}

struct racer {
	pthread_t thread;
	struct rival *rival;
	pthread_barrier_t *start;
	bool got;
};

static void *race(void *context)
{
	struct racer *racer = context;
	struct error err;

	pthread_barrier_wait(racer->start);
	racer->got = lease_acquire(racer->rival->db, &racer->rival->lease, &err);
	return NULL;
}

/* Of two that see it free at the same instant, one gets it. */
static void one_of_two_gets_it(void **state)
{
	struct rivals rivals = meet(*state, LENGTH_MS, LENGTH_MS);
	pthread_barrier_t start;
	struct racer racers[] = { { .rival = &rivals.a, .start = &start },
		{ .rival = &rivals.b, .start = &start } };

	pthread_barrier_init(&start, NULL, 2);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 2; i++)
			if (pthread_create(&racers[i].thread, NULL, race, &racers[i]) != 0)
				give_up("no thread");
		for (int i = 0; i < 2; i++)
			pthread_join(racers[i].thread, NULL);
		assert_true(racers[0].got != racers[1].got);
		release(racers[racers[1].got].rival);
	}
	assert_int_equal(testdb_int(rivals.box.app, "SELECT max(epoch) FROM %s", rivals.row), 50);
	pthread_barrier_destroy(&start);
	part(&rivals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_KINDS(a_lease_is_one_holders),
		ON_KINDS(silence_is_waited_for),
		ON_KINDS(the_holders_length_counts),
		ON_KINDS(expires_at_says_nothing),
		ON_KINDS(only_what_was_seen_counts),
		ON_KINDS(the_dead_are_not_waited_for),
		ON_KINDS(a_former_epoch_is_nobodys),
		ON_KINDS(one_of_two_gets_it),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("leases", tests, server_start, server_stop);
}
