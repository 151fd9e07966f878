/* Standard base64. */
#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

bool base64_decode(const char *text, struct buf *out)
{
	size_t size = strlen(text);

	if (size % 4)
		return false;
	buf_reserve(out, size / 4 * 3);
	buf_add(out, "", 0); /* a NUL behind nothing, too */
	for (size_t i = 0; i < size; i += 4) {
		int pad = i + 4 == size ? (text[i + 3] == '=') + (text[i + 2] == '=') : 0;
		unsigned bits = 0;
		for (int j = 0; j < 4; j++) {
			int value = j >= 4 - pad ? 0 : value_of(text[i + (size_t)j]);
			if (value < 0)
				return false;
			bits = bits << 6 | (unsigned)value;
		}
		char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8), (char)bits };
		buf_add(out, bytes, (size_t)(3 - pad));
	}
	return true;
}

void base64_encode(struct slice data, struct buf *out)
{
	for (size_t i = 0; i < data.size; i += 3) {
		size_t left = data.size - i;
		unsigned bits = (unsigned)(unsigned char)data.data[i] << 16;
		if (left > 1)
			bits |= (unsigned)(unsigned char)data.data[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)data.data[i + 2];
		buf_add_char(out, digits[bits >> 18]);
		buf_add_char(out, digits[bits >> 12 & 63]);
		buf_add_char(out, left > 1 ? digits[bits >> 6 & 63] : '=');
		buf_add_char(out, left > 2 ? digits[bits & 63] : '=');
	}
}
