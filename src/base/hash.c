/* A 64-bit hash, and random names. */
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	return h;
}

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
	const unsigned char *bytes = data;
	uint64_t h = 0xcbf29ce484222325ULL ^ seed ^ size;

	for (; size >= 8; bytes += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		h = mix(h ^ word) * 0x100000001b3ULL;
	}
	for (; size > 0; bytes++, size--)
		h = (h ^ *bytes) * 0x100000001b3ULL;
	return mix(h);
}

void hash_random_hex(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = 0;
		if (getrandom(&byte, 1, 0) != 1)
			abort();
		sprintf(text + 2 * i, "%02x", byte);
	}
}
