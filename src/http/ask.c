/* Reads what a request asks for, by a table of what may stand there. */
#include "http/ask.h"

#include <stdlib.h>
#include <string.h>

#include "config_check.h"

#define ON(action) (1u << (action))
#define ALL	   (ON(ASK_RESUME) * 2 - 1)

struct member {
	const char *name;
	unsigned needed, allowed; /* sets of actions */
};

static const struct member members[] = {
	{ "kind", ALL, ALL },
	{ "pipeline", ALL, ALL },
	{ "id", ON(ASK_SHOW), ON(ASK_SHOW) },
	{ "ids", ON(ASK_RETRY) | ON(ASK_DISCARD), ON(ASK_RETRY) | ON(ASK_DISCARD) },
	{ "reason", ON(ASK_DISCARD), ON(ASK_DISCARD) },
	{ "after", 0, ON(ASK_LIST) },
	{ "limit", 0, ON(ASK_LIST) },
	{ "subject", 0, ON(ASK_LIST) },
	{ "key", 0, ON(ASK_LIST) },
	{ "error", 0, ON(ASK_LIST) },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static bool is_allowed(enum ask_action action, const char *name)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (strcmp(members[i].name, name) == 0)
			return members[i].allowed & ON(action);
	return false;
}

static bool check_members(enum ask_action action, const json_t *said, struct error *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(said))
		return error_set(err, ERROR_USAGE, "an object is wanted");
	json_object_foreach((json_t *)(uintptr_t)said, name, value)
	{
		if (!is_allowed(action, name))
			return error_set(err, ERROR_USAGE, "\"%.80s\" means nothing here", name);
		if (strcmp(name, "ids") != 0 && !json_is_string(value))
			return error_set(err, ERROR_USAGE, "%s: a text is wanted", name);
	}
	for (size_t i = 0; i < MEMBERS; i++)
		if ((members[i].needed & ON(action)) && !json_object_get(said, members[i].name))
			return error_set(err, ERROR_USAGE, "%s is missing", members[i].name);
	return true;
}

static const char *text_of(const json_t *said, const char *name)
{
	return json_string_value(json_object_get(said, name));
}

static bool read_pipeline(const json_t *said, struct ask *ask, struct error *err)
{
	const char *kind = text_of(said, "kind");

	ask->pipeline = text_of(said, "pipeline");
	ask->is_sink = strcmp(kind, "sink") == 0;
	return ask->is_sink || strcmp(kind, "relay") == 0 ||
		error_set(err, ERROR_USAGE, "kind: it is relay or sink");
}

static bool check_id(const char *id, bool is_sink, struct error *err)
{
	bool ok = id && *id && strlen(id) < DEAD_ID &&
		(is_sink ? strchr(id, '/') != NULL : strspn(id, "-0123456789") == strlen(id));

	return ok ||
		error_set(err, ERROR_USAGE, "\"%.80s\" is no id; %s", id ? id : "",
			is_sink ? "those of a sink's events are STREAM/EPOCH/SEQ"
				: "those of a relay's rows are numbers");
}

static bool add_id(const char *id, struct ask *ask, struct error *err)
{
	for (size_t i = 0; id && i < ask->id_count; i++)
		if (strcmp(ask->ids[i], id) == 0)
			return error_set(err, ERROR_USAGE, "%.80s is there twice", id);
	ask->ids[ask->id_count++] = id;
	return check_id(id, ask->is_sink, err);
}

static bool read_ids(const json_t *said, struct ask *ask, struct error *err)
{
	const json_t *list = json_object_get(said, "ids"), *one;
	const char *id = text_of(said, "id");
	size_t i;

	if (id)
		return add_id(id, ask, err);
	if (!list)
		return true;
	if (json_array_size(list) < 1 || json_array_size(list) > ASK_IDS)
		return error_set(err, ERROR_USAGE, "ids: a list of 1 to %d ids is wanted", ASK_IDS);
	json_array_foreach(list, i, one)
	{
		if (!add_id(json_string_value(one), ask, err))
			return false;
	}
	return true;
}

static bool read_reason(const json_t *said, struct ask *ask, struct error *err)
{
	ask->reason = text_of(said, "reason");
	return !ask->reason || (*ask->reason && strlen(ask->reason) <= ASK_REASON) ||
		error_set(err, ERROR_USAGE, "reason: 1 to %d bytes are wanted", ASK_REASON);
}

static bool read_limit(const json_t *said, struct ask *ask, struct error *err)
{
	const char *text = text_of(said, "limit");

	ask->limit = text ? strtoul(text, NULL, 10) : ASK_LIMIT;
	return !text ||
		(strspn(text, "0123456789") == strlen(text) && ask->limit >= 1 &&
			ask->limit <= DEAD_PAGE) ||
		error_set(err, ERROR_USAGE, "limit: 1 to %d is wanted", DEAD_PAGE);
}

static bool read_list(const json_t *said, struct ask *ask, struct error *err)
{
	const char *after = text_of(said, "after");

	ask->after = after ? after : "";
	ask->subject = text_of(said, "subject");
	ask->key = text_of(said, "key");
	ask->error = text_of(said, "error");
	if (ask->subject && !check_subject_pattern(ask->subject, err))
		return error_prefix(err, "subject");
	return !*ask->after || check_id(after, ask->is_sink, err);
}

bool ask_read(enum ask_action action, const json_t *said, struct ask *ask, struct error *err)
{
	*ask = (struct ask){ .action = action };
	return check_members(action, said, err) && read_pipeline(said, ask, err) &&
		read_ids(said, ask, err) && read_reason(said, ask, err) &&
		read_limit(said, ask, err) && read_list(said, ask, err);
}
