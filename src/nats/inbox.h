#ifndef NATS_INBOX_H
#define NATS_INBOX_H

#include "nats/link.h"

/*
 * A subscription to a subject of our own, with whatever stands behind its last dot; messages queue up, as
 * they came, until they are taken. There is no limit: what is asked for must be bounded. One thread.
 */
struct inbox;
struct natsMessage; /* natsMsg of nats.h */

struct inbox *inbox_open(struct link *link, struct error *err);

/*
 * No more messages come, and the connection is closed if the server does not answer. What is queued is
 * destroyed. Before this the link must not be closed. Accepts NULL.
 */
void inbox_close(struct inbox *inbox);

const char *inbox_subject(
	const struct inbox *inbox); /* "_INBOX.x": reply to "_INBOX.x.SOMETHING" */

/* The next message, which belongs to the caller, or NULL where none came within wait_ms. */
struct natsMessage *inbox_take(struct inbox *inbox, int64_t wait_ms);

#endif
