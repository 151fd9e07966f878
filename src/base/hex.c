/* Bytes as hexadecimal digits. */
#include "base/hex.h"

#include <string.h>

void hex_encode(struct slice bytes, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	buf_add_text(out, "");
	for (size_t i = 0; i < bytes.size; i++) {
		buf_add_char(out, digits[(unsigned char)bytes.data[i] >> 4]);
		buf_add_char(out, digits[bytes.data[i] & 15]);
	}
}

static int value_of(char digit)
{
	return digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10;
}

struct slice hex_decode(const char *hex, struct arena *arena)
{
	size_t size = hex ? strlen(hex) / 2 : 0;
	char *bytes = arena_new(arena, size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(value_of(hex[2 * i]) << 4 | value_of(hex[2 * i + 1]));
	bytes[size] = '\0';
	return (struct slice){ bytes, size };
}
