#ifndef NATS_PULL_STATUS_H
#define NATS_PULL_STATUS_H

#include <stdint.h>

#include "base/slice.h"

/* What the server says to a pull request instead of sending a message. Pure. */
enum pull_signal {
	PULL_HEARTBEAT, /* nothing to send just now */
	PULL_ENDED, /* the request is over; others go on */
	PULL_TOO_LARGE, /* it is over, because the next message is larger than what is left of max_bytes */
	PULL_GONE, /* the consumer is gone or has moved: make it anew */
	PULL_REFUSED, /* the consumer does not allow such a request: a person must act */
	PULL_AWAY, /* anything else: try again later */
};

struct pull_status {
	enum pull_signal signal;
	int code;
	struct slice text; /* the server's words */
	int64_t left; /* messages that the request could still have had; -1: not said */
	int64_t last_consumer_seq; /* of a heartbeat: the last one it has sent; -1: not said */
};

void pull_status_read(struct slice block, struct pull_status *status);

#endif
