/* A connection to NATS. */
#include "support/support.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config.h"
#include "nats/library.h"
#include "nats/link.h"

/* One signature in 256 begins with a zero byte, which cnats 3.4.1 takes for an empty text. */
#define CONNECTIONS 1500

static void test_every_signature_counts(void **state)
{
	struct nkey user = nkey_make('U');
	struct nats_server server;
	struct config *config = config_default();
	struct error err = { 0 };
	char *seed = scratch_path("user.nk");

	(void)state;
	file_write(seed, user.seed);
	chmod(seed, 0600);
	nats_server_start(
		&server, "signed", text("authorization { users: [ { nkey: %s } ] }", user.public));
	if (!config_set(&config->nats, "nats", "url", server.url, &err) ||
		!config_set(&config->nats, "nats", "nkey_seed_file", seed, &err))
		give_up("%s", err.text);
	struct link *link = link_create(&config->nats, "test", NULL);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (!link_connect(link, &err))
			give_up("connection %d: %s", i, err.text);
		link_close(link);
	}
	link_destroy(link);
	config_destroy(config);
	nats_server_kill(&server);
	library_close();
}

static size_t patient_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t count = 0;

	assert_non_null(tasks);
	for (struct dirent *task; (task = readdir(tasks));)
		count += sched_getscheduler(atoi(task->d_name)) == SCHED_BATCH &&
			task->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* Its timers, its callbacks, and what frees messages: they do not interrupt who sends and who reads. */
static void test_the_threads_of_the_library_wait(void **state)
{
	(void)state;
	assert_int_equal(patient_threads(), 0);
	library_open();
	library_open();
	size_t open = patient_threads();
	assert_true(open > 0);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	library_close();
	WAIT_UNTIL(5000, patient_threads() < open); /* a sanitizer may keep one of its own */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_threads_of_the_library_wait),
		cmocka_unit_test(test_every_signature_counts),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
