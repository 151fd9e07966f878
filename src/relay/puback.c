/*
 * Reads a stream's answer. The usual one is flat and is read by hand, since it comes for every message;
 * what is not of that shape goes through the JSON library.
 */
#include "relay/puback.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/slice.h"

struct cursor {
	const char *at, *end;
};

static void skip_space(struct cursor *c)
{
	while (c->at < c->end &&
		(*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
		c->at++;
}

static bool take(struct cursor *c, char expected)
{
	skip_space(c);
	if (c->at == c->end || *c->at != expected)
		return false;
	c->at++;
	return true;
}

/* A string of ASCII without escapes. */
static bool take_string(struct cursor *c, struct slice *text)
{
	if (!take(c, '"'))
		return false;
	text->data = c->at;
	while (c->at < c->end && *c->at != '"' && *c->at != '\\' && *c->at >= ' ' &&
		(unsigned char)*c->at < 0x80)
		c->at++;
	text->size = (size_t)(c->at - text->data);
	return c->at < c->end && *c->at++ == '"';
}

/* One that the JSON library would hold, too. */
static bool take_number(struct cursor *c, uint64_t *number)
{
	const char *start = c->at;
	int64_t value = 0;

	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, *c->at - '0', &value))
			return false;
	*number = (uint64_t)value;
	return c->at == start + 1 || (c->at > start && *start != '0');
}

static bool take_word(struct cursor *c, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(c->end - c->at) < size || memcmp(c->at, word, size) != 0)
		return false;
	c->at += size;
	return true;
}

/* By its first character, so that nothing is tried from within another value. */
static bool take_any(struct cursor *c)
{
	char next = c->at < c->end ? *c->at : '\0';
	struct slice text;
	uint64_t number;

	if (next == '"')
		return take_string(c, &text);
	if (next >= '0' && next <= '9')
		return take_number(c, &number);
	return take_word(c, "true") || take_word(c, "false");
}

enum member { STREAM = 1, SEQ = 2, DUPLICATE = 4 };

/* Each member that counts may stand there once. */
static bool first(unsigned *seen, enum member member)
{
	bool fresh = !(*seen & member);

	*seen |= member;
	return fresh;
}

static bool take_member(struct cursor *c, struct puback *ack, unsigned *seen)
{
	struct slice name, text;

	if (!take_string(c, &name) || !take(c, ':'))
		return false;
	skip_space(c);
	if (slice_is(name, "stream")) {
		if (!first(seen, STREAM) || !take_string(c, &text) ||
			text.size >= sizeof(ack->stream))
			return false;
		memcpy(ack->stream, text.data, text.size);
		ack->stream[text.size] = '\0';
		return true;
	}
	if (slice_is(name, "seq"))
		return first(seen, SEQ) && take_number(c, &ack->seq);
	if (slice_is(name, "duplicate")) {
		ack->duplicate = take_word(c, "true");
		return first(seen, DUPLICATE) && (ack->duplicate || take_word(c, "false"));
	}
	if (slice_is(name, "error")) /* has members of its own */
		return false;
	return take_any(c);
}

static bool parse_flat(const char *data, size_t size, struct puback *ack)
{
	struct cursor c = { data, data + size };
	unsigned seen = 0;

	if (!take(&c, '{'))
		return false;
	do {
		if (!take_member(&c, ack, &seen))
			return false;
	} while (take(&c, ','));
	if (!take(&c, '}'))
		return false;
	skip_space(&c);
	return c.at == c.end;
}

static void copy_text(char *to, size_t size, const json_t *from)
{
	const char *text = json_string_value(from);

	snprintf(to, size, "%s", text ? text : "");
}

static void parse_any(const char *data, size_t size, struct puback *ack)
{
	json_t *object = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *error = json_object_get(object, "error");

	if (error) {
		ack->kind = PUBACK_ERROR;
		ack->http = (int)json_integer_value(json_object_get(error, "code"));
		ack->code = (int)json_integer_value(json_object_get(error, "err_code"));
		copy_text(ack->text, sizeof(ack->text), json_object_get(error, "description"));
	}
	json_int_t seq = json_integer_value(json_object_get(object, "seq"));
	ack->seq = seq > 0 ? (uint64_t)seq : 0;
	ack->duplicate = json_is_true(json_object_get(object, "duplicate"));
	const json_t *stream = json_object_get(object, "stream");
	if (json_string_length(stream) < sizeof(ack->stream)) /* a name is not cut short */
		copy_text(ack->stream, sizeof(ack->stream), stream);
	json_decref(object);
}

void puback_parse(const char *data, size_t size, struct puback *ack)
{
	ack->kind = PUBACK_STORED;
	ack->stream[0] = ack->text[0] = '\0';
	ack->seq = 0;
	ack->duplicate = false;
	ack->http = ack->code = 0;
	if (!parse_flat(data, size, ack)) {
		ack->stream[0] = '\0';
		ack->seq = 0;
		ack->duplicate = false;
		parse_any(data, size, ack);
	}
	if (ack->kind == PUBACK_STORED && (ack->seq == 0 || !ack->stream[0]))
		ack->kind = PUBACK_NONSENSE;
}

static enum judgement judge_code(const struct puback *ack)
{
	switch (ack->code) {
	case 10054: /* message over the stream's max_msg_size */
	case 10097: /* headers over 64 KiB */
	case 10049: /* the stream's store takes no message of that size */
	case 10111: /* rollup not permitted */
	case 10165: /* invalid TTL */
	case 10166: /* TTL not enabled */
		return JUDGE_DEAD;
	case 10060: /* expected stream does not match: another stream takes the subject */
	case 10201: /* a batch has a duplicate */
		return JUDGE_RETRY;
	case 10071: /* wrong last sequence */
	case 10158: /* the same id is being stored right now */
	case 10164: /* another message that expects something is being stored right now */
		return JUDGE_BREAK;
	case 10109: /* sealed */
	case 10039: /* JetStream not enabled for the account */
		return JUDGE_STOP;
	case 10077: /* store failed: the stream is full, or this subject is */
		return strstr(ack->text, "per subject") ? JUDGE_RETRY : JUDGE_PAUSE;
	default:
		/* resources, storage, no leader, offline, too many requests: 429 and 5xx pass by themselves */
		return ack->http >= 500 || ack->http == 429 || ack->http == 0 ? JUDGE_PAUSE
									      : JUDGE_RETRY;
	}
}

enum judgement puback_judge(const struct puback *ack)
{
	switch (ack->kind) {
	case PUBACK_STORED:
		return ack->duplicate ? JUDGE_DUPLICATE : JUDGE_DELIVERED;
	case PUBACK_ERROR:
		return judge_code(ack);
	case PUBACK_NO_RESPONDERS:
		return JUDGE_ASK;
	default:
		return JUDGE_RETRY;
	}
}
