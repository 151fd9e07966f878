#ifndef CHAOS_FEEDER_H
#define CHAOS_FEEDER_H

#include "world.h"

/*
 * Publishes numbered messages into the queue, one at a time, until each is acknowledged, and remembers
 * under which sequence: what the sink of the queue must have stored in the end.
 */
struct feeder;

struct feeder *feeder_start(struct world *world);
void feeder_end(struct feeder *feeder);

/* After the end: acknowledged messages that the sink's table does not have, or has with other bytes. */
int64_t feeder_count(const struct feeder *feeder);
int64_t feeder_missing(const struct feeder *feeder, struct testdb *db);

#endif
