/*
 * `dray run` as the first process of a container: signals reach it though nothing else would have them by
 * default, it leaves no zombies of processes that it never started, and it ends with its own status.
 */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const char *namespaces; /* the options of unshare(1) that work here; NULL: none */

static bool works(const char *options)
{
	const char *argv[] = { "sh", "-c", text("unshare %s --pid --fork true", options), NULL };

	return command_run(&(struct launch){ .argv = argv }, 20000).status == 0;
}

static void find_namespaces(void)
{
	if (works(""))
		namespaces = "";
	else if (works("--user --map-current-user"))
		namespaces = "--user --map-current-user";
	else
		say("nobody may make a PID namespace here: dray is not PID 1 in what follows");
}

/* Behind what the shell does, dray takes its place; with namespaces it is PID 1. */
static struct proc *start(struct stage *s, const char *before)
{
	const char *shell = text("%s exec '%s' run -c '%s'", before, dray_program(), s->config);
	const char *line = namespaces
		? text("exec unshare %s --pid --fork --kill-child sh -c \"%s\"", namespaces, shell)
		: shell;
	const char *argv[] = { "sh", "-c", line, NULL };

	return proc_start(&(struct launch){ .argv = argv }, scratch_path("%s.log", s->name));
}

static void signal_dray(struct proc *proc, int signal)
{
	if (namespaces)
		assert_int_equal(proc_signal_children(proc, signal), 1);
	else
		proc_signal(proc, signal);
}

/* Zombies among all processes that this parent has, in a list by ps(1) as "PPID STATE". */
static size_t zombies_of(pid_t parent)
{
	const char *argv[] = { "sh", "-c",
		text("cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z %d '",
			(int)parent),
		NULL };

	return strtoul(command_run(&(struct launch){ .argv = argv }, 20000).out, NULL, 10);
}

static pid_t child_of(pid_t parent)
{
	const char *path = text("/proc/%d/task/%d/children", (int)parent, (int)parent);

	return (pid_t)atoi(file_read(path));
}

static void test_first_process(void **state)
{
	struct stage s = stage_set(*state, "first", NULL, true);
	char *ended = scratch_path("ended");

	find_namespaces();
	/* One has ended before dray is there, one ends while it runs. */
	struct proc *proc =
		start(&s, text("sh -c 'exit 3' & sleep 0.2; (sleep 0.5; echo now >%s) &", ended));
	stage_emit(&s, 1, 20, 4);
	stage_exact(&s);
	WAIT_UNTIL(20000, access(ended, F_OK) == 0);
	pid_t dray = namespaces ? child_of(proc->pid) : proc->pid;
	assert_true(dray > 0);
	WAIT_UNTIL(20000, zombies_of(dray) == 0 && *file_read(ended));
	nap(100);
	assert_int_equal(zombies_of(dray), 0);
	signal_dray(proc, SIGHUP);
	WAIT_UNTIL(20000, strstr(proc_log(proc), "begins again"));
	stage_emit(&s, 21, 40, 4);
	stage_exact(&s);
	signal_dray(proc, SIGTERM);
	assert_int_equal(proc_wait(proc, 30000), 0);
	assert_contains(proc_log(proc), "SIGTERM: finishing what is on the way");
	file_write(s.config, "nonsense: yes\n");
	assert_int_equal(proc_wait(start(&s, ""), 30000), 2);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ONE(test_first_process, "sqlite"),
	};

	only_named_tests();
	return cmocka_run_group_tests_name("container", tests, fixture_start_nats, NULL);
}
