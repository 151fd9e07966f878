#ifndef DAEMON_H
#define DAEMON_H

#include "config.h"

/*
 * Runs every relay and sink of the config, each on its own threads, until SIGTERM or SIGINT (a second one
 * ends at once) or until all have stopped. A pipeline that its set-up stops says so, the others go on.
 * Returns the exit status: 0 after a signal, 1 where all pipelines have stopped by themselves or the drain
 * did not end within shutdown_timeout.
 */
int daemon_run(const struct config *config);

#endif
