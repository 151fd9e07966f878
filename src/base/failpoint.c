/* Failpoints: what DRAY_FAILPOINTS asks for, done at the place of that name. Any thread. */
#include "base/failpoint.h"

#ifdef DRAY_FAILPOINTS

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define POINTS 32

static struct point {
	char name[64], action[32];
	long at, passes;
} points[POINTS];
static size_t point_count;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void read_points(void)
{
	const char *list = getenv("DRAY_FAILPOINTS");
	char *copy = strdup(list ? list : ""), *rest = copy, *item;

	while ((item = strsep(&rest, ",")) && point_count < POINTS) {
		struct point *point = &points[point_count];
		point->at = 1;
		if (sscanf(item, "%63[^=]=%31[^@]@%ld", point->name, point->action, &point->at) >=
			2)
			point_count++;
	}
	free(copy);
}

static void act(const struct point *point)
{
	if (strcmp(point->action, "kill") == 0 && point->passes == point->at)
		kill(getpid(), SIGKILL);
	else if (strcmp(point->action, "stop") == 0 && point->passes == point->at)
		raise(SIGSTOP); /* this thread first: it must not run on for a moment */
	else if (strncmp(point->action, "sleep:", 6) == 0 && point->passes >= point->at)
		clock_sleep_ms(atol(point->action + 6));
}

void failpoint(const char *name)
{
	pthread_once(&once, read_points);
	for (size_t i = 0; i < point_count; i++) {
		if (strcmp(points[i].name, name) != 0)
			continue;
		pthread_mutex_lock(&lock);
		points[i].passes++;
		struct point copy = points[i];
		pthread_mutex_unlock(&lock);
		act(&copy);
	}
}

#else
typedef int failpoints_are_compiled_out;
#endif
