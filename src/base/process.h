#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>

#define PROCESS_NAME 128

/*
 * A name for this process that no other process bears, on this machine or another, now or after a boot:
 * "HOST/PID/PLACE-START-RANDOM". PLACE stands for the boot and the namespaces in which PID and START (when
 * the process started) mean something; "0" where they cannot be told. Each call gives another RANDOM.
 */
void process_name(char name[PROCESS_NAME]);

/* USER@HOST: who runs this process, for people. */
void process_user(char text[PROCESS_NAME]);

/*
 * Whether the process that bears a name is provably gone: it ran in this very place, and its PID is unused
 * or is another process's. False also where nothing can be told.
 */
bool process_is_gone(const char *name);

#endif
