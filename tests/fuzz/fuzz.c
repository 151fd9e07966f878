/* What the targets share. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

void fuzz_broken(const char *file, int line, const char *condition, struct slice text)
{
	fprintf(stderr, "%s:%d: does not hold: %s", file, line, condition);
	if (text.data)
		fprintf(stderr, ": %.*s", (int)text.size, text.data);
	fputc('\n', stderr);
	abort();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
	return memory_copy(data, size);
}

struct slice fuzz_cut(struct slice *head, char at)
{
	const char *end = head->size ? memchr(head->data, at, head->size) : NULL;

	if (!end)
		return (struct slice){ 0 };
	struct slice tail = { end + 1, head->size - (size_t)(end + 1 - head->data) };
	head->size = (size_t)(end - head->data);
	return tail;
}

bool fuzz_is_utf8(struct slice text)
{
	json_t *string = json_stringn(text.data ? text.data : "", text.size);
	bool ok = string != NULL;

	json_decref(string);
	return ok;
}

bool fuzz_within(struct slice part, struct slice whole)
{
	return part.data >= whole.data && part.data + part.size <= whole.data + whole.size;
}

int64_t fuzz_number(struct slice text)
{
	int64_t number = 0;

	if (text.size == 0)
		return -1;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || number > INT64_MAX / 10)
			return -1;
		number *= 10;
		if (number > INT64_MAX - (text.data[i] - '0'))
			return -1;
		number += text.data[i] - '0';
	}
	return number;
}
