#ifndef SINK_PATHS_H
#define SINK_PATHS_H

#include "base/arena.h"
#include "base/slice.h"
#include "source.h"

/*
 * Finds values in a JSON text (RFC 8259) and gives them as they are written, so that no digit of a number is
 * lost. Of equal names in an object the last counts, as in PostgreSQL's jsonb. Pure.
 */

#define PATHS_DEPTH_MAX 512

/* A value to be found. */
struct paths_want {
	const struct source_step *steps;
	size_t step_count; /* 0: the whole text */
	struct slice found; /* as written, without the blanks around it; data NULL: it is missing */
	size_t matched; /* how many of the steps lead to where the reading is */
};

/* Reads the whole text. False: it is no JSON, and fault (static text) says why. */
bool paths_find(struct slice text, struct paths_want *wants, size_t count, struct arena *arena,
	const char **fault);

/*
 * The text of a string as it is written (with its quotes), without escapes; in the arena where it had some.
 * False: it stands for no text that a database takes (a NUL, half of a surrogate pair).
 */
bool paths_text(struct slice written, struct arena *arena, struct slice *text, const char **fault);

/* A text as a JSON string, in the arena. */
struct slice paths_quote(struct slice text, struct arena *arena);

/* Whether a text is a number as JSON writes it. */
bool paths_is_number(struct slice text);

#endif
