/* The statuses of a pull request: ADR-13, and what nats-server 2.9 to 2.15 really send. */
#include "nats/pull_status.h"

#include "nats/message.h"

static bool has(struct slice text, const char *part)
{
	return text.size && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* 409 says many things. */
static enum pull_signal refusal(struct slice text)
{
	if (has(text, "Exceeds MaxBytes"))
		return PULL_TOO_LARGE;
	if (has(text, "Batch Completed"))
		return PULL_ENDED;
	if (has(text, "Deleted") || has(text, "Leadership Change"))
		return PULL_GONE;
	if (has(text, "push based") || has(text, "Exceeded MaxRequest"))
		return PULL_REFUSED;
	return PULL_AWAY;
}

static enum pull_signal signal_of(int code, struct slice text)
{
	switch (code) {
	case 100:
		return PULL_HEARTBEAT;
	case 404: /* nothing there, for a request that does not wait */
	case 408: /* expired */
		return PULL_ENDED;
	case 409:
		return refusal(text);
	case 503: /* nobody listens to requests for this consumer */
		return PULL_GONE;
	default:
		return PULL_AWAY;
	}
}

void pull_status_read(struct slice block, struct pull_status *status)
{
	struct slice rest;

	*status = (struct pull_status){ .left = message_number(block, "Nats-Pending-Messages"),
		.last_consumer_seq = message_number(block, "Nats-Last-Consumer") };
	if (!message_begin(block, &status->code, &status->text, &rest))
		status->code = 0;
	status->signal = signal_of(status->code, status->text);
}
