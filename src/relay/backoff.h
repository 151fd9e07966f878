#ifndef RELAY_BACKOFF_H
#define RELAY_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

/*
 * How long to wait after the attempt-th failure (1 is the first): initial * multiplier^(attempt - 1), at
 * most max, of which the share `jitter` is random: chance is in [0, 1). In milliseconds, at least 1.
 */
int64_t backoff_delay(const struct config_retry *policy, int64_t attempt, double chance);

/* Whether a row that failed this often is given up. */
bool backoff_exhausted(const struct config_retry *policy, int64_t attempts);

/* A random number in [0, 1). Any thread. */
double backoff_chance(void);

#endif
