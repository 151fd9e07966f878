#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

#include "base/slice.h"

/*
 * A 64-bit hash (FNV-1a over eight bytes at a time, mixed at the end). Not against an adversary: where
 * two hashes meet, Dray must at worst wait longer, never do wrong.
 */
uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);

static inline uint64_t hash_slice(struct slice slice)
{
	return hash_bytes(slice.data, slice.size, 0);
}

/* Writes size random bytes as 2 * size hexadecimal digits and a NUL. */
void hash_random_hex(char *text, size_t size);

#endif
