/* Threads that wait for their turn. */
#include "support/common.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/patience.h"

static void *policy_here(void *context)
{
	*(int *)context = sched_getscheduler(0);
	return NULL;
}

static int policy_of_a_new_thread(void)
{
	pthread_t thread;
	int policy = -1;

	assert_int_equal(pthread_create(&thread, NULL, policy_here, &policy), 0);
	pthread_join(thread, NULL);
	return policy;
}

static void test_a_thread_and_those_it_makes(void **state)
{
	(void)state;
	patience_set(true);
	assert_int_equal(sched_getscheduler(0), SCHED_BATCH);
	assert_int_equal(policy_of_a_new_thread(), SCHED_BATCH);
	patience_set(false);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	assert_int_equal(policy_of_a_new_thread(), SCHED_OTHER);
}

static int change_under(int policy)
{
	const struct sched_param none = { 0 };
	bool kept;

	sched_setscheduler(0, policy, &none);
	patience_set(true);
	kept = sched_getscheduler(0) == policy;
	patience_set(false);
	return kept && sched_getscheduler(0) == policy ? 0 : 1;
}

/* What the process was started with is looked up once: so each has a process of its own. */
static void test_the_wish_of_whoever_started_it(void **state)
{
	const int wishes[] = { SCHED_BATCH, SCHED_IDLE };
	int status;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(change_under(wishes[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wish_of_whoever_started_it),
		cmocka_unit_test(test_a_thread_and_those_it_makes),
	};

	return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
