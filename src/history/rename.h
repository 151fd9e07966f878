#ifndef HISTORY_RENAME_H
#define HISTORY_RENAME_H

#include "config.h"
#include "relay/row.h"

#define RENAME_SUBJECT "{subject}" /* in `to`: the subject that an event had */

/* What becomes of the names of events that are published again. */
struct rename {
	const char *run; /* the suffix of their ids, and their Dray-Replay; outlives the batches */
	const char *to; /* their subjects, from this text; outlives the batches */
	const struct config_list *closed; /* patterns of subjects that they must not have */
};

/* Renames all rows of a batch. ERROR_USAGE: one would get a subject that is closed. Pure. */
bool rename_rows(const struct rename *rename, struct batch *batch, struct error *err);

#endif
