#ifndef SINK_TABLE_POSTGRES_H
#define SINK_TABLE_POSTGRES_H

#include "base/buf.h"
#include "db/postgres.h"
#include "sink/table_driver.h"

/* The arrays of one unnest: an element an event in each of them. */
struct table_arrays {
	struct buf *items; /* kept for their memory */
	uint32_t *types; /* of the elements */
	size_t count;
	size_t events;
};

/* The arrays that sink_dead takes, or a table by its plan, in the order of the statement. */
void table_shape_dead(struct table_arrays *arrays);
void table_shape(struct table_arrays *arrays, const struct plan *plan);
void table_finish_arrays(struct table_arrays *arrays);

/* begin, then the events, then end, which hands them to the call: they must stay until that is over. */
void table_begin_arrays(struct table_arrays *arrays);
void table_add_dead(struct table_arrays *arrays, const struct table_event *event);
void table_add_event(
	struct table_arrays *arrays, const struct plan *plan, const struct table_event *event);
void table_end_arrays(struct table_arrays *arrays, struct postgres_call *call);

#endif
