#ifndef DEAD_H
#define DEAD_H

#include "base/arena.h"
#include "base/slice.h"
#include "config.h"
#include "db/db.h"

/*
 * Rows of outboxes and events of sinks that were given up on: read, put back, thrown away. A pile is what
 * one pipeline has of them.
 *
 * They are read page by page, so a pile may be as large as it likes. What was read is acted upon only if it
 * is dead still. All errors name the database; those of a pile come without its name.
 */
struct dead_pile {
	char *name; /* the pipeline's; "-" for an outbox that none relays */
	bool is_sink;
	const char *database; /* belongs to whoever made the pile */
	char *table; /* a relay's outbox; NULL: of a sink */
	bool total_order; /* a relay with ordering: stream */
	bool borrowed; /* a table that Dray did not make: dead_open refuses it */
	const struct config_sink *sink; /* how to store its events; NULL: not known */
};

struct dead_piles {
	struct dead_pile *items;
	size_t count;
	struct config *made; /* sinks that no config describes */
};

/* The piles of every pipeline of a config, or of the one that is named (may be NULL): ERROR_USAGE. */
bool dead_piles_of_config(
	const struct config *config, const char *name, struct dead_piles *piles, struct error *err);

/*
 * Those of a database: its outboxes, and its sinks with events that were set aside. table: only this
 * outbox; and the archive of its sinks, which can be retried then. Both may be NULL.
 */
bool dead_piles_of_database(const char *url, const char *name, const char *table,
	struct dead_piles *piles, struct error *err);
void dead_piles_finish(struct dead_piles *piles);

/* Which of a pile: all that is asked for must hold. Zeroed asks for nothing, but for ages, which are -1. */
struct dead_filter {
	const char *subject; /* a pattern with * and > */
	const char *key;
	const char *error; /* a part of the reason, in either case */
	int64_t older_ms, newer_ms; /* -1: any */
	const char *const *ids; /* as in dead_item */
	size_t id_count;
};

struct dead_item {
	const char *id; /* a row's id; STREAM/EPOCH/SEQ of an event */
	const char *event_id; /* Nats-Msg-Id; NULL: none */
	const char *subject, *key, *error; /* key and error may be NULL */
	int64_t attempts; /* -1: an event */
	const char *since; /* a row: when it was written; an event: when it was set aside */
	int64_t age_ms; /* since then */
	int64_t size; /* of the payload */

	/* Where bytes of it were asked for: */
	const char *headers; /* JSON, or NULL */
	struct slice payload; /* shorter than size where it was cut */
	int64_t published_us; /* an event: when the stream stored it, since 1970 */
};

#define DEAD_PAGE 500

/* An open pile. One thread. */
struct dead {
	const struct dead_pile *pile;
	struct db *db;
	struct stop *stop;
	struct table *table; /* of a sink, once something was stored; for this stream */
	struct config_sink sink;
	char stream[256];
};

/* stop ends waits early and may be NULL. dead_close also after an error. */
bool dead_open(
	struct dead *dead, const struct dead_pile *pile, struct stop *stop, struct error *err);
void dead_close(struct dead *dead);

#define DEAD_WHOLE ((int64_t)1 << 30) /* more than a payload can have */
#define DEAD_ID	   320 /* an id as text, with its NUL */

/*
 * Calls fn with pages of what the filter lets through, in the order of their ids. bytes: how much of each
 * payload; where it is not 0 headers come too, and items one at a time. fn returning false ends it, with err
 * as fn left it. An id that is asked for and is not there: ERROR_REJECTED, after the others.
 */
typedef bool dead_fn(void *context, const struct dead_item *items, size_t count, struct error *err);
bool dead_each(struct dead *dead, const struct dead_filter *filter, int64_t bytes, dead_fn *fn,
	void *context, struct error *err);

/*
 * Reads one page, of up to `limit` (1 to DEAD_PAGE) behind the id in `place` ("": the first ones), and calls fn
 * once with those that the filter, without ids, lets through. place becomes the last id that was read, and ""
 * where none is left. ERROR_USAGE: that is no id of this pile.
 */
bool dead_page(struct dead *dead, const struct dead_filter *filter, size_t limit,
	char place[DEAD_ID], dead_fn *fn, void *context, struct error *err);

/* What became, or would become, of an item. */
enum dead_result {
	DEAD_GONE, /* somebody else was faster */
	DEAD_PENDING, /* a row without an order: goes out at once */
	DEAD_PENDING_BEFORE, /* a row: before later ones of its order that wait */
	DEAD_PENDING_NEXT, /* a row: no later one of its order waits */
	DEAD_STORED, /* an event */
	DEAD_REFUSED, /* an event that the database still refuses */
	DEAD_DISCARDED,
};

/*
 * Puts rows of one page back to be delivered, and wakes the relay: as its next row of a key, before those
 * that wait. Gives a result for each. dry: only looks.
 */
bool dead_retry_rows(struct dead *dead, const struct dead_item *items, size_t count, bool dry,
	enum dead_result *results, struct error *err);

/*
 * Stores an event, which was read as a whole, through its sink's own table. ERROR_USAGE where the pile has no
 * sink. DEAD_REFUSED: why has the database's words.
 */
bool dead_retry_event(struct dead *dead, const struct dead_item *item, enum dead_result *result,
	struct error *why, struct error *err);

/* Throws items of one page away and writes down what they were, who did it (WHO@WHERE), and why. */
bool dead_discard(struct dead *dead, const struct dead_item *items, size_t count, const char *by,
	const char *reason, int64_t *discarded, struct error *err);

#endif
