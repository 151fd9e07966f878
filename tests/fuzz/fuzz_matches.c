/*
 * "PATTERN LF SUBJECT": whether the subject matches, compared with a matcher that splits both into tokens.
 * Subjects are a stream's, so anything but a line feed may stand in them; patterns are a config's.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "config_check.h"
#include "event.h"

static bool matches(struct slice pattern, struct slice subject)
{
	struct slice wanted = pattern, token = subject;
	struct slice patterns = fuzz_cut(&wanted, '.'), tokens = fuzz_cut(&token, '.');

	if (slice_is(wanted, ">") && !patterns.data)
		return true;
	if (!slice_is(wanted, "*") && !slice_equal(wanted, token))
		return false;
	if (!patterns.data || !tokens.data)
		return !patterns.data && !tokens.data;
	return matches(patterns, tokens);
}

static bool has_empty_token(struct slice subject)
{
	struct slice rest = subject, token;

	do {
		token = rest;
		rest = fuzz_cut(&token, '.');
		if (token.size == 0)
			return true;
	} while (rest.data);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice head = { (const char *)data, size }, subject = fuzz_cut(&head, '\n');
	char *pattern = fuzz_text(data, head.size);

	if (subject.data && check_subject_pattern(pattern, NULL)) {
		bool found = event_subject_matches(pattern, subject);
		if (!has_empty_token(subject))
			must(found == matches(slice_of(pattern), subject));
	}
	free(pattern);
	return 0;
}
