/*
 * What may go on the wire. Nothing from a row reaches the server unchecked: cnats writes a subject and a
 * header name into its protocol as they are.
 */
#include "event.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/utf8.h"

/* Where the server listens itself: a row must not talk to its API. */
static const struct slice private_prefixes[] = { { "$JS.", 4 }, { "$SYS.", 5 }, { "$NRG.", 5 },
	{ "$SRV.", 5 }, { "_INBOX.", 7 } };

static bool bad(struct error *err, const char *what, const char *why)
{
	return error_set(err, ERROR_REJECTED, "%s %s", what, why);
}

static bool has_control(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] < ' ' || text.data[i] == 127)
			return true;
	return false;
}

/*
 * What nearly every text is: ASCII from the first character named on, without control characters. It is looked at to
 * the end, which is faster than to ask at each character.
 */
static bool is_printable(struct slice text, char first)
{
	int other = 0;

	for (size_t i = 0; i < text.size; i++)
		other |= text.data[i] < first || text.data[i] > '~';
	return !other;
}

static bool check_tokens(struct slice subject, struct error *err)
{
	size_t start = 0;

	for (size_t i = 0; i <= subject.size; i++) {
		if (i < subject.size && subject.data[i] != '.')
			continue;
		if (i == start)
			return bad(err, "subject",
				"has an empty token (a dot at an end, or two in a row)");
		if (i - start == 1 && (subject.data[start] == '*' || subject.data[start] == '>'))
			return bad(err, "subject", "has a wildcard (* or >) as a token");
		start = i + 1;
	}
	return true;
}

static bool check_characters(struct slice subject, struct error *err)
{
	if (memchr(subject.data, 0, subject.size))
		return bad(err, "subject", "has a NUL character");
	if (memchr(subject.data, '\r', subject.size) || memchr(subject.data, '\n', subject.size))
		return bad(err, "subject", "has a line break (CR or LF)");
	if (memchr(subject.data, ' ', subject.size) || has_control(subject))
		return bad(err, "subject", "has a space or a control character");
	if (!event_is_utf8(subject))
		return bad(err, "subject", "is not UTF-8");
	return true;
}

bool event_check_subject(struct slice subject, struct error *err)
{
	if (subject.size == 0)
		return bad(err, "subject", "is empty");
	if (subject.size > EVENT_SUBJECT_MAX)
		return bad(err, "subject", "is longer than 1,024 bytes");
	if (!is_printable(subject, '!') && !check_characters(subject, err))
		return false;
	for (size_t i = 0; i < sizeof(private_prefixes) / sizeof(private_prefixes[0]); i++) {
		const struct slice *prefix = &private_prefixes[i];
		if (subject.size >= prefix->size &&
			memcmp(subject.data, prefix->data, prefix->size) == 0)
			return bad(err, "subject",
				"is the server's own ($JS, $SYS, _INBOX and the like)");
	}
	return check_tokens(subject, err);
}

/* What becomes the value of a header of Dray's own. */
static bool check_value(const char *what, struct slice value, size_t limit, struct error *err)
{
	if (value.size > limit)
		return bad(err, what, "is too long");
	bool plain = is_printable(value, ' ');
	if (!plain && has_control(value))
		return bad(
			err, what, "has a control character (a NUL or a line break, for example)");
	if (!plain && !event_is_utf8(value))
		return bad(err, what, "is not UTF-8");
	if (value.size && (value.data[0] == ' ' || value.data[value.size - 1] == ' '))
		return bad(err, what, "begins or ends with a space, which a header cannot carry");
	return true;
}

bool event_check_id(struct slice id, struct error *err)
{
	if (id.size == 0)
		return bad(err, "event_id", "is empty");
	return check_value("event_id", id, EVENT_ID_MAX, err);
}

bool event_check_key(struct slice key, struct error *err)
{
	return check_value("key", key, EVENT_KEY_MAX, err);
}

static bool is_reserved(const char *name)
{
	if (strncasecmp(name, "Dray-", 5) == 0)
		return true;
	if (strncasecmp(name, "Nats-", 5) != 0)
		return false;
	return strcmp(name, "Nats-TTL") != 0 && strcmp(name, "Nats-Rollup") != 0;
}

static bool check_name(const char *name, struct error *err)
{
	if (!*name)
		return bad(err, "headers:", "a name is empty");
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
			return error_set(err, ERROR_REJECTED,
				"headers: the name '%.60s' has a character that a name cannot have",
				name);
	if (is_reserved(name))
		return error_set(err, ERROR_REJECTED,
			"headers: '%.60s' is reserved; Nats-* (but Nats-TTL and Nats-Rollup) and Dray-* "
			"are not an application's to set",
			name);
	return true;
}

