#ifndef BASE_USAGE_H
#define BASE_USAGE_H

#include <stdint.h>

/* What this process uses; 0 where /proc does not tell. */
struct usage {
	double cpu_seconds;
	int64_t resident_bytes;
	int descriptors;
};

struct usage usage_now(void);

#endif
