#ifndef CMD_HISTORY_H
#define CMD_HISTORY_H

#include "base/stop.h"
#include "cli.h"

/* What the commands that go back in history have in common: replay and audit. */

/*
 * A place in history: id:N or seq:N, time:2026-01-31T12:00:00Z, or a duration ago. *number or *time gets a
 * value, the other stays as it is; time is as the tables have it, and belongs to the caller.
 */
bool cmd_parse_when(const char *text, int64_t *number, char **time, struct error *err);

/* SIGINT and SIGTERM request the stop; a second one ends the process. */
void cmd_stop_on_signals(struct stop *stop);

/* Whether progress is shown: on a terminal, and not with -q or --json. */
bool cmd_shows_progress(const struct cli *cli);

/* A line that replaces the one before; the last is ended by cmd_end_progress. */
void cmd_progress(const char *what, int64_t done, int64_t total, int64_t began_ms, int64_t since);
void cmd_end_progress(void);

#endif
