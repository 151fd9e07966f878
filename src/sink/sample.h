#ifndef SINK_SAMPLE_H
#define SINK_SAMPLE_H

#include "base/arena.h"
#include "base/slice.h"
#include "source.h"

/*
 * Some events of a stream, and what a table for them would have to hold. Pure.
 */
#define SAMPLE_EVENTS 1000
#define SAMPLE_BYTES  ((size_t)8 << 20) /* of payloads; one is taken however large it is */

struct sample {
	struct slice payloads[SAMPLE_EVENTS]; /* in the arena; without the empty ones */
	size_t count, bytes;
	size_t seen; /* events, also those with an empty payload */
	char *subject; /* of the first event; NULL: none */
	bool several_subjects;
	struct arena arena;
};

void sample_init(struct sample *sample);
void sample_finish(struct sample *sample);

/* False: there is no room for more. */
bool sample_add(struct sample *sample, struct slice subject, struct slice payload);

/* What a value is wherever it stands; SAMPLE_NOTHING: it never does, or is null. */
enum sample_type {
	SAMPLE_NOTHING,
	SAMPLE_INTEGER, /* of 64 bits */
	SAMPLE_DECIMAL, /* another number of up to 15 digits */
	SAMPLE_NUMBER, /* any number */
	SAMPLE_BOOLEAN,
	SAMPLE_DATE,
	SAMPLE_TIME,
	SAMPLE_UUID,
	SAMPLE_TEXT,
	SAMPLE_JSON, /* arrays and objects, or values of several kinds */
	SAMPLE_BYTES_OF_ANY_KIND,
};

enum sample_type sample_type_of(const struct sample *sample, const struct source *source);

/* How many payloads are no JSON. */
size_t sample_not_json(const struct sample *sample);

#endif
