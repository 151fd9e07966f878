/* A batch of events on its way from the stream into a table. */
#include "sink/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sink/mapping.h"

void load_init(struct load *load, size_t room)
{
	*load = (struct load){ .room = room };
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
	load->count = 0;
	load->bytes = 0;
	arena_reset(&load->arena);
}

void load_add(struct load *load, const struct pull_message *message)
{
	load->messages[load->count] = *message;
	mapping_event(message, load->plan, &load->arena, &load->events[load->count]);
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

bool load_store(
	struct load *load, struct table *table, struct table_position *position, struct error *err)
{
	size_t done = 0, step = load->count;

	while (done < load->count) {
		struct table_event *events = load->events + done;
		if (step > load->count - done)
			step = load->count - done;
		int64_t seq = highest(position->seq, events, step);
		if (table_store(table, position, events, step, seq, err)) {
			done += step;
			step *= 2;
		} else if (err->kind != ERROR_REJECTED) {
			return false;
		} else if (step > 1) {
			step /= 2;
		} else if (!blame(load, events, err)) {
			return false;
		}
	}
	return true;
}

size_t load_dead(const struct load *load)
{
	size_t dead = 0;

	for (size_t i = 0; i < load->count; i++)
		dead += load->events[i].fault != NULL;
	return dead;
}
