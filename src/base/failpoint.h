#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

/*
 * Named places between two steps where a test can hurt the process. Compiled out of releases.
 *
 * The environment variable DRAY_FAILPOINTS is a list `name=action[@N]` separated by commas: at the N-th
 * pass (1 when not given) `kill` ends the process by SIGKILL, `stop` stops it by SIGSTOP, `sleep:MS`
 * waits at every pass from the N-th on.
 */
#ifdef DRAY_FAILPOINTS
void failpoint(const char *name);
#else
#define failpoint(name) ((void)0)
#endif

#endif
