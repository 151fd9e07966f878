/* One character of UTF-8 after another. */
#include "base/utf8.h"

/* How many continuation bytes a lead byte asks for, and the least code point that may need so many. */
static int lead_byte(unsigned char c, unsigned *value, unsigned *least)
{
	if (c < 0x80) {
		*value = c;
		*least = 0;
		return 0;
	}
	if (c >= 0xc2 && c < 0xe0) {
		*value = c & 0x1f;
		*least = 0x80;
		return 1;
	}
	if (c >= 0xe0 && c < 0xf0) {
		*value = c & 0x0f;
		*least = 0x800;
		return 2;
	}
	*value = c & 0x07;
	*least = 0x10000;
	return c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

size_t utf8_first(struct slice text, unsigned *character)
{
	unsigned value, least;
	int more = text.size > 0 ? lead_byte((unsigned char)text.data[0], &value, &least) : -1;

	if (more < 0 || text.size <= (size_t)more)
		return 0;
	for (int i = 1; i <= more; i++) {
		if (((unsigned char)text.data[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | ((unsigned char)text.data[i] & 0x3f);
	}
	if (value < least || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*character = value;
	return (size_t)more + 1;
}
