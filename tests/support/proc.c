/* Processes that never outlive the test: each dies with its parent, and all are ended at exit, by pid. */
#include "support/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/common.h"

#define PROCESSES   128
#define ENVIRONMENT 512

extern char **environ;

static struct proc *processes[PROCESSES]; /* those that may still run */

/* What a person's shell may hold that would change what a test sees. */
static bool env_is_unwanted(const char *item)
{
	return strncmp(item, "PG", 2) == 0 || strncmp(item, "NATS_", 5) == 0 ||
		strncmp(item, "DRAY_FAILPOINTS=", 16) == 0 || strncmp(item, "NOTIFY_", 7) == 0;
}

static bool env_same_name(const char *a, const char *b)
{
	size_t size = strcspn(a, "=");

	return size == strcspn(b, "=") && strncmp(a, b, size) == 0;
}

static bool env_is_replaced(const char *item, const char *const *changes)
{
	for (; changes && *changes; changes++)
		if (env_same_name(item, *changes))
			return true;
	return false;
}

static void env_make(const char **made, const char *const *changes)
{
	size_t count = 0;

	for (char **item = environ; *item && count < ENVIRONMENT / 2; item++)
		if (!env_is_unwanted(*item) && !env_is_replaced(*item, changes))
			made[count++] = *item;
	for (; changes && *changes && count < ENVIRONMENT - 1; changes++)
		if (strchr(*changes, '='))
			made[count++] = *changes;
	made[count] = NULL;
}

/* Everything the child needs is ready before the fork: after it, only calls that are safe there. */
struct child {
	const struct launch *launch;
	const char *env[ENVIRONMENT];
	const char *folder;
	uid_t uid;
	gid_t gid;
	bool change_user;
	pid_t parent;
	int in, out, err;
};

static void child_prepare(struct child *child, const struct launch *launch)
{
	*child = (struct child){ .launch = launch, .parent = getpid() };
	child->folder = launch->folder ? launch->folder : scratch();
	env_make(child->env, launch->env);
	if (launch->user && geteuid() == 0) {
		struct passwd *user = getpwnam(launch->user);
		if (!user)
			give_up("there is no user %s to run %s", launch->user, launch->argv[0]);
		child->uid = user->pw_uid;
		child->gid = user->pw_gid;
		child->change_user = true;
	}
}

static void child_become(const struct child *child)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (child->change_user &&
		(setgroups(0, NULL) != 0 || setgid(child->gid) != 0 || setuid(child->uid) != 0))
		_exit(126);
	/* After the change of user, which would undo it. */
	prctl(PR_SET_PDEATHSIG, child->launch->end_signal ? child->launch->end_signal : SIGKILL);
	if (getppid() != child->parent || chdir(child->folder) != 0)
		_exit(126);
	dup2(child->in, STDIN_FILENO);
	dup2(child->out, STDOUT_FILENO);
	dup2(child->err, STDERR_FILENO);
	execvpe(child->launch->argv[0], (char *const *)child->launch->argv,
		(char *const *)child->env);
	static const char said[] = "cannot run the program\n";
	if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
		_exit(126);
	_exit(127);
}

static pid_t child_start(const struct child *child)
{
	pid_t pid = fork();

	if (pid == 0)
		child_become(child);
	if (pid < 0)
		give_up("cannot fork: %s", strerror(errno));
	return pid;
}

/* A test may hold on to the record of an ended process, so each gets its own. */
static struct proc *new_proc(int end_signal, const char *log)
{
	struct proc *proc = keep(calloc(1, sizeof(*proc)));

	proc->end_signal = end_signal;
	proc->log = text("%s", log);
	for (size_t i = 0; i < PROCESSES; i++)
		if (!processes[i] || !processes[i]->pid)
			return processes[i] = proc;
	give_up("more than %d processes", PROCESSES);
}

struct proc *proc_start(const struct launch *launch, const char *log)
{
	struct proc *proc = new_proc(launch->end_signal, log);
	struct child child;

	child_prepare(&child, launch);
	child.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	child.out = child.err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (child.in < 0 || child.out < 0)
		give_up("cannot open %s: %s", log, strerror(errno));
	proc->pid = child_start(&child);
	close(child.in);
	close(child.out);
	return proc;
}

void proc_signal(struct proc *proc, int signal)
{
	if (proc->pid && kill(proc->pid, signal) != 0)
		give_up("cannot signal %d: %s", (int)proc->pid, strerror(errno));
}

