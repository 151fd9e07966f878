#ifndef RELAY_PUBACK_H
#define RELAY_PUBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A stream's answer to a publish. Strict: an acknowledgement names its stream and a sequence above 0 and
 * has no error; whatever else is no acknowledgement. Pure.
 */
enum puback_kind {
	PUBACK_STORED,
	PUBACK_ERROR, /* code and text say why */
	PUBACK_NO_RESPONDERS, /* 503: no stream takes the subject, or its leader is away */
	PUBACK_NONSENSE, /* not an answer of a stream */
};

#define PUBACK_STREAM 256
#define PUBACK_TEXT   160

struct puback {
	enum puback_kind kind;
	char stream[PUBACK_STREAM];
	uint64_t seq;
	bool duplicate;
	int http, code; /* error: "code" and "err_code" */
	char text[PUBACK_TEXT]; /* error: its description */
};

void puback_parse(const char *data, size_t size, struct puback *ack);

/* What an answer means for the row and for the relay, by the error's code (nats-server's errors.json). */
enum judgement {
	JUDGE_DELIVERED,
	JUDGE_DUPLICATE, /* stored before: is it the same event? */
	JUDGE_DEAD, /* the row's own fault, for ever */
	JUDGE_RETRY, /* the row's trouble: later */
	JUDGE_BREAK, /* not where it was foretold: not stored, and no fault of the row */
	JUDGE_ASK, /* the row's or the relay's: ask which stream takes the subject */
	JUDGE_PAUSE, /* meets every row alike: the relay waits */
	JUDGE_STOP, /* the set-up's fault */
};

enum judgement puback_judge(const struct puback *ack);

#endif
