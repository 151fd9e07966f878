/* Waiting for one's turn, by the scheduler's policies. */
#include "base/patience.h"

#include <pthread.h>
#include <sched.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool usual; /* the policy that the process was started with */

static void look(void)
{
	usual = sched_getscheduler(0) == SCHED_OTHER;
}

void patience_set(bool patient)
{
	const struct sched_param none = { 0 };

	pthread_once(&once, look);
	if (usual)
		sched_setscheduler(0, patient ? SCHED_BATCH : SCHED_OTHER, &none);
}
