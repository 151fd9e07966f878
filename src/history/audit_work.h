#ifndef HISTORY_AUDIT_WORK_H
#define HISTORY_AUDIT_WORK_H

#include "base/map.h"
#include "db/lease.h"
#include "history/audit.h"
#include "history/marked.h"
#include "nats/pull.h"
#include "nats/stream.h"

/* The parts of an audit share these. One thread. */

/* A row whose message is not where it says, until it is known what became of it. */
struct audit_suspect {
	int64_t id;
	uint64_t seq, found; /* found: where the stream holds it; 0: nowhere */
	int64_t delivered_ms;
	char *event_id; /* in the arena */
	size_t same; /* another one with that event_id, behind this; SIZE_MAX: none */
};

struct audit_suspects {
	struct audit_suspect *items;
	size_t count, room;
	struct map ids; /* hash of an event_id -> the newest with it */
	struct arena arena;
};

/* A row that is not marked delivered. */
struct audit_unmarked {
	int64_t id;
	const char *event_id;
	uint64_t found; /* 0: the stream does not hold it */
};

struct audit {
	const struct audit_options *options;
	struct db *db;
	struct link *link;
	struct db *writer; /* of who heals; otherwise NULL */
	struct lease lease;
	struct audit_suspects suspects;
	struct arena arena; /* what the unmarked are made of */
	struct audit_unmarked *unmarked;
	size_t unmarked_count;
	struct map unmarked_ids; /* hash of an event_id -> index */
	int64_t done, total, missing;
};

/* To be called now and then: false where it was asked to stop, or the right to heal is lost. */
bool audit_keep(struct audit *audit, struct error *err);

/* A stream's messages without payloads, from a sequence on (0: from a time) up to the newest. */
struct audit_reader {
	struct audit *audit;
	const char *stream;
	struct pull *pull;
	struct pull_message message;
	bool has; /* there is a message */
	uint64_t at, last; /* read up to, read until */
	int opened;
};

/* Positioned before the first message. */
bool audit_read(struct audit_reader *reader, struct audit *audit, const char *stream, uint64_t from,
	int64_t from_ms, struct error *err);
bool audit_read_next(struct audit_reader *reader, struct error *err); /* has: false at the end */
void audit_read_end(struct audit_reader *reader);

/* Walks one stream. */
bool audit_stream(struct audit *audit, const char *stream, struct error *err);

/* Publishes those of the suspects that were found nowhere, in their order, and notes where they are now. */
bool audit_heal(struct audit *audit, const char *stream, int64_t *healed, struct error *err);

/* Notes where the suspects are that were found elsewhere. */
bool audit_note_found(struct audit *audit, const char *stream, struct error *err);

#endif
