#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/* Bytes as hexadecimal digits, the way binary values travel to and from a database as text. Pure. */
void hex_encode(struct slice bytes, struct buf *out);

/* Digits of either case, two a byte, and nothing else; NULL: no bytes. In the arena, with a NUL behind. */
struct slice hex_decode(const char *hex, struct arena *arena);

#endif
