#ifndef NATS_MESSAGE_H
#define NATS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/*
 * What a message of the stream says besides subject and payload. All of it was written by somebody else:
 * nothing here trusts it. Pure, no I/O; slices point into what was given.
 */

/* What the reply subject of a delivered message tells. */
struct message_origin {
	uint64_t delivered; /* 1: the first time */
	uint64_t seq, consumer_seq, pending;
	int64_t time_ns; /* when the stream stored it, since 1970 */
};

/*
 * "$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<consumer seq>.<time>.<pending>", or with domain and
 * account in front and more behind (ADR-15). False: not such a subject, so not a message of a consumer.
 */
bool message_parse_origin(const char *reply, struct message_origin *origin);

/*
 * A header block "NATS/1.0[ status text]\r\nName: value\r\n...\r\n". message_begin reads its first line:
 * *status is 0 where there is none. message_next gives one header after another and at the end false with
 * *fault NULL; false with *fault says what cannot be read as a header.
 */
bool message_begin(struct slice block, int *status, struct slice *text, struct slice *rest);
bool message_next(struct slice *rest, struct slice *name, struct slice *value, const char **fault);

/* The first value of a header as a number; -1 where it is missing or none. */
int64_t message_number(struct slice block, const char *name);

/* What Dray stores of a header block. Reuse one for many messages; zeroed is empty. */
struct message_headers {
	struct slice id, key; /* data NULL where missing */
	const char *fault; /* static text, or NULL: what makes the block unreadable from there on */
	struct buf json; /* the others as a JSON object, names sorted; empty where none */
	struct buf scratch;
};

/*
 * Reads a whole block (data NULL: none). In json, bytes that are not UTF-8 stay as they are and a NUL
 * becomes U+FFFD with a fault.
 */
void message_read_headers(struct slice block, struct message_headers *headers);
void message_headers_finish(struct message_headers *headers);

#endif
