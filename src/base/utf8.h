#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/*
 * How many bytes the character takes that begins a text: 1 to 4, and which one it is; 0 where the text is
 * empty or does not begin with UTF-8 (RFC 3629: no surrogates, nothing longer than it has to be).
 */
size_t utf8_first(struct slice text, unsigned *character);

#endif
