/*
 * Which rows may fly now. What always holds for a key: at most one row of it is on its way (but for the
 * one key of ORDERING_STREAM); its queue is in id order; every pending row of it that was offered is on its way, in its queue, the one that holds
 * it, or not below dropped_from.
 */
#include "relay/order.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

#define NONE	INT64_MAX
#define THE_KEY 1 /* of ORDERING_STREAM */

struct order_key {
	uint64_t hash;
	struct row *flying;
	struct row *queue, *queue_last; /* by id */
	size_t queued;
	int64_t held_by; /* id of the row that failed, or NONE */
	int64_t dropped_from; /* rows from here on must be read again, or NONE */
	uint64_t refused; /* the sweep in which a row was refused: the rest of it cannot follow */
	uint64_t seen; /* the sweep in which the row that holds it was last known to be there */
	struct order_key *next, *previous; /* in order->dropped */
};

void order_init(struct order *order, enum ordering ordering, size_t queue_limit)
{
	*order = (struct order){ .ordering = ordering,
		.queue_limit = ordering == ORDERING_STREAM ? SIZE_MAX / 4 : queue_limit };
}

void order_finish(struct order *order)
{
	uint64_t key;

	for (size_t at = 0; map_next(&order->keys, &at, &key);)
		free((void *)(uintptr_t)key);
	map_finish(&order->keys);
	ready_finish(&order->ready);
	*order = (struct order){ 0 };
}

static bool is_hungry(const struct order *order, const struct order_key *key)
{
	return key->dropped_from != NONE && key->held_by == NONE &&
		key->queued * 2 <= order->queue_limit;
}

/* Every change of a key goes through here, so that the count of hungry keys stays right. */
#define CHANGE(order, key, statement) \
	do { \
		(order)->hungry -= is_hungry((order), (key)); \
		statement; \
		(order)->hungry += is_hungry((order), (key)); \
	} while (0)

static struct order_key *key_of(struct order *order, uint64_t hash)
{
	struct order_key *key = map_get_pointer(&order->keys, hash);

	if (key)
		return key;
	key = memory_new(sizeof(*key));
	*key = (struct order_key){ .hash = hash, .held_by = NONE, .dropped_from = NONE };
	map_put(&order->keys, hash, (uintptr_t)key);
	return key;
}

static void forget_if_idle(struct order *order, struct order_key *key)
{
	if (key->flying || key->queue || key->held_by != NONE || key->dropped_from != NONE)
		return;
	map_remove(&order->keys, key->hash);
	free(key);
}

static struct row *dequeue(struct order *order, struct order_key *key)
{
	struct row *row = key->queue;

	CHANGE(order, key, (key->queue = row->next, key->queued--));
	return row;
}

/* Puts the next row of a free key on its way. */
static void advance(struct order *order, struct order_key *key)
{
	if (order->ordering == ORDERING_STREAM || key->flying || key->held_by != NONE ||
		!key->queue)
		return;
	key->flying = dequeue(order, key);
	ready_add(&order->ready, key->flying);
}

static void enqueue(struct order *order, struct order_key *key, struct row *row)
{
	struct row **at = &key->queue;

	if (key->queue && key->queue_last->id < row->id)
		at = &key->queue_last->next;
	while (*at && (*at)->id < row->id)
		at = &(*at)->next;
	row->next = *at;
	*at = row;
	if (!row->next)
		key->queue_last = row;
	order->waiting++;
	CHANGE(order, key, key->queued++);
	advance(order, key);
}

/* Without: the row needs no place behind others. */
static bool has_key(const struct order *order, const struct row *row)
{
	return order->ordering == ORDERING_STREAM ||
		(order->ordering == ORDERING_KEY && row->event.key.data);
}

static uint64_t hash_of(const struct order *order, const struct row *row)
{
	return order->ordering == ORDERING_STREAM ? THE_KEY : hash_slice(row->event.key);
}

static void list_dropped(struct order *order, struct order_key *key)
{
	key->previous = NULL;
	key->next = order->dropped;
	if (key->next)
		key->next->previous = key;
	order->dropped = key;
}

