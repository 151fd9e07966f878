/* What Dray asks about streams, in raw JSON over the API. */
#include "nats/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "event.h"
#include "nats/message.h"

#define CODE_STREAM_NOT_FOUND  10059
#define CODE_MESSAGE_NOT_FOUND 10037

void stream_info_finish(struct stream_info *info)
{
	for (size_t i = 0; i < info->subjects.count; i++)
		free(info->subjects.items[i]);
	free(info->subjects.items);
	*info = (struct stream_info){ 0 };
}

static int64_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static uint64_t count(const json_t *object, const char *name)
{
	int64_t value = number(object, name);

	return value > 0 ? (uint64_t)value : 0;
}

static bool truth(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static void read_subjects(const json_t *list, struct config_list *subjects)
{
	const json_t *item;
	size_t i;

	subjects->items = memory_new((json_array_size(list) + 1) * sizeof(char *));
	json_array_foreach(list, i, item)
	{
		if (json_is_string(item))
			subjects->items[subjects->count++] = memory_text(json_string_value(item));
	}
}

static enum stream_retention retention_of(const char *name)
{
	if (strcmp(name, "interest") == 0)
		return STREAM_INTEREST;
	return strcmp(name, "workqueue") == 0 ? STREAM_WORKQUEUE : STREAM_LIMITS;
}

static void read_config(const json_t *config, struct stream_info *info)
{
	snprintf(info->name, sizeof(info->name), "%s", text(config, "name"));
	read_subjects(json_object_get(config, "subjects"), &info->subjects);
	info->retention = retention_of(text(config, "retention"));
	info->no_ack = truth(config, "no_ack");
	info->sealed = truth(config, "sealed");
	info->deny_purge = truth(config, "deny_purge");
	info->discard_new = strcmp(text(config, "discard"), "new") == 0;
	info->discard_new_per_subject = truth(config, "discard_new_per_subject");
	info->async_persist = strcmp(text(config, "persist_mode"), "async") == 0;
	info->ttl = truth(config, "allow_msg_ttl");
	info->rollup = truth(config, "allow_rollup_hdrs");
	info->memory = strcmp(text(config, "storage"), "memory") == 0;
	info->mirror = json_is_object(json_object_get(config, "mirror"));
	info->sources = json_array_size(json_object_get(config, "sources")) > 0;
	info->max_msgs = number(config, "max_msgs");
	info->max_bytes = number(config, "max_bytes");
	info->max_msgs_per_subject = number(config, "max_msgs_per_subject");
	info->max_age_ns = number(config, "max_age");
	info->max_msg_size = number(config, "max_msg_size");
	info->duplicate_window_ns = number(config, "duplicate_window");
	info->replicas = number(config, "num_replicas");
}

static void read_state(const json_t *state, struct stream_info *info)
{
	info->messages = count(state, "messages");
	info->bytes = count(state, "bytes");
	info->first_seq = count(state, "first_seq");
	info->last_seq = count(state, "last_seq");
	info->consumers = number(state, "consumer_count");
}

const char *stream_erases(const struct stream_info *info)
{
	if (info->retention != STREAM_LIMITS)
		return "what is consumed goes (workqueue or interest retention)";
	if (info->max_msgs_per_subject > 0)
		return "it keeps only so many messages a subject (max_msgs_per_subject)";
	if (info->ttl)
		return "messages may have a time to live (allow_msg_ttl)";
	return info->rollup ? "messages may replace others (allow_rollup_hdrs)" : NULL;
}

bool stream_get_info(struct link *link, const char *name, struct stream_info *info, bool *missing,
	struct error *err)
{
	char api[300];
	json_t *reply;
	int code;

	*info = (struct stream_info){ 0 };
	snprintf(api, sizeof(api), "STREAM.INFO.%s", name);
	bool ok = link_api(link, api, NULL, &reply, &code, err);
	if (missing)
		*missing = !ok && code == CODE_STREAM_NOT_FOUND;
	if (!ok && code == CODE_STREAM_NOT_FOUND)
		return error_set(err, ERROR_SCHEMA,
			"there is no stream %s; make it, or list it under streams: and run dray migrate",
			name);
	if (!ok)
		return false;
	read_config(json_object_get(reply, "config"), info);
	read_state(json_object_get(reply, "state"), info);
	snprintf(info->created, sizeof(info->created), "%s", text(reply, "created"));
	json_decref(reply);
	return true;
}

bool stream_for_subject(struct link *link, struct slice subject, char name[256], struct error *err)
{
	json_t *reply, *body = json_pack("{ss%}", "subject", subject.data, subject.size);
	bool ok = link_api(link, "STREAM.NAMES", body, &reply, NULL, err);

	json_decref(body);
	if (!ok)
		return false;
	const char *first = json_string_value(json_array_get(json_object_get(reply, "streams"), 0));
	snprintf(name, 256, "%s", first ? first : "");
	json_decref(reply);
	return true;
}

bool stream_make(struct link *link, const struct config_stream *config, struct error *err)
{
	json_t *subjects = json_array(), *reply;
	char api[300];

	for (size_t i = 0; i < config->subjects.count; i++)
		json_array_append_new(subjects, json_string(config->subjects.items[i]));
	json_t *body = json_pack("{ss so ss ss sI sI}", "name", config->name, "subjects", subjects,
		"retention", "limits", "storage", "file", "num_replicas",
		(json_int_t)config->replicas, "duplicate_window",
		(json_int_t)config->duplicate_window_ms * 1000000);
	snprintf(api, sizeof(api), "STREAM.CREATE.%s", config->name);
	bool ok = link_api(link, api, body, &reply, NULL, err);
	json_decref(body);
	if (!ok)
		return error_prefix(err, "stream %s", config->name);
	json_decref(reply);
	return true;
}

/* A header of a block, "" where it has none. Read as the reader of a stream reads it. */
static char *header_of(const struct buf *block, const char *wanted)
{
	struct slice whole = { block->data, block->size }, rest, words, name, value;
	const char *fault;
	int status;

	if (message_begin(whole, &status, &words, &rest))
		while (message_next(&rest, &name, &value, &fault))
			if (slice_is(name, wanted))
				return memory_copy(value.data, value.size);
	return memory_text("");
}

/* The API leaves zeros at the end of a second's fraction out, and all of it where there are no others. */
static void read_time(const char *from, char to[32])
{
	size_t whole = strcspn(from, ".Z"), digits = 0;
	const char *fraction = from + whole;

	if (*fraction == '.')
		digits = strspn(++fraction, "0123456789");
	if (digits > 3)
		digits = 3;
	snprintf(to, 32, "%.*s.%.*s%.*sZ", (int)(whole < 20 ? whole : 20), from, (int)digits,
		fraction, 3 - (int)digits, "000");
}

static bool read_message(const json_t *reply, struct stream_message *message, struct error *err)
{
	const json_t *part = json_object_get(reply, "message");
	struct buf headers = { 0 }, payload = { 0 };

	bool ok = base64_decode(text(part, "hdrs"), &headers) &&
		base64_decode(text(part, "data"), &payload);
	if (ok) {
		message->found = true;
		message->seq = count(part, "seq");
		message->subject = memory_text(text(part, "subject"));
		read_time(text(part, "time"), message->time);
		message->id = header_of(&headers, HEADER_MSG_ID);
		char *expected = header_of(&headers, HEADER_EXPECTED_LAST);
		message->ordered = *expected != '\0';
		free(expected);
		message->payload = memory_copy(payload.data, payload.size);
		message->payload_size = payload.size;
	}
	buf_finish(&headers);
	buf_finish(&payload);
	return ok || error_set(err, ERROR_UNAVAILABLE, "JetStream: a message is not base64");
}

static bool get_message(struct link *link, const char *name, json_t *body,
	struct stream_message *message, struct error *err)
{
	char api[300];
	json_t *reply;
	int code;

	*message = (struct stream_message){ 0 };
	snprintf(api, sizeof(api), "STREAM.MSG.GET.%s", name);
	bool ok = link_api(link, api, body, &reply, &code, err);
	json_decref(body);
	if (!ok && code == CODE_MESSAGE_NOT_FOUND)
		return true;
	if (!ok)
		return false;
	ok = read_message(reply, message, err);
	json_decref(reply);
	return ok;
}

bool stream_get_message(struct link *link, const char *name, uint64_t seq,
	struct stream_message *message, struct error *err)
{
	return get_message(link, name, json_pack("{sI}", "seq", (json_int_t)seq), message, err);
}

bool stream_get_next(struct link *link, const char *name, uint64_t seq,
	struct stream_message *message, struct error *err)
{
	return get_message(link, name,
		json_pack("{sIss}", "seq", (json_int_t)seq, "next_by_subj", ">"), message, err);
}

static bool get_newest(
	struct link *link, const char *name, struct stream_message *message, struct error *err)
{
	return get_message(link, name, json_pack("{ss}", "last_by_subj", ">"), message, err);
}

bool stream_is_ordered(struct link *link, const char *name, bool *ordered, struct error *err)
{
	struct stream_message message;

	if (!get_newest(link, name, &message, err))
		return false;
	*ordered = message.ordered;
	stream_message_finish(&message);
	return true;
}

bool stream_newest(struct link *link, const char *name, uint64_t *seq, struct error *err)
{
	struct stream_message message;

	if (!get_newest(link, name, &message, err))
		return false;
	*seq = message.seq;
	stream_message_finish(&message);
	return true;
}

void stream_message_finish(struct stream_message *message)
{
	free(message->subject);
	free(message->id);
	free(message->payload);
	*message = (struct stream_message){ 0 };
}
