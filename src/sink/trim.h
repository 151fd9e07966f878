#ifndef SINK_TRIM_H
#define SINK_TRIM_H

#include "nats/stream.h"
#include "sink/ingest.h"

/*
 * Events that a stream of limits retention let go of before they were stored. They are counted and named, and
 * the sink goes on behind them only where on_trimmed says so.
 *
 * A stream without gaps tells by its sequences. Where the sink takes some subjects only, or the stream keeps
 * so many events a subject, gaps are usual: there the position follows what others publish, every
 * TRIM_LOOK_EVERY_MS, so that it says up to where there was nothing to store.
 */
#define TRIM_LOOK_EVERY_MS 5000

/* When a session begins. on_trimmed: stop: waits until somebody moves the position; ERROR_CONFLICT then. */
bool trim_find(struct ingest *ingest, const struct stream_info *stream, struct error *err);

/* Whether events were trimmed just before this message. It must not be stored then: the session ends. */
bool trim_precedes(struct ingest *ingest, const struct pull_message *message, bool *trimmed,
	struct error *err);

/* To be called between two loads. */
bool trim_look(struct ingest *ingest, int64_t now, struct error *err);

#endif
