#ifndef STATUS_H
#define STATUS_H

#include <jansson.h>

#include "base/stop.h"
#include "config.h"

/*
 * What `dray status` knows, as JSON: an object a pipeline with name, kind, database, resource (the table or
 * the stream), state, pending, scheduled, dead, stuck, oldest_ms, events, rate, backlog, lag_ms, epoch, seq,
 * holder, last_error, last_error_at, updated_at, paused_at, paused_by, paused_why. What is not known is null.
 *
 * States: those of the pipeline table, "paused", "silent" where its process has not renewed it for a while,
 * and "never ran".
 */

/* Called with each database that could not be read. */
typedef void status_failed_fn(void *context, const struct error *err);

/* Every pipeline of the config. stop ends it early and may be NULL. */
json_t *status_of_config(
	const struct config *config, struct stop *stop, status_failed_fn *failed, void *context);

/* Every pipeline that a database knows, and outboxes that none relays. */
json_t *status_of_database(const char *url, status_failed_fn *failed, void *context);

#endif
