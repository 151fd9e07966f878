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

/*
 * Whether the durable of the options could be used: true where it is, or where there is none (*missing).
 * *acked: everything of the stream up to this sequence was acknowledged to it; 0: nothing. Makes nothing.
 */
bool pull_consumer_check(struct link *link, const struct pull_options *options, bool *missing,
	int64_t *acked, struct error *err);

#endif
