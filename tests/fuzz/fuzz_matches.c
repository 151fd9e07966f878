/*
 * "PATTERN LF SUBJECT", perhaps another "LF PATTERN": whether the subject matches, compared with a matcher that splits both into tokens.
 * Subjects are a stream's, so anything but a line feed may stand in them; patterns are a config's. What two
 * patterns have in common is what subjects show: a subject of the narrow one is one of the wide one.
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

/* A subject of a pattern: each * and > is one token. */
static char *subject_of(const char *pattern)
{
	char *subject = fuzz_text((const uint8_t *)pattern, strlen(pattern));

	for (char *c = subject; *c; c++)
		if (*c == '*' || *c == '>')
			*c = 'x';
	return subject;
}

static void compare(const char *a, const char *b, struct slice subject)
{
	char *of_b = subject_of(b);
	bool covers = event_pattern_covers(a, b), overlap = event_patterns_overlap(a, b);

	must(overlap == event_patterns_overlap(b, a) && event_pattern_covers(a, a));
	must(!covers || overlap);
	must(!covers || event_subject_matches(a, slice_of(of_b)));
	must(!covers || !event_pattern_covers(b, a) || strcmp(a, b) == 0);
	if (!has_empty_token(subject) && event_subject_matches(b, subject)) {
		bool both = event_subject_matches(a, subject);
		must(both || !covers);
		must(!both || overlap);
	}
	if (strcspn(b, "*>") == strlen(b)) /* one subject, then */
		must(covers == overlap && covers == event_subject_matches(a, slice_of(b)));
	free(of_b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice head = { (const char *)data, size }, subject = fuzz_cut(&head, '\n');
	struct slice second = subject.data ? fuzz_cut(&subject, '\n') : subject;
	char *pattern = fuzz_text(data, head.size);

	if (subject.data && check_subject_pattern(pattern, NULL)) {
		bool found = event_subject_matches(pattern, subject);
		if (!has_empty_token(subject))
			must(found == matches(slice_of(pattern), subject));
	}
	char *other = second.data ? fuzz_text((const uint8_t *)second.data, second.size) : NULL;
	if (other && check_subject_pattern(pattern, NULL) && check_subject_pattern(other, NULL))
		compare(pattern, other, subject);
	free(other);
	free(pattern);
	return 0;
}
