/*
 * What event_check_subject lets through: a server that splits it from its control line gets just the
 * subject, and it is one that a stream stores under that name. What it refuses is refused for a reason.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "event.h"

/* The server ends an argument at these, and a line at CR LF. */
static bool survives_the_wire(struct slice subject)
{
	for (size_t i = 0; i < subject.size; i++)
		if (memchr(" \t\r\n\f\v", subject.data[i], 7) ||
			(unsigned char)subject.data[i] < 32 || subject.data[i] == 127)
			return false;
	return true;
}

static bool is_private(struct slice subject)
{
	static const char *const prefixes[] = { "$JS.", "$SYS.", "$NRG.", "$SRV.", "_INBOX." };

	for (size_t i = 0; i < 5; i++)
		if (subject.size >= strlen(prefixes[i]) &&
			strncmp(subject.data, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Every token names itself. */
static bool is_literal(struct slice subject)
{
	struct slice rest = subject, token;

	do {
		token = rest;
		rest = fuzz_cut(&token, '.');
		if (token.size == 0 || slice_is(token, "*") || slice_is(token, ">"))
			return false;
	} while (rest.data);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice subject = { (const char *)data, size };
	struct error err = { 0 };
	bool good = size > 0 && size <= EVENT_SUBJECT_MAX && survives_the_wire(subject) &&
		!is_private(subject) && is_literal(subject) && fuzz_is_utf8(subject);

	must_of(subject, event_check_subject(subject, &err) == good);
	must(good == (err.kind == ERROR_NONE));
	must(good || (err.kind == ERROR_REJECTED && err.text[0] && !strpbrk(err.text, "\r\n")));
	/* A key and an id become values of headers. */
	bool value = (size == 0 || !memchr(data, 0, size)) && survives_the_wire(subject);
	if (event_check_key(subject, NULL))
		must(fuzz_is_utf8(subject) && size <= EVENT_KEY_MAX);
	if (event_check_id(subject, NULL))
		must(fuzz_is_utf8(subject) && size > 0 && size <= EVENT_ID_MAX);
	if (value && size > 0 && size <= EVENT_ID_MAX && fuzz_is_utf8(subject))
		must(event_check_key(subject, NULL) && event_check_id(subject, NULL));
	return 0;
}
