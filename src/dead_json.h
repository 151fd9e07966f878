#ifndef DEAD_JSON_H
#define DEAD_JSON_H

#include <jansson.h>

#include "dead.h"

/* What was given up on, as `dray dead --json` and the API tell it. For the caller to free. */

/* whole: with headers and payload, as far as they were read. */
json_t *dead_json(const struct dead_pile *pile, const struct dead_item *item, bool whole);

/* What became, or (dry) would become, of an item; why: of DEAD_REFUSED, else NULL. */
json_t *dead_json_result(const struct dead_pile *pile, const struct dead_item *item,
	enum dead_result result, const char *why, bool dry);

#endif
