/*
 * What a server says to a pull request. The text lies within the block; the numbers are those that the
 * reader of all headers finds; a status is what its code says.
 */
#include "fuzz.h"

#include "nats/message.h"
#include "nats/pull_status.h"

/* The first value of a header, by the other way to it. */
static int64_t number_in(const json_t *headers, const char *name)
{
	const json_t *value = json_object_get(headers, name);

	if (json_is_array(value))
		value = json_array_get(value, 0);
	return value
		? fuzz_number((struct slice){ json_string_value(value), json_string_length(value) })
		: -1;
}

static bool fits_code(const struct pull_status *status)
{
	switch (status->signal) {
	case PULL_HEARTBEAT:
		return status->code == 100;
	case PULL_ENDED:
		return status->code == 404 || status->code == 408 || status->code == 409;
	case PULL_GONE:
		return status->code == 503 || status->code == 409;
	case PULL_TOO_LARGE:
	case PULL_REFUSED:
		return status->code == 409;
	default:
		return true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice block = { (const char *)data, size };
	struct message_headers read = { 0 };
	struct pull_status status;

	pull_status_read(block, &status);
	must(!status.text.data || fuzz_within(status.text, block));
	must(!status.text.size || !memmem(status.text.data, status.text.size, "\r\n", 2));
	must(status.code >= 0 && status.code <= 999 && fits_code(&status));
	message_read_headers(block, &read);
	if (fuzz_is_utf8(block)) {
		json_t *headers = read.json.size
			? json_loadb(read.json.data, read.json.size, JSON_REJECT_DUPLICATES, NULL)
			: NULL;
		must(read.json.size == 0 || headers);
		must(status.left == number_in(headers, "Nats-Pending-Messages"));
		must(status.last_consumer_seq == number_in(headers, "Nats-Last-Consumer"));
		json_decref(headers);
	}
	message_headers_finish(&read);
	return 0;
}
