/*
 * cnats' life. One of its threads frees messages, and is woken for each: it would take the core from who hands them
 * over, free the one, and sleep again. So its threads wait for their turn.
 */
#include "nats/library.h"

#include <pthread.h>
#include <signal.h>

#include <nats/nats.h>

#include "base/patience.h"
#include "nats/link.h"

/*
 * Tries of a lock before the thread sleeps. cnats' own 2,000 are for machines with more cores than threads: whoever
 * holds the lock may be waiting for the core that spins.
 */
#define SPINS 50

/* cnats refuses whoever asks while another thread opens it. */
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

void library_open(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_mutex_lock(&opening);
	pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are for whoever waits for them */
	patience_set(true);
	nats_Open(SPINS);
	patience_set(false);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_mutex_unlock(&opening);
}

void library_close(void)
{
	nats_CloseAndWait(LINK_WRITE_DEADLINE_MS);
}

const char *library_version(void)
{
	return nats_GetVersion();
}
