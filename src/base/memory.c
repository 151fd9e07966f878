/* Allocation that does not fail: it ends the process instead. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
	if (!memory) {
		fputs("dray: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *memory_new(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *memory_grow(void *old, size_t size)
{
	return checked(realloc(old, size ? size : 1));
}

char *memory_text(const char *text)
{
	return text ? memory_copy(text, strlen(text)) : NULL;
}

char *memory_copy(const void *data, size_t size)
{
	char *copy = checked(malloc(size + 1));

	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

char *memory_format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	int size = vasprintf(&text, format, arguments);
	va_end(arguments);
	return checked(size < 0 ? NULL : text);
}
