#ifndef CHAOS_WRITERS_H
#define CHAOS_WRITERS_H

#include "plan.h"
#include "support/support.h"

/* The application: threads that write until they have written so many rows. */
struct writers;

struct writers *writers_start(const struct plan *plan, const char *url);

/*
 * They go on until so many rows are committed in all, evenly over the time, and wait there. The second function
 * waits for so many, as long as they become more.
 */
void writers_allow(struct writers *writers, int64_t rows, int64_t ms);
void writers_wait(const struct writers *writers, int64_t rows);

/* One row more, after their end. */
void writers_add_one(struct writers *writers);

/* A key of its own, of that number, whose first row has the subject late.row; also while they write. */
void writers_add_late(struct writers *writers, int number);

/*
 * A row of a key of its own, with a subject that the stream may refuse: it has its id, and is committed by the second
 * call. PostgreSQL only; where the server is away there is no row.
 */
void writers_begin_side(struct writers *writers, int number);
void writers_commit_side(struct writers *writers);

/* Rows under ids lower than one that the relay has seen; PostgreSQL only. */
void writers_add_drawn(struct writers *writers);

/* Ends them and everything that they left open, and says how often each kind of turn was taken. */
void writers_end(struct writers *writers);

#endif
