#ifndef SINK_TURN_H
#define SINK_TURN_H

#include "sink/ingest.h"

/* Waits for the lease, also while the sink is paused. What is missing in the database ends the wait. */
bool turn_take(struct ingest *ingest, struct error *err);

/*
 * To be called between two loads: keeps the lease, and looks now and then what others did to the sink in the
 * database. ERROR_CONFLICT where it was paused (ingest->paused), or its position moved (dray seek).
 */
bool turn_keep(struct ingest *ingest, int64_t now, struct error *err);

/*
 * Too many events were refused, as err says: a person has to look. The pause stays in the database, so that
 * neither a new start nor another instance goes on setting events aside. False with ERROR_CONFLICT.
 */
bool turn_pause(struct ingest *ingest, struct error *err);

#endif
