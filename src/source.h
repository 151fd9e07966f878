#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Where a column's value comes from, as a config writes it: a path into a JSON payload ($, $.a.b[0],
 * $["a b"].c) or a part of the event (@subject, @subject[n] counted from 0, @key, @seq, @epoch, @stream, @time,
 * @msg_id, @payload, @headers, @header.NAME). Pure.
 */
enum source_type {
	SOURCE_CONSTANT, /* not written as a source: the config gives the text itself */
	SOURCE_PATH,
	SOURCE_SUBJECT,
	SOURCE_TOKEN, /* @subject[n] */
	SOURCE_KEY,
	SOURCE_SEQ,
	SOURCE_EPOCH,
	SOURCE_STREAM,
	SOURCE_TIME,
	SOURCE_MSG_ID,
	SOURCE_PAYLOAD,
	SOURCE_HEADERS,
	SOURCE_HEADER,
};

#define SOURCE_STEPS_MAX 32
#define SOURCE_INDEX_MAX 1000000

/* One step of a path: a member's name, or an index where name is NULL. */
struct source_step {
	const char *name;
	int64_t index;
};

struct source {
	enum source_type type;
	struct source_step *steps; /* of SOURCE_PATH; @header.NAME has one, the name */
	size_t step_count;
	int64_t token; /* of SOURCE_TOKEN */
	char *names; /* what the steps' names lie in */
};

/* ERROR_USAGE says what is wrong. On false there is nothing to finish. */
bool source_parse(const char *text, struct source *source, struct error *err);
void source_finish(struct source *source);

/* Whether both take the same part of an event. */
bool source_same(const struct source *a, const struct source *b);

/* Whether an event with an empty payload has it, too. */
bool source_needs_payload(const struct source *source);

#endif
