#ifndef DAEMON_H
#define DAEMON_H

#include "config.h"

/*
 * Runs every relay and sink of the config, each on its own threads, until SIGTERM or SIGINT (a second one,
 * a moment later, ends the process at once) or until all have stopped. A pipeline that its set-up stops
 * says so, the others go on. Returns the exit status: 0 after a signal, 1 where all pipelines have stopped
 * by themselves. Ends the process with 1 where the drain does not end within shutdown_timeout.
 */
int daemon_run(const struct config *config);

/*
 * Blocks SIGTERM and SIGINT, for daemon_run to take. To be called before anything starts a thread (a
 * connection to NATS does), or a signal may end the process in that thread.
 */
void daemon_block_signals(void);

#endif
