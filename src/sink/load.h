#ifndef SINK_LOAD_H
#define SINK_LOAD_H

#include "base/arena.h"
#include "nats/pull.h"
#include "sink/quota.h"
#include "sink/route.h"
#include "sink/table.h"

/* What is stored in one transaction: messages, and the events made from them. */
struct load {
	const struct routes *routes; /* of the table; NULL: into an archive */
	struct pull_message *messages;
	struct table_event *events;
	size_t count, room;
	int64_t bytes;
	size_t done; /* how many of them, from the first on, are committed */
	size_t tries; /* how many transactions that took */
	struct quota quota; /* stays from one load to the next */
	struct arena arena;
};

void load_init(struct load *load, size_t room, double max_dead_ratio);
void load_finish(struct load *load);
void load_clear(struct load *load); /* releases the messages */

/* Takes a message over; the batch has room for it. */
void load_add(struct load *load, const struct pull_message *message);

/*
 * Stores all of it, usually in one transaction. Where the database refuses events, they are found by
 * halving, in about log2(count) transactions each, and set aside with its words; each transaction moves the
 * position over what it stores. On an error load->done and the position tell how far it got.
 * ERROR_REJECTED: one event more would be set aside than the quota allows.
 */
bool load_store(
	struct load *load, struct table *table, struct table_position *position, struct error *err);

size_t load_dead(const struct load *load); /* how many of what is committed were set aside */

#endif
