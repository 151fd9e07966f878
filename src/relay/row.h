#ifndef RELAY_ROW_H
#define RELAY_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "event.h"

/*
 * Which question of the one reading statement brought a row. Where several did, the first named here
 * counts: only rows of a sweep may follow what was dropped behind a held key.
 */
enum row_source { ROW_SWEEP, ROW_NEW, ROW_GAP, ROW_RETRY, ROW_SCHEDULED };

/*
 * A row of the outbox in memory, from its reading until it is settled. It lives in the batch it was read
 * in; the batch goes when its last row is released. Only the relay's own thread touches links and counts.
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
	struct batch *batch;
};

struct batch {
	struct row *rows; /* by id */
	size_t room, count, live; /* live: rows not yet released */
	size_t bytes; /* of the events */
	int64_t sweep_end; /* rows up to this id may come from a sweep; above it they are new */
	uint64_t pass; /* the sweep its swept rows belong to */
	bool sweep_done; /* the sweep has reached sweep_end with this batch */
	bool caught_up; /* no more new rows were there */
	bool more_due; /* of those that wait for their time, some are due and did not fit */
	size_t settled_before; /* so many of the settled rows it comes with were settled before its reading */
	struct arena arena; /* what the rows point into, unless the result has it */
	void *result; /* a database's; goes with the batch by free_result; NULL: none */
	void (*free_result)(void *result);
	struct batch *next;
};

struct batch *batch_create(size_t room); /* empty */
void batch_destroy(struct batch *batch);

/* A zeroed row at the end; there is always room. Rows before it may move. */
struct row *batch_add(struct batch *batch);

/* Copies the bytes of the row's event into one piece of its batch's arena. */
void row_keep(struct row *row, struct batch *batch);

/* Sorts by id and drops what several questions brought twice. */
void batch_finish(struct batch *batch);

/* Keeps a batch while its rows are handed on; and lets it go, which may free it. */
void batch_hold(struct batch *batch);
void batch_let_go(struct batch *batch);

/* The row is not needed any more. */
void row_release(struct row *row);

static inline size_t row_size(const struct row *row)
{
	const struct event *e = &row->event;

	return e->payload.size + e->headers.size + e->subject.size + e->key.size + e->id.size;
}

#endif