static void unlist_dropped(struct order *order, struct order_key *key)
{
	if (key->previous)
		key->previous->next = key->next;
	else
		order->dropped = key->next;
	if (key->next)
		key->next->previous = key->previous;
}

/* The row is not kept; the running sweep cannot make up for it if it is past the row already. */
static void drop(struct order *order, struct order_key *key, int64_t id)
{
	if (key->dropped_from == NONE)
		list_dropped(order, key);
	if (id < key->dropped_from)
		CHANGE(order, key, key->dropped_from = id);
	if (order->sweeping && id <= order->sweep_at)
		key->refused = order->pass;
}

/* May the row follow what its key has in memory, with nothing dropped left out between? */
static bool may_follow(
	const struct order *order, const struct order_key *key, const struct row *row)
{
	if (row->id < key->dropped_from && key->queued < order->queue_limit)
		return true;
	return row->source == ROW_SWEEP && order->sweeping && key->refused != order->pass &&
		key->queued < order->queue_limit;
}

/* With ORDERING_STREAM rows before the one that holds were on their way together with it. */
static bool is_behind_hold(const struct order *order, const struct order_key *key, int64_t id)
{
	return order->ordering == ORDERING_STREAM ? id > key->held_by : key->held_by != NONE;
}

/* A row that holds its key steps back for one that was put back; a sweep brings it again. */
static void step_back(struct order *order, struct order_key *key, const struct row *row)
{
	if (!row->put_back || row->id >= key->held_by || !is_behind_hold(order, key, row->id))
		return;
	drop(order, key, key->held_by);
	CHANGE(order, key, key->held_by = NONE);
	order->held--;
}

static bool add_due(struct order *order, struct order_key *key, struct row *row)
{
	row->failed = false;
	step_back(order, key, row);
	if (key->held_by == row->id) { /* the row that holds it comes back */
		CHANGE(order, key, key->held_by = NONE);
		order->held--;
		enqueue(order, key, row);
		return true;
	}
	if (is_behind_hold(order, key, row->id) || !may_follow(order, key, row)) {
		drop(order, key, row->id);
		return false;
	}
	if (key->dropped_from != NONE && row->id >= key->dropped_from)
		CHANGE(order, key, key->dropped_from = row->id + 1);
	enqueue(order, key, row);
	return true;
}

static void hold(struct order *order, struct order_key *key, int64_t id)
{
	order->held += key->held_by == NONE;
	if (key->held_by != NONE &&
		key->held_by != id) /* of two that failed, the later comes by a sweep */
		drop(order, key, id > key->held_by ? id : key->held_by);
	key->seen = order->pass;
	if (id < key->held_by)
		CHANGE(order, key, key->held_by = id);
}

bool order_add(struct order *order, struct row *row)
{
	if (row->source == ROW_SWEEP)
		order->sweep_at = row->id;
	if (!has_key(order, row)) {
		if (row->wait_ms > 0)
			return false;
		ready_add(&order->ready, row);
		order->waiting++;
		return true;
	}
	row->key_hash = hash_of(order, row);
	if (row->wait_ms > 0 && !row->failed)
		return false; /* scheduled: it holds nobody */
	struct order_key *key = key_of(order, row->key_hash);
	if (row->wait_ms == 0)
		return add_due(order, key, row);
	if (!key->flying || key->flying->id != row->id)
		hold(order, key, row->id);
	return false;
}

void order_saw(struct order *order, const struct row *row, enum row_source source)
{
	struct order_key *key = NULL;

	if (source == ROW_SWEEP)
		order->sweep_at = row->id;
	if (has_key(order, row))
		key = map_get_pointer(&order->keys, hash_of(order, row));
	if (!key)
		return;
	key->seen = order->pass;
	if (row->failed &&
		row->id != key->held_by) /* its failure is being noted: none may follow yet */
		drop(order, key, row->id);
}

/* The queue of ORDERING_STREAM, where it may fly. */
static struct order_key *open_queue(const struct order *order)
{
	struct order_key *key = map_get_pointer(&order->keys, THE_KEY);

	return key && key->queue && key->queue->id < key->held_by ? key : NULL;
}

bool order_is_ready(const struct order *order)
{
	if (order->ordering == ORDERING_STREAM)
		return open_queue(order) != NULL;
	return order->ready.count > 0;
}

