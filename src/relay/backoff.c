/* Exponential backoff with jitter. */
#include "relay/backoff.h"

#include <math.h>
#include <sys/random.h>

int64_t backoff_delay(const struct config_retry *policy, int64_t attempt, double chance)
{
	double steps = attempt > 1 ? (double)(attempt - 1) : 0;
	double delay = (double)policy->initial_ms * pow(policy->multiplier, steps);

	if (!(delay < (double)policy->max_ms)) /* also where pow overflows */
		delay = (double)policy->max_ms;
	delay *= 1 - policy->jitter * chance;
	return delay < 1 ? 1 : (int64_t)delay;
}

bool backoff_exhausted(const struct config_retry *policy, int64_t attempts)
{
	return policy->max_attempts > 0 && attempts >= policy->max_attempts;
}

double backoff_chance(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return 0.5;
	return random / 4294967296.0;
}
