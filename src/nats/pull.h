#ifndef NATS_PULL_H
#define NATS_PULL_H

#include "base/slice.h"
#include "nats/link.h"

/*
 * Reads a stream by a pull consumer: a loop of our own with two requests outstanding, which is several
 * times as fast as fetching. (natsSubscription_Fetch writes past its heap block before cnats 3.9.)
 *
 * An ephemeral consumer without acknowledgements (durable NULL) gives every message once and in order: the
 * consumer sequence is checked, and a gap, a redelivery, a deleted consumer or a broken connection is
 * ERROR_CONFLICT (begin again after what is stored) or ERROR_UNAVAILABLE. A durable has explicit
 * acknowledgements and gives no order.
 *
 * One thread. What is on the way is bounded by 2 * batch messages, and by batch_bytes a request (two, or
 * three while the server serves them in turns); a message larger than that comes alone.
 */
struct pull;

struct pull_options {
	const char *stream;
	const char *
		durable; /* NULL: ephemeral, ordered, without acknowledgements; outlives the pull */
	const struct config_list *subjects; /* NULL or empty: all; outlives the pull */
	uint64_t start_seq; /* 1 and more; or 0 */
	const char *start_time; /* RFC 3339, where start_seq is 0 */
	bool start_new; /* where both are not given: only what comes from now on; otherwise everything */
	bool headers_only; /* no payload; Nats-Msg-Size tells its size */
	int64_t batch; /* messages a request */
	int64_t batch_bytes; /* 0: no limit */
	int64_t ack_wait_ms; /* of a durable: what a client that is gone had comes again after that */
};

struct pull_message {
	struct slice subject, id, key,
		payload; /* id and key: data NULL where the header is missing */
	struct slice
		headers; /* the others as a JSON object of string or array of strings; NULL where none */
	const char *fault; /* NULL, or what makes it unfit to be stored as it is (static text) */
	uint64_t seq, consumer_seq, pending; /* pending: how many are behind this one */
	int64_t time_ns; /* when the stream stored it, since 1970 */
	int64_t size; /* of the payload, also with headers_only */
	uint64_t delivered; /* 1: the first time */
	void *handle; /* pull_release frees it and with it what the slices point to */
};

struct pull *pull_create(struct link *link, const struct pull_options *options, struct error *err);
/*
 * Accepts NULL. Deletes an ephemeral consumer; gives back what a durable has delivered and nobody has taken.
 * Closes the link where the server does not answer.
 */
void pull_destroy(struct pull *pull);

/*
 * The next message. False with ERROR_NONE in err->kind where none came within wait_ms; false with an
 * error otherwise. stop of the link ends the wait: ERROR_STOPPED.
 */
bool pull_next(struct pull *pull, int64_t wait_ms, struct pull_message *message, struct error *err);
void pull_release(struct pull_message *message);

/* What the server says of an ephemeral consumer. */
struct pull_progress {
	uint64_t delivered_seq; /* up to this sequence of the stream everything was sent */
	bool all_taken; /* nothing is left that the stream stored before the call: pull_next gave it */
};

bool pull_progress(struct pull *pull, struct pull_progress *progress, struct error *err);

/*
 * Acknowledges a message of a durable, or gives it back, so that it is delivered again at once. Waits for
 * no answer.
 */
bool pull_ack(struct pull *pull, const struct pull_message *message, struct error *err);
bool pull_give_back(struct pull *pull, const struct pull_message *message, struct error *err);

#endif
