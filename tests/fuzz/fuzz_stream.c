/*
 * Answers of JetStream's API about streams, messages and consumers. link_api stands here, in place of a
 * connection, and gives the input as the answer to whatever is asked.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "base/base64.h"
#include "nats/message.h"
#include "nats/pull_consumer.h"
#include "nats/stream.h"

static struct slice answer;

bool link_api(struct link *link, const char *api, json_t *body, json_t **reply, int *code,
	struct error *err)
{
	(void)link;
	(void)body;
	*reply = json_loadb(answer.data, answer.size, 0, NULL);
	if (code)
		*code = 0;
	if (json_is_object(*reply))
		return true;
	json_decref(*reply);
	*reply = NULL;
	return error_set(err, ERROR_UNAVAILABLE, "%s: not JSON", api);
}

static void ask_info(void)
{
	struct stream_info info;
	bool missing;

	if (!stream_get_info(NULL, "S", &info, &missing, NULL))
		return;
	must(strnlen(info.name, sizeof(info.name)) < sizeof(info.name));
	must(strnlen(info.created, sizeof(info.created)) < sizeof(info.created));
	for (size_t i = 0; i < info.subjects.count; i++)
		must(info.subjects.items[i]);
	must(info.messages <= INT64_MAX && info.bytes <= INT64_MAX);
	must(info.first_seq <= INT64_MAX && info.last_seq <= INT64_MAX);
	stream_info_finish(&info);
}

/* The id is the one that a reader of the stream would see. */
static void compare_ids(const struct buf *block, const char *id)
{
	struct message_headers headers = { 0 };

	message_read_headers((struct slice){ block->data, block->size }, &headers);
	if (!headers.fault)
		must_of(((struct slice){ block->data, block->size }),
			slice_is(headers.id, id) || (!headers.id.data && !*id));
	message_headers_finish(&headers);
}

static void ask_message(void)
{
	struct stream_message message;
	struct buf block = { 0 };

	if (!stream_get_message(NULL, "S", 1, &message, NULL))
		return;
	json_t *json = json_loadb(answer.data, answer.size, 0, NULL);
	const json_t *headers = json_object_get(json_object_get(json, "message"), "hdrs");
	must(message.found && message.subject && message.id && message.payload);
	must(message.payload[message.payload_size] == '\0' && message.seq <= INT64_MAX);
	if (headers &&
		base64_decode(json_string_value(headers) ? json_string_value(headers) : "", &block))
		compare_ids(&block, message.id);
	buf_finish(&block);
	json_decref(json);
	stream_message_finish(&message);
}

static void ask_consumer(const char *durable, size_t filters)
{
	static char *subjects[] = { "a.>", "b.>" };
	struct config_list list = { subjects, filters };
	struct pull_options options = {
		.stream = "S", .durable = durable, .subjects = &list, .start_seq = 1, .batch = 10
	};
	char name[256];
	struct pull_consumer_state state;
	bool filter_here;

	if (pull_consumer_make(NULL, &options, name, &filter_here, NULL))
		must(strnlen(name, sizeof(name)) < sizeof(name));
	if (durable)
		pull_consumer_check(NULL, &options, &state, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[256];
	uint64_t seq;

	answer = (struct slice){ (const char *)data, size };
	ask_info();
	ask_message();
	if (stream_for_subject(NULL, SLICE("a.b"), name, NULL))
		must(strnlen(name, sizeof(name)) < sizeof(name));
	stream_newest(NULL, "S", &seq, NULL);
	for (size_t filters = 0; filters <= 2; filters++) {
		ask_consumer(NULL, filters);
		ask_consumer("D", filters);
	}
	return 0;
}
