#ifndef SINK_INGEST_H
#define SINK_INGEST_H

#include "base/log.h"
#include "base/stop.h"
#include "config.h"
#include "db/report.h"
#include "nats/link.h"
#include "sink/load.h"
#include "sink/consumer.h"
#include "sink/table.h"
#include "sink/tombstones.h"

/*
 * A sink and what it keeps from one session to the next. A session opens both ends, finds its place by the
 * position row and stores until something goes wrong; any trouble ends it, and the next one begins again
 * from the position row.
 */
struct ingest {
	const struct config_sink *config;
	struct stop *stop;
	struct link *link;
	struct table *table;
	struct load load;

	/* Of the running session. */
	struct consumer *consumer;
	struct table_position position;
	bool placed; /* there is a position row */
	int64_t received; /* sequence of the newest message of this session, or the position; 0: none */
	int64_t trimmed_behind; /* what follows this sequence may have been removed; 0: no sign of that */
	bool gaps_usual; /* sequences may be missing without a loss */
	bool trimmed; /* the session ends, since events were removed */
	int64_t look_at_ms;

	/* Of the sink's life. */
	bool created; /* create: true was heeded */
	bool was_up; /* a session got as far as reading: what is missing now was there */
	bool standing_by;
	bool paused; /* until somebody resumes it */
	bool out; /* an outage was logged and is not over */
	bool told_set_up; /* in this outage: that it is not only a server that is away */
	int64_t out_since_ms;
	int64_t progress; /* grows whenever a session shows that it works */
	bool keep_error; /* the last error is no outage's: it stays when the outage is over */
	int64_t forget_at_ms; /* when to look next which events cannot come again */
	struct tombstones tombstones;
	int64_t prune_at_ms; /* INT64_MAX: never */
	int64_t trimmed_told; /* the last warning about trimmed events named this sequence */
	struct report report;
	int64_t report_at_ms;
	struct report_rate rate;
	struct log_limit dead_lines;
};

bool ingest_init(struct ingest *ingest, const struct config *config, const struct config_sink *sink,
	struct metrics *metrics, struct stop *stop, struct error *err);
void ingest_finish(struct ingest *ingest); /* gives the lease back */

/* Runs until something goes wrong; err says what: ERROR_STOPPED after a stop, when all held is stored. */
void ingest_run(struct ingest *ingest, struct error *err);

/* What whoever watches sees: the state, and until when the lease is held. */
void ingest_show(struct ingest *ingest, enum metrics_state state);

/* Renews the sink's row for dray status, as far as the database can be reached. */
void ingest_report(struct ingest *ingest, const char *state);

#endif
