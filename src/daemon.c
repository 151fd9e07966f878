/*
 * A thread for each pipeline; the calling thread waits for signals and for the end of threads. Shared
 * between threads: the stop, the event descriptor `done`, and each pipeline's `ended`.
 */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/stop.h"
#include "config_files.h"
#include "http/server.h"
#include "history/auditor.h"
#include "relay/relay.h"
#include "sink/sink.h"

#define SAME_SIGNAL_MS 300 /* timeout(1) sends its signal twice */

struct pipeline {
	struct daemon *daemon;
	const struct config_relay *relay; /* one of the two */
	const struct config_sink *sink;
	struct metrics metrics;
	pthread_t thread;
	bool started;
	atomic_bool ended;
};

struct daemon {
	const struct config *config;
	struct stop stop;
	int signals, done; /* descriptors: a signal came; a thread ended */
	struct pipeline *pipelines;
	struct watched *watched; /* the same for HTTP */
	size_t count;
	struct daemon_reload *reload; /* NULL: there is nothing to read again */
	int64_t signal_ms; /* when the first signal to end came; 0 before it */
	int64_t stop_ms; /* since when the pipelines are to finish; 0: they are not, or not in time */
};

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void daemon_block_signals(void)
{
	sigset_t set;

	stop_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/*
 * Dray starts no processes; but as PID 1 of a container, or where a shell gave its place to it, it is the parent of
 * some. Whoever ended already is reaped here, whoever ends later leaves nothing behind.
 */
static void leave_no_zombies(void)
{
	signal(SIGCHLD, SIG_IGN);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* The relay, and its audit beside it. */
static bool run_relay(struct daemon *daemon, struct pipeline *pipeline, struct error *err)
{
	struct auditor *auditor = auditor_start(daemon->config, pipeline->relay);
	bool ok =
		relay_run(daemon->config, pipeline->relay, &pipeline->metrics, &daemon->stop, err);

	auditor_stop(auditor);
	return ok;
}

static void *run_pipeline(void *argument)
{
	struct pipeline *pipeline = argument;
	struct daemon *daemon = pipeline->daemon;
	const char *name = pipeline->relay ? pipeline->relay->name : pipeline->sink->name;
	struct error err = { 0 };
	uint64_t one = 1;

	bool ok = pipeline->relay
		? run_relay(daemon, pipeline, &err)
		: sink_run(daemon->config, pipeline->sink, &pipeline->metrics, &daemon->stop, &err);
	if (!ok) {
		log_error(name, "stopped: %s", err.text);
		metrics_error(&pipeline->metrics, err.text, clock_wall_ms());
	}
	metrics_set(&pipeline->metrics, METRIC_LEASE_UNTIL_MS, 0);
	metrics_set(&pipeline->metrics, METRIC_STATE, STATE_STOPPED);
	pipeline->ended = true;
	if (write(daemon->done, &one, sizeof(one)) < 0)
		log_error(name, "cannot report its end: %s", strerror(errno));
	return NULL;
}

static void start(
	struct daemon *daemon, const struct config_relay *relay, const struct config_sink *sink)
{
	struct pipeline *pipeline = &daemon->pipelines[daemon->count];
	const char *name = relay ? relay->name : sink->name;

	pipeline->daemon = daemon;
	pipeline->relay = relay;
	pipeline->sink = sink;
	metrics_init(&pipeline->metrics);
	daemon->watched[daemon->count++] =
		(struct watched){ name, relay ? "relay" : "sink", &pipeline->metrics };
	int code = pthread_create(&pipeline->thread, NULL, run_pipeline, pipeline);
	pipeline->started = code == 0;
	if (code == 0)
		return;
	pipeline->ended = true;
	metrics_set(&pipeline->metrics, METRIC_STATE, STATE_STOPPED);
	log_error(name, "no thread for it: %s", strerror(code));
}

static void warn_of_files(const struct config *config)
{
	struct findings found = { 0 };

	config_check_files(config, &found);
	for (size_t i = 0; i < found.count; i++)
		log_warning(NULL, "%s", found.items[i].text);
	findings_finish(&found);
}

static void start_all(struct daemon *daemon)
{
	const struct config *config = daemon->config;

	log_info(NULL, "dray %s: %zu relay%s, %zu sink%s", DRAY_VERSION, config->relay_count,
		config->relay_count == 1 ? "" : "s", config->sink_count,
		config->sink_count == 1 ? "" : "s");
	warn_of_files(config);
	for (size_t i = 0; i < config->relay_count; i++)
		start(daemon, &config->relays[i], NULL);
	for (size_t i = 0; i < config->sink_count; i++)
		start(daemon, NULL, &config->sinks[i]);
}

static size_t still_running(const struct daemon *daemon)
{
	size_t running = 0;

	for (size_t i = 0; i < daemon->count; i++)
		running += !daemon->pipelines[i].ended;
	return running;
}

static void finish_pipelines(struct daemon *daemon)
{
	daemon->stop_ms = clock_now_ms();
	stop_request(&daemon->stop);
}

/* A second reload takes the place of the first one, whose pipelines still finish. */
static void on_hangup(struct daemon *daemon)
{
	struct daemon_reload *reload = daemon->reload;

	if (daemon->signal_ms)
		return;
	log_info(NULL, "SIGHUP: reads %s again", daemon->config->file);
	notify_systemd_reloading();
	struct config *next = reload->read(reload->context, daemon->config->file);
	if (next) {
		config_destroy(reload->next);
		reload->next = next;
		finish_pipelines(daemon);
	} else if (!reload->next) {
		notify_systemd("READY=1");
	}
}

static void on_end(struct daemon *daemon, uint32_t signal)
{
	if (daemon->signal_ms && clock_now_ms() - daemon->signal_ms < SAME_SIGNAL_MS)
		return;
	if (daemon->signal_ms) {
		log_warning(NULL, "a second signal: ending at once");
		_exit(1);
	}
	log_info(NULL, "SIG%s: finishing what is on the way", sigabbrev_np((int)signal));
	notify_systemd("STOPPING=1");
	daemon->signal_ms = clock_now_ms();
	finish_pipelines(daemon);
}

static void on_signal(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	if (read(daemon->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP && daemon->reload)
		on_hangup(daemon);
	else
		on_end(daemon, info.ssi_signo);
}

/* What is left of the drain; -1: nothing asked for one. */
static int64_t left_ms(const struct daemon *daemon)
{
	if (!daemon->stop_ms)
		return -1;
	int64_t left = daemon->stop_ms + daemon->config->shutdown_timeout_ms - clock_now_ms();
	return left < 0 ? 0 : left;
}

/* The process ends here where it has to: threads still run. A reload waits for them, since none can be ended. */
static void on_timeout(struct daemon *daemon)
{
	if (!daemon->signal_ms) {
		log_warning(NULL,
			"shutdown_timeout is over with %zu pipelines still at work; the reload waits "
			"for them",
			still_running(daemon));
		daemon->stop_ms = 0;
		return;
	}
	log_error(NULL, "shutdown_timeout is over with %zu pipelines still at work; ending",
		still_running(daemon));
	_exit(1);
}

static int wait_ms(const struct daemon *daemon)
{
	int64_t left = left_ms(daemon), watchdog = notify_watchdog_ms();

	return (int)(left < 0 || (watchdog >= 0 && watchdog < left) ? watchdog : left);
}

/* Until no pipeline runs. */
static void wait_for_all(struct daemon *daemon)
{
	struct pollfd fds[] = { { .fd = daemon->signals, .events = POLLIN },
		{ .fd = daemon->done, .events = POLLIN } };
	uint64_t count;

	while (still_running(daemon) > 0) {
		int changed = poll(fds, 2, wait_ms(daemon));
		notify_systemd("WATCHDOG=1");
		if (changed == 0 && left_ms(daemon) == 0)
			on_timeout(daemon);
		if (changed > 0 && fds[1].revents && read(daemon->done, &count, sizeof(count)) < 0)
			return;
		if (changed > 0 && fds[0].revents)
			on_signal(daemon);
	}
}

static void join_all(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->count; i++) {
		if (daemon->pipelines[i].started)
			pthread_join(daemon->pipelines[i].thread, NULL);
		metrics_finish(&daemon->pipelines[i].metrics);
	}
}

static bool open_descriptors(struct daemon *daemon)
{
	sigset_t set;

	stop_signals(&set);
	daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	daemon->done = eventfd(0, EFD_CLOEXEC);
	return stop_init(&daemon->stop) && daemon->signals >= 0 && daemon->done >= 0;
}

static const char *ending(const struct daemon *daemon)
{
	if (daemon->signal_ms)
		return "finished";
	return daemon->reload && daemon->reload->next ? "every pipeline has finished; begins again"
						      : "every pipeline has stopped";
}

static void run_all(struct daemon *daemon)
{
	start_all(daemon);
	struct http *http = http_start(daemon->config, daemon->watched, daemon->count);
	notify_systemd("READY=1");
	wait_for_all(daemon);
	http_stop(http);
	join_all(daemon);
	log_info(NULL, "%s", ending(daemon));
}

int daemon_run(const struct config *config, struct daemon_reload *reload)
{
	struct daemon daemon = { .config = config, .reload = reload };
	size_t count = config->relay_count + config->sink_count;

	daemon_block_signals();
	leave_no_zombies();
	daemon.pipelines = memory_new((count + 1) * sizeof(*daemon.pipelines));
	daemon.watched = memory_new((count + 1) * sizeof(*daemon.watched));
	if (open_descriptors(&daemon))
		run_all(&daemon);
	else
		log_error(NULL, "no descriptors left: %s", strerror(errno));
	stop_finish(&daemon.stop);
	close(daemon.signals);
	close(daemon.done);
	free(daemon.pipelines);
	free(daemon.watched);
	if (daemon.signal_ms && reload) {
		config_destroy(reload->next);
		reload->next = NULL;
	}
	return daemon.signal_ms ? 0 : 1;
}
