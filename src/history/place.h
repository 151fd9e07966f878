#ifndef HISTORY_PLACE_H
#define HISTORY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How far a replay has come, though its events are done in another order than they were read: up to which
 * number every event is done, and from which sequence on a stream may hold what is read behind that. Pure.
 *
 * An event is published after it was read, so its message comes behind all that were known by then; but not
 * so where it was read before, by a process or a session that has ended.
 */
struct place_entry {
	int64_t number;
	bool done, refused;
};

struct place_span {
	int64_t last; /* the entries up to here were read together */
	uint64_t *known; /* by stream: the sequence that was known then */
	size_t count;
};

struct place {
	struct place_entry *entries; /* by number; those before `first` are done */
	size_t first, end, room;
	struct place_span *spans;
	size_t first_span, end_span, span_room;
};

void place_finish(struct place *place);
void place_clear(struct place *place);

static inline size_t place_open(const struct place *place)
{
	return place->end - place->first;
}

/* Numbers grow. place_read ends what was read together; known is copied. */
void place_add(struct place *place, int64_t number);
void place_read(struct place *place, const uint64_t *known, size_t count);

/* Whether an event was read and is not done. */
bool place_has(const struct place *place, int64_t number);
void place_done(struct place *place, int64_t number, bool refused);

/* Gives the next event that is done with none open before it; false: there is none. */
bool place_next(struct place *place, struct place_entry *entry);

/* What was known when the first open event was read; NULL: none is open. */
const struct place_span *place_span(const struct place *place);

#endif
