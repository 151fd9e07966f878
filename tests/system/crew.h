#ifndef CREW_H
#define CREW_H

#include "fixture.h"

/*
 * Several `dray run` for one job, which stand by for each other: relays of one outbox, each under a name of
 * its own, or sinks of one name. The stream is the crew's own.
 */
#define CREW 4

struct crew {
	bool sink;
	char *name; /* of the stream; its subjects are NAME.> */
	const char *settings; /* of the pipeline, in YAML's flow style */
	char *database;
	const char *nats_url; /* for members that start from now on; at first the server's */
	struct testdb *db;
	struct jetstream *js;
	struct proc *members[CREW];
};

/* Makes database, stream and tables; nobody works yet. */
void crew_make(
	struct crew *crew, const char *kind, const char *name, bool sink, const char *settings);

/* A member starts; its database URL may be another way there (a proxy), NULL: the crew's. */
void crew_start(struct crew *crew, int member, const char *url, const char *failpoints);
void crew_start_all(struct crew *crew, int members); /* the first one works when this returns */

bool crew_stands_by(
	struct crew *crew, int member); /* is the last thing that it said of the lease */
void crew_wait_stand_by(struct crew *crew, int member);

/* Who holds the lease, as its row says: "HOST/PID/..."; and whether that is this member. */
char *crew_holder(struct crew *crew);
bool crew_holds(struct crew *crew, int member);

/* One event for the job; and whether it has gone all the way. */
char *crew_put(struct crew *crew);
bool crew_is_done(struct crew *crew, const char *id);

/* How long an event that is put now takes, in ms: the take-over, where nobody works at this moment. */
int64_t crew_measure(struct crew *crew);

/* Waits until everything is through, ends everybody, and counts: each once, in order, marked where it is. */
void crew_finish(struct crew *crew);

/* Whether every thread of a process is stopped. */
bool is_stopped(const struct proc *proc);

#endif
