#ifndef NATS_PULL_CONSUMER_H
#define NATS_PULL_CONSUMER_H

#include "nats/pull.h"

/*
 * Makes the consumer that a pull reads from, or takes a durable that is there, and gives its name.
 * *filter_here: the server filters nothing, so the reader has to (before nats-server 2.10 several subjects
 * are accepted and ignored). ERROR_SCHEMA where the stream does not allow it or a durable that is there is
 * of another kind.
 */
bool pull_consumer_make(struct link *link, const struct pull_options *options, char name[256],
	bool *filter_here, struct error *err);

struct pull_consumer_state {
	bool missing; /* there is none */
	int64_t acked; /* everything of the stream up to this sequence was acknowledged to it; 0: nothing */
	int64_t given; /* it goes on behind this sequence; 0: nothing was given yet */
};

/* Whether the durable of the options could be used: true where it is, or where there is none. Makes nothing. */
bool pull_consumer_check(struct link *link, const struct pull_options *options,
	struct pull_consumer_state *state, struct error *err);

/* Removes the durable of the options. */
void pull_consumer_delete(struct link *link, const struct pull_options *options);

#endif