static bool one_value(const char *name, const json_t *value, event_header_fn *fn, void *context,
	struct error *err)
{
	if (!json_is_string(value))
		return error_set(err, ERROR_REJECTED,
			"headers: the value of '%.60s' is not a string or an array of strings",
			name);
	struct slice text = { json_string_value(value), json_string_length(value) };
	if (memchr(text.data, '\r', text.size) || memchr(text.data, '\n', text.size) ||
		memchr(text.data, 0, text.size))
		return error_set(err, ERROR_REJECTED,
			"headers: the value of '%.60s' has a line break or a NUL", name);
	return fn(context, name, text.data, err);
}

static bool each_value(const char *name, const json_t *value, bool again, event_header_fn *fn,
	void *context, struct error *err)
{
	const json_t *item;
	size_t i;

	if (again && is_reserved(name))
		return true;
	if (!check_name(name, err))
		return false;
	if (!json_is_array(value))
		return one_value(name, value, fn, context, err);
	json_array_foreach(
		value, i, item) if (!one_value(name, item, fn, context, err)) return false;
	return true;
}

static bool each_header(
	struct slice headers, bool again, event_header_fn *fn, void *context, struct error *err)
{
	json_error_t why;
	const char *name;
	json_t *value;
	bool ok = true;

	if (!headers.data)
		return true;
	json_t *object = json_loadb(
		headers.data, headers.size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!object)
		return error_set(err, ERROR_REJECTED, "headers: malformed JSON at character %d: %s",
			why.position, why.text);
	if (json_is_object(object)) {
		json_object_foreach(object, name, value) if (ok) ok =
			each_value(name, value, again, fn, context, err);
	} else if (!json_is_null(object)) {
		ok = bad(err, "headers:", "not a JSON object of strings or arrays of strings");
	}
	json_decref(object);
	return ok;
}

bool event_headers_each(struct slice headers, event_header_fn *fn, void *context, struct error *err)
{
	return each_header(headers, false, fn, context, err);
}

bool event_headers_each_again(
	struct slice headers, event_header_fn *fn, void *context, struct error *err)
{
	return each_header(headers, true, fn, context, err);
}

bool event_is_utf8(struct slice text)
{
	unsigned character;

	for (size_t size; text.size > 0; text.data += size, text.size -= size) {
		size = utf8_first(text, &character);
		if (size == 0)
			return false;
	}
	return true;
}

bool event_subject_matches(const char *pattern, struct slice subject)
{
	const char *s = subject.data, *end = subject.data + subject.size;

	for (;;) {
		if (pattern[0] == '>' && !pattern[1])
			return s < end;
		if (pattern[0] == '*' && (!pattern[1] || pattern[1] == '.')) {
			if (s == end || *s == '.')
				return false;
			while (s < end && *s != '.')
				s++;
			pattern++;
		} else {
			while (s < end && *s != '.' && *pattern && *pattern == *s) {
				s++;
				pattern++;
			}
		}
		if (s == end || !*pattern)
			return s == end && !*pattern;
		if (*s++ != '.' || *pattern++ != '.')
			return false;
	}
}

/* The next tokens of two patterns. */
struct tokens {
	const char *a, *b;
	size_t size_a, size_b;
	bool wild_a, wild_b; /* one is * */
	bool rest_a, rest_b; /* it is > */
};

static bool is_token(const char *text, size_t size, char wanted)
{
	return size == 1 && *text == wanted;
}

static struct tokens tokens_of(const char *a, const char *b)
{
	struct tokens t = { .a = a, .b = b, .size_a = strcspn(a, "."), .size_b = strcspn(b, ".") };

	t.wild_a = is_token(a, t.size_a, '*');
	t.wild_b = is_token(b, t.size_b, '*');
	t.rest_a = is_token(a, t.size_a, '>');
	t.rest_b = is_token(b, t.size_b, '>');
	return t;
}

static bool same_token(const struct tokens *t)
{
	return t->size_a == t->size_b && memcmp(t->a, t->b, t->size_a) == 0;
}

/* Goes on to the tokens behind these, where both have some. */
static bool next_tokens(struct tokens *t)
{
	if (!t->a[t->size_a] || !t->b[t->size_b])
		return false;
	*t = tokens_of(t->a + t->size_a + 1, t->b + t->size_b + 1);
	return true;
}

static bool both_end(const struct tokens *t)
{
	return !t->a[t->size_a] && !t->b[t->size_b];
}

bool event_pattern_covers(const char *wide, const char *narrow)
{
	struct tokens t = tokens_of(wide, narrow);

	do {
		if (t.rest_a)
			return true;
		if (t.rest_b || (!t.wild_a && !same_token(&t)))
			return false;
	} while (next_tokens(&t));
	return both_end(&t);
}

bool event_patterns_overlap(const char *a, const char *b)
{
	struct tokens t = tokens_of(a, b);

	do {
		if (t.rest_a || t.rest_b)
			return true;
		if (!t.wild_a && !t.wild_b && !same_token(&t))
			return false;
	} while (next_tokens(&t));
	return both_end(&t);
}
