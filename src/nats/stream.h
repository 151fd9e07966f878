#ifndef NATS_STREAM_H
#define NATS_STREAM_H

#include "base/slice.h"
#include "nats/link.h"

enum stream_retention { STREAM_LIMITS, STREAM_INTEREST, STREAM_WORKQUEUE };

/* What Dray asks about a stream. Zeroed is empty; stream_info_finish frees. */
struct stream_info {
	char name[256];
	char created[40]; /* as the server says it; differs when the stream was made anew */
	struct config_list subjects;
	enum stream_retention retention;
	bool no_ack, sealed, deny_purge, discard_new, discard_new_per_subject, async_persist,
		mirror, sources, memory, ttl, rollup;
	int64_t max_msgs, max_bytes, max_msgs_per_subject, max_age_ns,
		max_msg_size; /* -1 or 0: none */
	int64_t duplicate_window_ns;
	int64_t replicas, consumers;
	uint64_t messages, bytes, first_seq, last_seq;
};

void stream_info_finish(struct stream_info *info);

/* Why a stream takes out single messages by itself, or NULL where it only cuts off its oldest. Static text. */
const char *stream_erases(const struct stream_info *info);

/* ERROR_SCHEMA with *missing true where there is no such stream (missing may be NULL). */
bool stream_get_info(struct link *link, const char *name, struct stream_info *info, bool *missing,
	struct error *err);

/* The stream that takes a subject, or "" where none does. */
bool stream_for_subject(struct link *link, struct slice subject, char name[256], struct error *err);

bool stream_make(struct link *link, const struct config_stream *config, struct error *err);

/* The sequence of the newest message the stream's leader still has; 0 where it is empty. */
bool stream_newest(struct link *link, const char *name, uint64_t *seq, struct error *err);

/*
 * Whether the newest message was published with an expected last sequence: then somebody fills the stream in
 * the order of the whole, and others must not publish into it.
 */
bool stream_is_ordered(struct link *link, const char *name, bool *ordered, struct error *err);

/* One message by its sequence, from the leader. Found false where it is gone. Freed by finish. */
struct stream_message {
	bool found;
	uint64_t seq;
	char *subject, *id; /* id "" where it has none */
	bool ordered; /* it has an expected last sequence */
	char time
		[32]; /* when the stream stored it, as clock_format writes it; cut to milliseconds */
	char *payload;
	size_t payload_size;
};

bool stream_get_message(struct link *link, const char *name, uint64_t seq,
	struct stream_message *message, struct error *err);
bool stream_get_next(struct link *link, const char *name, uint64_t seq,
	struct stream_message *message, struct error *err); /* the first at or behind it */
void stream_message_finish(struct stream_message *message);

#endif
