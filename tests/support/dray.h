#ifndef SUPPORT_DRAY_H
#define SUPPORT_DRAY_H

#include "support/proc.h"

/*
 * The built program. DRAY_BINARY picks another one. It sees none of the NATS_*, PG* and DRAY_FAILPOINTS of
 * the environment that the tests run in; what it shall see is given here.
 */

const char *dray_program(void); /* its path, for what starts it in another way */

/* NAME=VALUE for every dray from now on: dray_environment("NATS_URL", server.url). */
void dray_environment(const char *name, const char *value);

/* A command, to its end, within 60 s: dray("emit", "shop.order", "{}"). */
#define dray(...) dray_run((const char *const[]){ __VA_ARGS__, NULL }, NULL)
struct result dray_run(const char *const *arguments, const char *input);

/* The same, and fails the test where it does not give this exit status. */
#define dray_expect(wanted, ...) \
	dray_run_expect(__FILE__, __LINE__, wanted, (const char *const[]){ __VA_ARGS__, NULL })
struct result dray_run_expect(const char *file, int line, int wanted, const char *const *arguments);

/* The user whom every dray_start from now on runs as, where the tests run as root; NULL: the same. */
void dray_user(const char *user);

/*
 * In the background; its log is scratch/NAME.log, which every process started under that name continues.
 * failpoints: as DRAY_FAILPOINTS has them, or NULL.
 */
#define dray_start(name, failpoints, ...) \
	dray_launch(name, failpoints, (const char *const[]){ __VA_ARGS__, NULL })
struct proc *dray_launch(const char *name, const char *failpoints, const char *const *arguments);

/* SIGTERM, waits, and fails the test unless it ends with 0. */
void dray_stop(struct proc *proc);

#endif
