/*
 * The reply subject of a delivered message: compared with a reader that splits it, and written again from
 * what was read.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nats/message.h"

static size_t split(struct slice rest, struct slice *tokens, size_t room)
{
	size_t count = 0;

	while (rest.data && count < room) {
		tokens[count] = rest;
		rest = fuzz_cut(&tokens[count++], '.');
	}
	return count;
}

/* Digits that fit into 64 bits. */
static bool is_number(struct slice text, uint64_t number)
{
	char *digits = memory_format("%.*s", (int)text.size, text.data);
	char *canonical = memory_format("%" PRIu64, number);
	const char *start = digits + strspn(digits, "0");
	bool same = text.size > 0 && strcmp(*start || !*digits ? start : start - 1, canonical) == 0;

	free(digits);
	free(canonical);
	return same;
}

static void compare(const char *reply, const struct message_origin *origin)
{
	struct slice tokens[13];
	size_t count = split(slice_of(reply), tokens, 13), first = count == 9 ? 4 : 6;

	must(count == 9 || count >= 11);
	must(is_number(tokens[first], origin->delivered) &&
		is_number(tokens[first + 1], origin->seq));
	must(is_number(tokens[first + 2], origin->consumer_seq));
	must(is_number(tokens[first + 3], (uint64_t)origin->time_ns) && origin->time_ns >= 0);
	must(is_number(tokens[first + 4], origin->pending));
}

static void write_again(const struct message_origin *origin)
{
	struct message_origin again;
	char *reply = memory_format("$JS.ACK.S.C.%" PRIu64 ".%" PRIu64 ".%" PRIu64 ".%" PRId64
				    ".%" PRIu64,
		origin->delivered, origin->seq, origin->consumer_seq, origin->time_ns,
		origin->pending);

	must(message_parse_origin(reply, &again));
	must(again.delivered == origin->delivered && again.seq == origin->seq &&
		again.consumer_seq == origin->consumer_seq && again.time_ns == origin->time_ns &&
		again.pending == origin->pending);
	free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *reply = fuzz_text(data, size);
	struct message_origin origin;

	if (message_parse_origin(reply, &origin)) {
		compare(reply, &origin);
		write_again(&origin);
	}
	free(reply);
	return 0;
}
