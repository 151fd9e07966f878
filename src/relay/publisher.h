#ifndef RELAY_PUBLISHER_H
#define RELAY_PUBLISHER_H

#include "base/bell.h"
#include "event.h"
#include "nats/link.h"
#include "relay/puback.h"

/*
 * The JetStream side of a relay: pipelined publishing on core NATS with an own reply inbox. The reply
 * subject ends with a token the caller chooses, so an answer finds its message without a search.
 *
 * All of it is for one thread. cnats' delivery thread puts answers into a list under
 * a lock and rings the bell.
 */
struct publisher;

struct answer {
	uint64_t token;
	struct puback ack;
};

/* The link must be up, and outlive the publisher. */
struct publisher *publisher_create(struct link *link, struct bell *bell, struct error *err);
/* Accepts NULL. No answer comes after it. A server that does not answer gets its link closed. */
void publisher_destroy(struct publisher *publisher);

/* What the stream shall check before it stores. */
struct expected {
	const char *stream; /* NULL: any */
	const uint64_t *last; /* the sequence that the message comes after; NULL: any */
};

/*
 * Sends one event; the answer comes with its token, or never. ERROR_REJECTED: the event may not be sent as
 * it is (checked before a byte is written). ERROR_UNAVAILABLE: the connection is at fault, and the event
 * may or may not arrive.
 */
bool publisher_send(struct publisher *publisher, uint64_t token, const struct event *event,
	const struct expected *expected, struct error *err);

/* Sends what the client library still buffers, so that a lone message does not wait for company. */
bool publisher_flush(struct publisher *publisher, struct error *err);

/* Gathers the answers that have come. They are given one by one, in their order; false: that was the last. */
void publisher_gather(struct publisher *publisher);
bool publisher_next(struct publisher *publisher, struct answer *answer);

/*
 * To be called before a rest, with the number of messages that have no answer yet. Destroys those that are done with:
 * cnats frees them in a thread of its own, which is woken for each one that comes alone, and takes the locks of
 * whoever allocates meanwhile.
 */
void publisher_rest(struct publisher *publisher, size_t on_their_way);

#endif
