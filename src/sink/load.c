/* A batch of events on its way from the stream into a table. */
#include "sink/load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sink/mapping.h"

void load_init(struct load *load, size_t room, double max_dead_ratio)
{
	*load = (struct load){ .room = room };
	quota_init(&load->quota, max_dead_ratio);
	load->messages = memory_new(room * sizeof(*load->messages));
	load->events = memory_new(room * sizeof(*load->events));
	arena_init(&load->arena);
}

void load_finish(struct load *load)
{
	load_clear(load);
	free(load->messages);
	free(load->events);
	arena_finish(&load->arena);
}

void load_clear(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		pull_release(&load->messages[i]);
	load->count = load->done = load->tries = 0;
	load->bytes = 0;
	arena_reset(&load->arena);
}

void load_add(struct load *load, const struct pull_message *message)
{
	load->messages[load->count] = *message;
	mapping_event(message, load->routes, &load->arena, &load->events[load->count]);
	load->bytes += (int64_t)(message->payload.size + message->headers.size);
	load->count++;
}

/* Where the position stands after these: a durable gives them in any order. */
static int64_t highest(int64_t seq, const struct table_event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (events[i].seq > seq)
			seq = events[i].seq;
	return seq;
}

/* The database refuses this one event: it keeps the database's words. */
static bool blame(struct load *load, struct table_event *event, struct error *err)
{
	if (event->fault) {
		err->kind = ERROR_SCHEMA;
		return error_prefix(err, "an event at fault cannot even be set aside");
	}
	event->fault = arena_copy(&load->arena, err->text, strlen(err->text));
	return true;
}

static bool too_many(const struct load *load, struct error *err)
{
	const struct table_event *event = &load->events[load->done];

	return error_set(err, ERROR_REJECTED,
		"%zu of the last %d events could not be stored, which max_dead_ratio allows, and "
		"now sequence %" PRId64 " cannot: %s",
		load->quota.dead, QUOTA_WINDOW, event->seq, event->fault);
}

/*
 * The search for culprits. What was refused together and is not stored yet has one among it, so it is not
 * tried whole again. Behind a culprit as many are tried as it takes where culprits are as frequent as they
 * were until then: neither one among many nor many make it dear.
 */
struct search {
	size_t refused_end; /* the events from load->done up to here were refused together */
	size_t reach; /* how many to try where nothing is known */
};

static size_t choose(const struct load *load, const struct search *search)
{
	size_t left = load->count - load->done;

	if (search->refused_end <= load->done)
		return search->reach < left ? search->reach : left;
	left = search->refused_end - load->done;
	return left > 1 ? left / 2 : 1;
}

static bool try_to_store(struct load *load, size_t count, struct table *table,
	struct table_position *position, struct error *err)
{
	const struct table_event *events = load->events + load->done;
	int64_t seq = highest(position->seq, events, count);

	load->tries++;
	if (!table_store(table, position, events, count, seq, err))
		return false;
	quota_note(&load->quota, events, count);
	load->done += count;
	return true;
}

static bool on_refusal(struct load *load, struct search *search, size_t tried, struct error *err)
{
	search->refused_end = tried > 1 ? load->done + tried : 0;
	if (tried > 1)
		return true;
	search->reach = search->reach / 2 + 1;
	return blame(load, &load->events[load->done], err);
}

bool load_store(
	struct load *load, struct table *table, struct table_position *position, struct error *err)
{
	struct search search = { .reach = load->count };

	while (load->done < load->count) {
		size_t step = choose(load, &search);
		step = quota_room(&load->quota, load->events + load->done, step);
		if (step == 0)
			return too_many(load, err);
		if (try_to_store(load, step, table, position, err)) {
			search.reach *= search.refused_end > load->done ? 1 : 2;
		} else if (err->kind != ERROR_REJECTED || !on_refusal(load, &search, step, err)) {
			return false;
		}
	}
	return true;
}

size_t load_dead(const struct load *load)
{
	size_t dead = 0;

	for (size_t i = 0; i < load->done; i++)
		dead += load->events[i].fault != NULL;
	return dead;
}
