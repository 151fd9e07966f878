#ifndef SINK_CONSUMER_H
#define SINK_CONSUMER_H

#include "nats/pull.h"
#include "nats/stream.h"
#include "sink/load.h"
#include "sink/table.h"

/*
 * The JetStream side of a sink. A stream of limits retention is read in order from behind the position,
 * without acknowledgements. A workqueue or interest stream lets go of what is acknowledged, so there it is
 * a durable, and what is stored is acknowledged afterwards.
 *
 * Errors are those of pull.h; ERROR_SCHEMA where config names a durable and the stream needs none.
 */
struct consumer;

/* Whether the sink acknowledges what it stored, and by which durable (made up where none is configured). */
bool consumer_acknowledges(const struct stream_info *stream);
void consumer_durable_name(const struct config_sink *config, char name[256]);

/*
 * Whether the config fits the stream, and a durable that is there can be used (*missing: it will be made).
 * Changes nothing.
 */
bool consumer_check(struct link *link, const struct config_sink *config,
	const struct stream_info *stream, bool *missing, struct error *err);

/*
 * Up to which sequence everything was acknowledged to the durable, and up to which it gave; 0: nothing, or there is
 * none. And it is removed, so that consumer_open makes it anew.
 */
bool consumer_acked(struct link *link, const struct config_sink *config, int64_t *acked,
	int64_t *given, struct error *err);
void consumer_remove(struct link *link, const struct config_sink *config);

/* placed false: there is no position yet, config's start counts. */
struct consumer *consumer_open(struct link *link, const struct config_sink *config,
	const struct stream_info *stream, const struct table_position *position, bool placed,
	struct error *err);
void consumer_close(struct consumer *consumer); /* accepts NULL */

bool consumer_next(struct consumer *consumer, int64_t wait_ms, struct pull_message *message,
	struct error *err);

/* pull_progress */
bool consumer_progress(
	struct consumer *consumer, struct pull_progress *progress, struct error *err);

bool consumer_is_durable(const struct consumer *consumer);

/* After the commit; does nothing where the stream needs none. */
bool consumer_ack(struct consumer *consumer, const struct load *load, struct error *err);

/* What was not stored, so that it comes again at once; does nothing where it does so anyway. */
void consumer_give_back(struct consumer *consumer, const struct load *load);

#endif
