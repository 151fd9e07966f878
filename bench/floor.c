/* Runs bare loops, each in a process of its own, from the same moment on, and says how long they took. */
#include "bench.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct runner {
	pid_t pid;
	int ready, go; /* our ends of its pipes */
};

static void be_loop(const struct loop *loop, const struct options *options, int ready, int go)
{
	char byte = 0;
	void *state = loop->prepare(options);

	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	loop->run(state, options);
	_exit(0);
}

static struct runner start(const struct loop *loop, const struct options *options)
{
	int ready[2], go[2];

	if (pipe(ready) != 0 || pipe(go) != 0)
		die("no pipe");
	pid_t pid = fork();
	if (pid < 0)
		die("no process");
	if (pid == 0)
		be_loop(loop, options, ready[1], go[0]);
	close(ready[1]);
	close(go[0]);
	return (struct runner){ pid, ready[0], go[1] };
}

static double wait_for(pid_t pid)
{
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die("a loop failed");
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int floor_run(const struct options *options, const struct loop *a, const struct loop *b)
{
	struct runner runners[2];
	int count = b ? 2 : 1;
	double cpu = 0;
	char byte = 0;

	runners[0] = start(a, options);
	if (b)
		runners[1] = start(b, options);
	for (int i = 0; i < count; i++)
		if (read(runners[i].ready, &byte, 1) != 1)
			die("a loop did not get ready");
	int64_t began = now_ns();
	for (int i = 0; i < count; i++)
		if (write(runners[i].go, &byte, 1) != 1)
			die("a loop is gone");
	for (int i = 0; i < count; i++)
		cpu += wait_for(runners[i].pid);
	figure("rows", (double)options->rows);
	figure("seconds", (double)(now_ns() - began) / 1e9);
	figure("cpu_s", cpu);
	return 0;
}
