/* The messages on their way: slots in a list by the order of sending. */
#include "relay/flight.h"

#include <stdlib.h>

#include "base/memory.h"

void flights_init(struct flights *flights, size_t capacity)
{
	*flights = (struct flights){ .capacity = capacity };
	flights->slots = memory_new(capacity * sizeof(*flights->slots));
	for (size_t i = capacity; i-- > 0;) {
		flights->slots[i].next = flights->unused;
		flights->unused = &flights->slots[i];
	}
}

void flights_finish(struct flights *flights)
{
	free(flights->slots);
	*flights = (struct flights){ 0 };
}

struct flight *flights_launch(
	struct flights *flights, struct row *row, size_t stream, uint64_t floor, int64_t now_ms)
{
	struct flight *flight = flights->unused;

	if (!flight)
		return NULL;
	flights->unused = flight->next;
	uint64_t token = ++flights->sent * flights->capacity + (uint64_t)(flight - flights->slots);
	*flight = (struct flight){ .row = row,
		.token = token,
		.sent_ms = now_ms,
		.stream = stream,
		.floor = floor,
		.previous = flights->newest };
	if (flights->newest)
		flights->newest->next = flight;
	else
		flights->oldest = flight;
	flights->newest = flight;
	flights->count++;
	flights->bytes += row_size(row);
	return flight;
}

struct flight *flights_find(const struct flights *flights, uint64_t token)
{
	struct flight *flight = &flights->slots[token % flights->capacity];

	return flight->row && flight->token == token ? flight : NULL;
}

struct row *flights_land(struct flights *flights, struct flight *flight)
{
	struct row *row = flight->row;

	if (flight->previous)
		flight->previous->next = flight->next;
	else
		flights->oldest = flight->next;
	if (flight->next)
		flight->next->previous = flight->previous;
	else
		flights->newest = flight->previous;
	flights->count--;
	flights->bytes -= row_size(row);
	flight->row = NULL;
	flight->next = flights->unused;
	flights->unused = flight;
	return row;
}

uint64_t flights_floor(const struct flights *flights, size_t stream, uint64_t acked)
{
	for (const struct flight *flight = flights->oldest; flight; flight = flight->next)
		if (flight->stream == stream) /* floors only grow in the order of sending */
			return flight->floor;
	return acked;
}
