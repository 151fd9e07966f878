#ifndef SUPPORT_PROC_H
#define SUPPORT_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Processes. Start them on the main thread: the kernel ends them when the thread that started them ends,
 * which is what cleans up after a test that crashed.
 */
struct launch {
	const char *const *argv; /* ends with NULL; argv[0] is looked up in PATH */
	const char *const *env; /* NAME=VALUE to set, NAME to remove; ends with NULL; or NULL */
	const char *folder; /* to run in; NULL: the scratch folder */
	const char *input; /* for command_run: what stdin gives; NULL: nothing */
	const char *user; /* to run as, where the test runs as root; NULL: the same */
	int end_signal; /* what ends it at once and cleanly; 0: SIGKILL */
};

/* A process in the background; what it prints is appended to its log. */
struct proc {
	pid_t pid; /* 0: not running */
	int end_signal;
	int status; /* once ended: exit status, or 128 + signal */
	char *log;
};

struct proc *proc_start(const struct launch *launch, const char *log);
void proc_signal(struct proc *proc, int signal);
bool proc_running(struct proc *proc);
int proc_wait(struct proc *proc, int64_t ms); /* gives the status; fails the test after ms */
void proc_kill(struct proc *proc); /* SIGKILL, and waits; accepts NULL and ended ones */
char *proc_log(const struct proc *proc);
void proc_end_all(void);

/* Signals what a process started, but not what those started. Gives how many there were. */
int proc_signal_children(const struct proc *proc, int signal);

/* A command in the foreground. Fails the test where it takes longer than ms. */
struct result {
	int status; /* exit status, or 128 + signal */
	char *out, *err;
	size_t out_size;
};

struct result command_run(const struct launch *launch, int64_t ms);

#endif
