#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* The problems of one file, a line each. At PROBLEMS_MAX the reading ends. */
#define PROBLEMS_MAX 50

struct problems {
	const char *file;
	struct buf *out; /* may be NULL */
	size_t count;
	char first[ERROR_TEXT];
};

/* Adds "FILE:LINE: text"; line 0 leaves the line out. */
void problems_add(struct problems *problems, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool problems_full(const struct problems *problems);

#endif
