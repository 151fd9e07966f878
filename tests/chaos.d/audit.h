#ifndef CHAOS_AUDIT_H
#define CHAOS_AUDIT_H

#include "world.h"

/*
 * After the faults: waits until everything has arrived, as long as there is progress, ends dray, and
 * compares ledger, outbox, stream and archive. Prints what is wrong, a line for each fault's longest
 * stall, and one RESULT line; true where nothing is wrong.
 */
bool audit(struct world *world, int64_t began_ms);

#endif
