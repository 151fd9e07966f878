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

/*
 * After the end: how many there were, how many have not arrived yet, and how many acknowledged ones are not
 * where they belong with the bytes that they had. Each fiftieth is one that the table refuses.
 */
int64_t feeder_count(const struct feeder *feeder);
int64_t feeder_backlog(const struct feeder *feeder, struct testdb *db);
int64_t feeder_missing(const struct feeder *feeder, struct testdb *db);

#endif
