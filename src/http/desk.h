#ifndef HTTP_DESK_H
#define HTTP_DESK_H

#include "http/ask.h"
#include "http/watch.h"

/*
 * A thread that does what needs a database, one thing after another, so that numbers and health are answered
 * while a database is slow or away.
 */
struct desk;

#define DESK_JOBS 16 /* that wait; more are refused */

struct job {
	json_t *said; /* what ask was read from */
	struct ask ask;
	char by[96]; /* who asks */
	void (*ready)(void *context); /* called by the desk's thread when the answer is there */
	void *context;

	unsigned status; /* HTTP's; 0 until then */
	json_t *answer; /* for whoever made the job to take */
	struct job *next;
};

/* NULL where no thread is left. */
struct desk *desk_start(const struct config *config, struct watch *watch, struct stop *stop);

/* False: too many wait, or it is closed. The job must live until it is ready. */
bool desk_give(struct desk *desk, struct job *job);

/* Every job that waits is answered with 503, and no more are taken. stop has been requested. */
void desk_close(struct desk *desk);
void desk_destroy(struct desk *desk); /* a closed one; accepts NULL */

#endif
