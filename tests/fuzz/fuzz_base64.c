/* Base64, both ways: what is encoded decodes to the same; what decodes is what its bytes encode to. */
#include "fuzz.h"

#include <stdlib.h>

#include "base/base64.h"

static void there_and_back(struct slice bytes)
{
	struct buf text = { 0 }, back = { 0 };

	base64_encode(bytes, &text);
	must(base64_decode(text.data ? text.data : "", &back));
	must(slice_equal((struct slice){ back.data, back.size }, bytes));
	buf_finish(&text);
	buf_finish(&back);
}

/* Bits of the last digit that no byte takes may differ. */
static void back_and_there(const char *text)
{
	struct buf bytes = { 0 }, again = { 0 };
	size_t size = strlen(text), digits = strcspn(text, "=");

	if (base64_decode(text, &bytes) && size > 0) {
		must(size % 4 == 0 && size - digits <= 2);
		base64_encode((struct slice){ bytes.data, bytes.size }, &again);
		must(again.size == size && strcmp(again.data + digits, text + digits) == 0);
		must(memcmp(again.data, text, digits - (size > digits)) == 0);
	}
	buf_finish(&bytes);
	buf_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	there_and_back((struct slice){ (const char *)data, size });
	back_and_there(text);
	free(text);
	return 0;
}
