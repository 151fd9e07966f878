#ifndef RELAY_ROW_H
#define RELAY_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

/*
 * Which question of the one reading statement brought a row. Where several did, the first named here
 * counts: only rows of a sweep may follow what was dropped behind a held key.
 */
enum row_source { ROW_SWEEP, ROW_NEW, ROW_GAP, ROW_RETRY, ROW_SCHEDULED };

/*
 * A row of the outbox in memory, from its reading until it is settled: one piece of memory with the bytes of its
 * event, so that a row that waits keeps no other. Only the relay's own thread touches the links.
 */
struct row {
	int64_t id;
	struct event event; /* not due: payload and headers are absent */
	int64_t attempts;
	int64_t wait_ms; /* 0: due; else how long until it is */
	int64_t created_ms; /* wall clock */
	enum row_source source;
	bool failed; /* has a retry_at: holds its key until then */
	bool given_up; /* dead, as soon as that is settled */
	bool put_back; /* a person took it out of the dead: it goes before what holds its key */
	uint64_t key_hash; /* of the key; order fills it */
	struct row *next; /* in whichever one list it stands */
};

/* What one reading brought. */
struct batch {
	struct row **rows; /* by id, once it is finished; NULL where one was taken */
	size_t room, count;
	size_t bytes; /* of the events, once it is finished */
	int64_t sweep_end; /* rows up to this id may come from a sweep; above it they are new */
	uint64_t pass; /* the sweep its swept rows belong to */
	bool sweep_done; /* the sweep has reached sweep_end with this batch */
	bool caught_up; /* no more new rows were there */
	bool more_due; /* of those that wait for their time, some are due and did not fit */
	size_t settled_before; /* so many of the settled rows it comes with were settled before its reading */
	struct batch *next;
};

struct batch *batch_create(size_t room); /* room: how many rows it will have, as far as is known */
void batch_destroy(struct batch *batch); /* with the rows that were not taken */

/* Adds a copy of the row and of its event's bytes, which may be anybody's; batch_put in another's place. */
void batch_add(struct batch *batch, const struct row *row);
void batch_put(struct batch *batch, size_t at, const struct row *row);

/* Drops the rows that are not wanted. */
void batch_filter(struct batch *batch, bool (*wanted)(const struct row *row, const void *context),
	const void *context);

/* Sorts by id and drops what several questions brought twice. */
void batch_finish(struct batch *batch);

/* The row belongs to the caller now, who releases it. */
struct row *batch_take(struct batch *batch, size_t at);
void row_release(struct row *row); /* accepts NULL */
void rows_release(struct row *rows); /* linked by next */

static inline size_t row_size(const struct row *row)
{
	const struct event *e = &row->event;

	return e->payload.size + e->headers.size + e->subject.size + e->key.size + e->id.size;
}

#endif
