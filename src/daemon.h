#ifndef DAEMON_H
#define DAEMON_H

#include "config.h"

/* How SIGHUP gets another config. Used by the thread of daemon_run alone. */
struct daemon_reload {
	/* Reads the file again. NULL where it is no good, which it has said in the log. */
	struct config *(*read)(void *context, const char *file);
	void *context;
	struct config *
		next; /* what daemon_run leaves: the config to go on with, for the caller; or NULL */
};

/*
 * Runs every relay and sink of the config, each on its own threads, until SIGTERM or SIGINT (a second one,
 * a moment later, ends the process at once), until SIGHUP gave another config, or until all have stopped. A
 * pipeline that its set-up stops says so, the others go on. Without a reload (NULL) SIGHUP is as SIGTERM. Returns the
 * exit status: 0 after a signal, 1 where all pipelines have stopped by themselves; of no meaning with a next
 * config. Ends the process with 1 where the drain after SIGTERM or SIGINT does not end within shutdown_timeout.
 */
int daemon_run(const struct config *config, struct daemon_reload *reload);

/*
 * Blocks the signals for daemon_run to take. To be called before anything starts a thread (a connection to
 * NATS does), or a signal may end the process in that thread; as PID 1 it gets none before it.
 */
void daemon_block_signals(void);

#endif
