#ifndef RELAY_OUTBOX_BORROWED_H
#define RELAY_OUTBOX_BORROWED_H

#include "relay/borrowed_sql.h"
#include "relay/outbox_driver.h"
#include "relay/seen.h"

/* What the files of the driver share: life, reading, settling. */
#define NUMBER 24 /* a number as text */

struct borrowed {
	struct outbox base;
	struct borrowed_sql sql; /* made anew with every connection */
	struct seen
		seen; /* rows read and not settled; their numbers are the ids that the relay sees */
	bool durable; /* what is committed now outlives a power cut */
	char *place, *id; /* the cursor: order and id of the last row; NULL: before the first */
};

static inline struct borrowed *borrowed_of(struct outbox *outbox)
{
	return (struct borrowed *)outbox;
}

void outbox_borrowed_forget_cursor(struct borrowed *b);

/*
 * Whether what is committed from now on outlives a power cut. Marks need not: such rows are looked up in the stream.
 * That a row is given up must, since its successors go out then.
 */
bool outbox_borrowed_durable(struct outbox *outbox, bool durable, struct error *err);

/* The parts of the driver. */
bool outbox_borrowed_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err);
bool outbox_borrowed_settle(struct outbox *outbox, const struct verdict *const *verdicts,
	size_t count, const struct position *position, size_t *changed, struct error *err);

#endif
