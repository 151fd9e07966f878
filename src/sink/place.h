#ifndef SINK_PLACE_H
#define SINK_PLACE_H

#include "nats/stream.h"
#include "sink/ingest.h"

/*
 * Finds where a session goes on: by the position row, or by the config's start where there is none. Says in
 * the log what is lost or begins anew: a stream made anew or gone back (the next epoch), events that were
 * trimmed before they were stored (trim_find).
 */
bool place_find(struct ingest *ingest, const struct stream_info *stream, struct error *err);

/* The first position, known only now that the first event is here. */
bool place_begin(struct ingest *ingest, int64_t seq, struct error *err);

/*
 * To be called when a load was stored and before it is acknowledged to a durable: the sequences of a stream
 * that lost its end stand for other events then. Those are stored in the next epoch.
 */
bool place_store_others(struct ingest *ingest, struct error *err);

#endif
