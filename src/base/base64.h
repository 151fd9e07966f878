#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Standard base64 with padding, as JetStream's API writes it. Both add to out; false where text is not that. */
bool base64_decode(const char *text, struct buf *out);
void base64_encode(struct slice data, struct buf *out);

#endif
