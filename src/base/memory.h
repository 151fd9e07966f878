#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/*
 * Allocation that ends the process when there is no memory: after that nothing is known to be right,
 * and a restart is safe at every instant. What a user can grow has its own ceiling elsewhere.
 */
void *memory_new(size_t size); /* zeroed */
void *memory_grow(void *old, size_t size); /* realloc */
char *memory_text(const char *text); /* strdup; NULL gives NULL */
char *memory_copy(const void *data, size_t size); /* with a NUL behind */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