struct row *order_next(struct order *order)
{
	struct order_key *key = order->ordering == ORDERING_STREAM ? open_queue(order) : NULL;
	struct row *row = key ? dequeue(order, key) : ready_take(&order->ready);

	order->waiting -= row != NULL;
	return row;
}

bool order_return(struct order *order, struct row *row)
{
	struct order_key *key = key_of(order, THE_KEY);

	if (is_behind_hold(order, key, row->id)) {
		drop(order, key, row->id);
		return false;
	}
	enqueue(order, key, row);
	return true;
}

struct row *order_take_waiting(struct order *order)
{
	struct order_key *key = open_queue(order);

	if (!key)
		return NULL;
	struct row *waiting = key->queue;
	order->waiting -= key->queued;
	CHANGE(order, key, (key->queue = NULL, key->queued = 0));
	return waiting;
}

static struct order_key *key_of_row(const struct order *order, const struct row *row)
{
	return has_key(order, row) ? map_get_pointer(&order->keys, row->key_hash) : NULL;
}

void order_done(struct order *order, struct row *row)
{
	struct order_key *key = key_of_row(order, row);

	if (!key)
		return;
	if (key->flying == row)
		key->flying = NULL;
	advance(order, key);
	forget_if_idle(order, key);
}

/* What waits behind the row that holds the key. */
static struct row *drop_waiting(struct order *order, struct order_key *key)
{
	struct row **from = &key->queue, *last = NULL;

	while (*from && !is_behind_hold(order, key, (*from)->id)) {
		last = *from;
		from = &last->next;
	}
	struct row *dropped = *from;
	for (struct row *each = dropped; each; each = each->next) {
		drop(order, key, each->id);
		order->waiting--;
		CHANGE(order, key, key->queued--);
	}
	*from = NULL;
	key->queue_last = last;
	return dropped;
}

struct row *order_failed(struct order *order, struct row *row)
{
	if (!has_key(order, row))
		return NULL;
	struct order_key *key = key_of(order, row->key_hash);
	row->failed = true; /* until it is read again */
	key->flying = NULL;
	hold(order, key, row->id);
	return drop_waiting(order, key);
}

int64_t order_dropped_from(const struct order *order)
{
	int64_t from = NONE;

	for (const struct order_key *key = order->dropped; key; key = key->next)
		if (key->dropped_from < from)
			from = key->dropped_from;
	return from;
}

int64_t order_sweep_from(const struct order *order)
{
	int64_t from = NONE;

	if (order->hungry == 0)
		return NONE;
	for (const struct order_key *key = order->dropped; key; key = key->next)
		if (is_hungry(order, key) && key->dropped_from < from)
			from = key->dropped_from;
	return from;
}

/* A key that misses rows from before the beginning gets nothing from this sweep. */
void order_sweep_begin(struct order *order, int64_t from)
{
	order->sweeping = true;
	order->full = from == INT64_MIN;
	order->pass++;
	order->sweep_at = from - (from > INT64_MIN);
	for (struct order_key *key = order->dropped; key; key = key->next)
		if (key->dropped_from < from)
			key->refused = order->pass;
}

/* A row that held its key and is not there any more (somebody changed the table) holds it no longer. */
static void release_stale(struct order *order)
{
	uint64_t value;

	for (size_t at = 0; map_next(&order->keys, &at, &value);) {
		struct order_key *key = (struct order_key *)(uintptr_t)value;
		if (key->held_by == NONE || key->seen == order->pass)
			continue;
		CHANGE(order, key, key->held_by = NONE);
		order->held--;
		advance(order, key);
	}
}

void order_sweep_end(struct order *order)
{
	struct order_key *next;

	if (!order->sweeping)
		return;
	order->sweeping = false;
	if (order->full)
		release_stale(order);
	for (struct order_key *key = order->dropped; key; key = next) {
		next = key->next;
		if (key->refused == order->pass || key->held_by != NONE)
			continue;
		CHANGE(order, key, key->dropped_from = NONE);
		unlist_dropped(order, key);
		forget_if_idle(order, key);
	}
}

void order_sweep_abort(struct order *order)
{
	order->sweeping = false;
}
