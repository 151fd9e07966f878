#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stdarg.h>

/*
 * Errors are values. A function that can fail returns bool and takes a `struct error *` last; on false
 * the error is filled, on true it is untouched. The kind says what to do next.
 */
enum error_kind {
	ERROR_NONE,
	ERROR_USAGE, /* the command line or the config is wrong: exit 2 */
	ERROR_SCHEMA, /* the set-up is wrong (table, column, stream, right): a person must act */
	ERROR_UNAVAILABLE, /* a server is away: back off and try again; exit 3 */
	ERROR_CONFLICT, /* somebody else was there first: begin again */
	ERROR_REJECTED, /* this row or event is at fault: set it aside */
	ERROR_STOPPED, /* we were asked to stop */
	ERROR_INTERNAL, /* out of memory, a broken invariant */
};

#define ERROR_TEXT 768

struct error {
	enum error_kind kind;
	char text[ERROR_TEXT]; /* one line, no secret, no trailing full stop */
};

/* Fills err and returns false, so that a caller can write `return error_set(...)`. err may be NULL. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts a formatted text and ": " before the text that is there. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit status that the command line documents for a kind. */
int error_exit_status(enum error_kind kind);

#endif
