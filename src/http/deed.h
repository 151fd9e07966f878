#ifndef HTTP_DEED_H
#define HTTP_DEED_H

#include "base/stop.h"
#include "config.h"
#include "http/ask.h"

/*
 * Does what was asked for, by the code of `dray dead`, `dray pause` and `dray resume`, on a connection of its
 * own. Gives the answer's JSON, as page/schema.json describes it, and its HTTP status; where it failed that is
 * an object with error. by: who asks, for the trail of what is discarded, for pauses, and for the log.
 */
json_t *deed_do(const struct config *config, const struct ask *ask, const char *by,
	struct stop *stop, unsigned *status);

/* {"error": text}, for the caller to free. */
json_t *deed_error(const char *text);

#endif
