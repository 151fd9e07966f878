#ifndef RELAY_STREAMS_H
#define RELAY_STREAMS_H

#include "base/map.h"
#include "nats/stream.h"
#include "relay/outbox.h"

/*
 * The streams that a relay has to do with in one session: the configured one, or those that take the
 * subjects of its rows. One thread; calls may ask the server.
 */
struct known_stream {
	struct position position; /* of the relay in it */
	struct config_list subjects;
	uint64_t acked; /* the highest own sequence known to be stored */
	uint64_t marked_before; /* the highest that was marked before the session; 0: not known */
	int64_t duplicate_window_ms;
	/*
	 * Met on the way, so rows that were read before may be in it; or it holds another event under the id of a
	 * row that waits. No position until all rows up to this id are gone. 0: none; INT64_MAX: not known yet.
	 */
	int64_t unsure_until;
};

enum streams_manner {
	STREAMS_SHARED,
	STREAMS_ALONE, /* nobody else publishes into them */
	STREAMS_GUEST, /* none of them may be filled by somebody else in the order of the whole */
};

struct streams {
	struct link *link;
	const char *only; /* the configured stream, or NULL */
	enum streams_manner manner;
	struct known_stream *items;
	size_t count;
	struct map refused; /* hash of a subject that no stream took -> when that was */
};

#define STREAMS_NONE SIZE_MAX

void streams_init(
	struct streams *streams, struct link *link, const char *only, enum streams_manner manner);
void streams_finish(struct streams *streams);

/*
 * Learns about a stream from the server. ERROR_SCHEMA where it can never acknowledge what it keeps (no_ack,
 * sealed, interest without consumers, a mirror, asynchronous writing); ERROR_UNAVAILABLE where it is not
 * there (yet): missing tells.
 */
bool streams_add(
	struct streams *streams, const char *name, size_t *index, bool *missing, struct error *err);

/* The same, for one that was met on the way. */
bool streams_meet(
	struct streams *streams, const char *name, size_t *index, bool *missing, struct error *err);

/* Which stream takes a subject; STREAMS_NONE where none does. May add one: fresh tells. */
bool streams_for(struct streams *streams, struct slice subject, size_t *index, bool *fresh,
	struct error *err);

/* The index of a name, or STREAMS_NONE. */
size_t streams_find(const struct streams *streams, const char *name);

/* Whether any stream takes the subject now, asked at most once a second per subject. */
bool streams_anyone(struct streams *streams, struct slice subject, bool *taken, struct error *err);

/* Why a stream cannot be relayed into (alone: in the order of the whole): false and ERROR_SCHEMA. */
bool streams_check(const struct stream_info *info, bool alone, struct error *err);

#endif
