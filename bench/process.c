/* A dray or a peer in the background, and what the kernel says about it. */
#include "bench.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_WAIT_S 20

void child_start(struct child *child, char **command)
{
	*child = (struct child){ .started_ns = now_ns() };
	child->pid = fork();
	if (child->pid < 0)
		die("no process");
	if (child->pid > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execvp(command[0], command);
	die("cannot run %s", command[0]);
}

/* A number of a line "NAME: number" in a file of /proc; -1: none. */
static int64_t proc_number(const char *path, const char *name)
{
	char line[256];
	int64_t value = -1;
	FILE *file = fopen(path, "re");

	while (file && value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			value = atoll(line + strlen(name) + 1);
	if (file)
		fclose(file);
	return value;
}

void child_look(struct child *child)
{
	char path[64];
	int status;

	if (waitpid(child->pid, &status, WNOHANG) == child->pid)
		die("what was started has ended by itself");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)child->pid);
	int64_t anon = proc_number(path, "RssAnon"), peak = proc_number(path, "VmHWM");
	if (anon > child->rss_anon)
		child->rss_anon = anon;
	if (peak > child->vm_hwm)
		child->vm_hwm = peak;
}

/* Whether it has ended; */
static bool ended(struct child *child)
{
	struct rusage usage;
	int status;

	if (wait4(child->pid, &status, WNOHANG, &usage) != child->pid)
		return false;
	child->ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	child->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return true;
}

void child_stop(struct child *child)
{
	int64_t limit = now_ns() + (int64_t)END_WAIT_S * 1000000000;

	child_look(child);
	kill(child->pid, SIGTERM);
	while (!ended(child)) {
		if (now_ns() > limit)
			kill(child->pid, SIGKILL);
		nap_ms(10);
	}
}

void child_end(struct child *child)
{
	child_stop(child);
	if (!child->ended_well)
		die("dray did not end well");
}

void child_say(const struct child *child)
{
	figure("cpu_s", child->cpu_s);
	figure("rss_anon_kib", (double)child->rss_anon);
	figure("vm_hwm_kib", (double)child->vm_hwm);
}

/* In nanoseconds, where /proc/PID/stat counts hundredths of a second: five of those are an idle half minute. */
double process_cpu(pid_t pid)
{
	clockid_t clock;
	struct timespec used;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		die("process %d is gone", (int)pid);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

int64_t process_switches(pid_t pid)
{
	char path[64], status[512];
	int64_t sum = 0;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		die("process %d is gone", (int)pid);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(status, sizeof(status), "%s/%s/status", path, entry->d_name);
		int64_t one = proc_number(status, "voluntary_ctxt_switches");
		sum += one > 0 ? one : 0;
	}
	closedir(folder);
	return sum;
}
