#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A growing byte buffer, NUL behind its end. Zeroed is empty. `buf_finish` frees. */
struct buf {
	char *data;
	size_t size, room;
};

void buf_finish(struct buf *buf);
void buf_clear(struct buf *buf);
void buf_cut(struct buf *buf, size_t size); /* takes so many bytes off its end */
void buf_reserve(struct buf *buf, size_t more);
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_slice(struct buf *buf, struct slice slice);
void buf_add_char(struct buf *buf, char c);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Big-endian integers, as PostgreSQL's binary formats want them. */
void buf_add_u32(struct buf *buf, uint32_t value);
void buf_add_u64(struct buf *buf, uint64_t value);

#endif
