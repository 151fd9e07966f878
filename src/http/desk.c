/* Jobs wait in a list under a lock; one thread takes them. */
#include "http/desk.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "base/memory.h"
#include "http/deed.h"

struct desk {
	const struct config *config;
	struct watch *watch;
	struct stop *stop;
	pthread_t thread;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	struct job *first, **last;
	size_t count;
	bool closed;
};

/* The next job; NULL: none will come any more. */
static struct job *take(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	while (!desk->first && !desk->closed)
		pthread_cond_wait(&desk->changed, &desk->lock);
	struct job *job = desk->first;
	if (job) {
		desk->first = job->next;
		desk->count--;
		if (!desk->first)
			desk->last = &desk->first;
	}
	pthread_mutex_unlock(&desk->lock);
	return job;
}

static void work(struct desk *desk, struct job *job)
{
	void (*ready)(void *) = job->ready;
	void *context = job->context;

	failpoint("http.work");
	if (stop_requested(desk->stop)) {
		job->answer = deed_error("Dray is stopping.");
		job->status = 503;
	} else {
		job->answer = deed_do(desk->config, &job->ask, job->by, desk->stop, &job->status);
		if (job->ask.action != ASK_LIST && job->ask.action != ASK_SHOW)
			watch_renew(desk->watch);
	}
	ready(context);
}

static void *run(void *argument)
{
	struct desk *desk = argument;
	struct job *job;

	while ((job = take(desk)))
		work(desk, job);
	return NULL;
}

struct desk *desk_start(const struct config *config, struct watch *watch, struct stop *stop)
{
	struct desk *desk = memory_new(sizeof(*desk));

	*desk = (struct desk){ .config = config, .watch = watch, .stop = stop };
	desk->last = &desk->first;
	pthread_mutex_init(&desk->lock, NULL);
	pthread_cond_init(&desk->changed, NULL);
	if (pthread_create(&desk->thread, NULL, run, desk) == 0)
		return desk;
	desk_destroy(desk);
	return NULL;
}

bool desk_give(struct desk *desk, struct job *job)
{
	pthread_mutex_lock(&desk->lock);
	bool taken = !desk->closed && desk->count < DESK_JOBS;
	if (taken) {
		job->next = NULL;
		*desk->last = job;
		desk->last = &job->next;
		desk->count++;
		pthread_cond_signal(&desk->changed);
	}
	pthread_mutex_unlock(&desk->lock);
	return taken;
}

void desk_close(struct desk *desk)
{
	pthread_mutex_lock(&desk->lock);
	desk->closed = true;
	pthread_cond_signal(&desk->changed);
	pthread_mutex_unlock(&desk->lock);
	pthread_join(desk->thread, NULL);
}

void desk_destroy(struct desk *desk)
{
	if (!desk)
		return;
	pthread_cond_destroy(&desk->changed);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}