static int status_of(int raw)
{
	return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

bool proc_running(struct proc *proc)
{
	int raw;

	if (!proc->pid || waitpid(proc->pid, &raw, WNOHANG) == 0)
		return proc->pid != 0;
	proc->pid = 0;
	proc->status = status_of(raw);
	return false;
}

int proc_wait(struct proc *proc, int64_t ms)
{
	int64_t end = now_ms() + patience(ms);

	while (proc_running(proc)) {
		if (now_ms() > end)
			give_up("process %d did not end within %lld ms; its log:\n%s",
				(int)proc->pid, (long long)patience(ms), proc_log(proc));
		nap(5);
	}
	return proc->status;
}

void proc_kill(struct proc *proc)
{
	int raw;

	if (!proc || !proc_running(proc))
		return;
	kill(proc->pid, SIGKILL);
	waitpid(proc->pid, &raw, 0);
	proc->pid = 0;
	proc->status = status_of(raw);
}

/* The fourth word of /proc/PID/stat; the second may have spaces, but ends with a bracket. */
static pid_t parent_of(const char *pid)
{
	char *stat = file_read(text("/proc/%s/stat", pid)), *end = strrchr(stat, ')');
	int parent = 0;

	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

int proc_signal_children(const struct proc *proc, int signal)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			parent_of(entry->d_name) == proc->pid)
			count += kill((pid_t)strtol(entry->d_name, NULL, 10), signal) == 0;
	if (folder)
		closedir(folder);
	return count;
}

char *proc_log(const struct proc *proc)
{
	return file_read(proc->log);
}

static void ask_to_end(struct proc *proc)
{
	if (!proc || !proc_running(proc))
		return;
	kill(proc->pid, SIGCONT);
	kill(proc->pid, proc->end_signal ? proc->end_signal : SIGKILL);
}

void proc_end_all(void)
{
	int64_t end = now_ms() + 5000;

	for (size_t i = 0; i < PROCESSES; i++)
		ask_to_end(processes[i]);
	for (size_t i = 0; i < PROCESSES && processes[i]; i++) {
		while (proc_running(processes[i]) && now_ms() < end)
			nap(5);
		proc_kill(processes[i]);
	}
}

/* A command's three pipes, from our side; -1 once closed. */
struct pipes {
	int in, out, err;
	const char *input;
	size_t input_left;
	char *texts[2];
	size_t sizes[2];
};

static void close_once(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void feed(struct pipes *pipes)
{
	ssize_t written = write(pipes->in, pipes->input, pipes->input_left);

	if (written > 0) {
		pipes->input += written;
		pipes->input_left -= (size_t)written;
	}
	if (pipes->input_left == 0 || (written < 0 && errno != EAGAIN && errno != EINTR))
		close_once(&pipes->in);
}

static void take(struct pipes *pipes, int *fd, size_t which)
{
	char chunk[16384];
	ssize_t got = read(*fd, chunk, sizeof(chunk));

	if (got <= 0) {
		close_once(fd);
		return;
	}
	pipes->texts[which] = realloc(pipes->texts[which], pipes->sizes[which] + (size_t)got + 1);
	memcpy(pipes->texts[which] + pipes->sizes[which], chunk, (size_t)got);
	pipes->sizes[which] += (size_t)got;
	pipes->texts[which][pipes->sizes[which]] = '\0';
}

static void pump(struct pipes *pipes, int64_t end)
{
	while ((pipes->out >= 0 || pipes->err >= 0) && now_ms() < end) {
		struct pollfd polled[] = { { pipes->in, POLLOUT, 0 }, { pipes->out, POLLIN, 0 },
			{ pipes->err, POLLIN, 0 } };
		if (poll(polled, 3, 100) <= 0)
			continue;
		if (polled[0].revents)
			feed(pipes);
		if (polled[1].revents)
			take(pipes, &pipes->out, 0);
		if (polled[2].revents)
			take(pipes, &pipes->err, 1);
	}
}

static void open_pipes(struct pipes *pipes, struct child *child)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		give_up("no pipe: %s", strerror(errno));
	child->in = in[0];
	child->out = out[1];
	child->err = err[1];
	pipes->in = in[1];
	pipes->out = out[0];
	pipes->err = err[0];
	fcntl(pipes->in, F_SETFL, O_NONBLOCK);
}

static char *finished_text(char *made)
{
	return made ? keep(made) : text("%s", "");
}

struct result command_run(const struct launch *launch, int64_t ms)
{
	struct pipes pipes = { .input = launch->input ? launch->input : "" };
	struct child child;
	struct proc *proc = new_proc(launch->end_signal, "/dev/null");
	int64_t end = now_ms() + patience(ms);

	signal(SIGPIPE, SIG_IGN);
	pipes.input_left = strlen(pipes.input);
	child_prepare(&child, launch);
	open_pipes(&pipes, &child);
	proc->pid = child_start(&child);
	close(child.in);
	close(child.out);
	close(child.err);
	pump(&pipes, end);
	close_once(&pipes.in);
	close_once(&pipes.out);
	close_once(&pipes.err);
	while (proc_running(proc) && now_ms() < end)
		nap(2);
	struct result result = { .out = finished_text(pipes.texts[0]),
		.err = finished_text(pipes.texts[1]),
		.out_size = pipes.sizes[0] };
	if (proc_running(proc))
		give_up("%s %s did not end within %lld ms; it said:\n%s%s", launch->argv[0],
			launch->argv[1] ? launch->argv[1] : "", (long long)patience(ms), result.out,
			result.err);
	result.status = proc->status;
	return result;
}
