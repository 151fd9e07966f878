#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

/* Bytes that somebody else owns; data NULL means absent (SQL NULL), which is not the same as empty. */
struct slice {
	const char *data;
	size_t size;
};

#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_of(text));
}

#endif
