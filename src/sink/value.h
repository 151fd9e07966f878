#ifndef SINK_VALUE_H
#define SINK_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * A value on its way from an event into a column. The database's own type decides in the end: what a cell
 * holds is text that the database reads as it reads any literal, so that no digit is lost. Pure.
 */

/* What a column takes, as far as it matters here. */
enum column_kind {
	COLUMN_TEXT,
	COLUMN_INTEGER,
	COLUMN_NUMBER,
	COLUMN_REAL, /* floating point by its name: digits may be lost there */
	COLUMN_BOOLEAN,
	COLUMN_TIME, /* a date, or a date and a time */
	COLUMN_JSON,
	COLUMN_BYTES,
	COLUMN_OTHER, /* the database knows: uuid, inet, an enum; in SQLite a column that takes anything */
};

/* What an event has. */
enum value_type {
	VALUE_MISSING,
	VALUE_NULL,
	VALUE_STRING, /* text: what it says */
	VALUE_NUMBER, /* text: as JSON writes it */
	VALUE_BOOLEAN, /* text: true or false */
	VALUE_JSON, /* text: an object or an array, as it is written */
	VALUE_BYTES, /* text: any bytes */
	VALUE_LITERAL, /* text: a constant or a default of the config, read by the database */
};

struct value {
	enum value_type type;
	struct slice text;
};

/* What a column gets. */
enum cell_type {
	CELL_NULL,
	CELL_MISSING, /* the column's own default */
	CELL_EPOCH, /* the epoch of the position, which is known only when it is stored */
	CELL_TEXT,
	CELL_NUMBER, /* text: a number, for a database whose columns take anything */
	CELL_BYTES,
};

struct cell {
	enum cell_type type;
	struct slice text;
};

/* A value as JSON writes it (found by paths_find; data NULL: missing). False: fault says why it is none. */
bool value_of_json(
	struct slice written, struct arena *arena, struct value *value, const char **fault);

/*
 * A value for a column. strict: this is the only check, since the database takes what does not fit (SQLite);
 * otherwise what is doubtful is left to the database. False: fault (in the arena, or static) says why not.
 *
 * A number becomes a time: below 10^11 it counts seconds since 1970, below 10^14 milliseconds, below 10^17
 * microseconds, else nanoseconds; fractions count.
 */
bool value_fit(const struct value *value, enum column_kind kind, bool strict, struct arena *arena,
	struct cell *cell, const char **fault);

/*
 * A number as JSON writes it, times 10^scale, without what is behind the point then (exact: there was
 * nothing). False: it is no number, or beyond 64 bits.
 */
bool value_decimal(struct slice text, int scale, int64_t *result, bool *exact);

/* YYYY-MM-DD, then perhaps T or a blank, HH:MM, :SS, fractions, then perhaps Z or an offset: as microseconds
 * since 1970, in UTC where it has no offset. */
bool value_time(struct slice text, int64_t *us);

/* The other way: YYYY-MM-DDTHH:MM:SS.sssZ, with six digits where three are not enough. Years 1 to 9999. */
#define VALUE_TIME_SIZE 48
bool value_format_time(int64_t us, char text[VALUE_TIME_SIZE]);

#endif
