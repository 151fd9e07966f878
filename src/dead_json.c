/* Rows and events that were given up on, as JSON. */
#include "dead_json.h"

#include "cmd_common.h"

static json_t *pack(const struct dead_pile *pile, const struct dead_item *item)
{
	return json_pack("{so ss so so so}", "pipeline", cmd_json_text(pile->name), "kind",
		pile->is_sink ? "sink" : "relay", "id", cmd_json_text(item->id), "subject",
		cmd_json_text(item->subject), "key", cmd_json_text(item->key));
}

static void add_content(json_t *object, const struct dead_item *item)
{
	json_t *headers = item->headers ? json_loads(item->headers, JSON_ALLOW_NUL, NULL) : NULL;

	json_object_set_new(object, "headers", headers ? headers : cmd_json_text(item->headers));
	cmd_json_payload(object, item->payload);
}

json_t *dead_json(const struct dead_pile *pile, const struct dead_item *item, bool whole)
{
	json_t *object = pack(pile, item);

	json_object_set_new(object, "event_id", cmd_json_text(item->event_id));
	json_object_set_new(object, "attempts",
		item->attempts < 0 ? json_null() : json_integer(item->attempts));
	json_object_set_new(object, "since", cmd_json_text(item->since));
	json_object_set_new(object, "age_ms", json_integer(item->age_ms));
	json_object_set_new(object, "bytes", json_integer(item->size));
	json_object_set_new(object, "error", cmd_json_text(item->error));
	if (whole)
		add_content(object, item);
	return object;
}

static const char *result_word(enum dead_result result)
{
	static const char *const words[] = {
		[DEAD_GONE] = "gone",
		[DEAD_PENDING] = "pending",
		[DEAD_PENDING_BEFORE] = "pending",
		[DEAD_PENDING_NEXT] = "pending",
		[DEAD_STORED] = "stored",
		[DEAD_REFUSED] = "refused",
		[DEAD_DISCARDED] = "discarded",
	};

	return words[result];
}

static const char *place_word(enum dead_result result)
{
	if (result == DEAD_PENDING_BEFORE)
		return "before later";
	return result == DEAD_PENDING_NEXT ? "next" : NULL;
}

json_t *dead_json_result(const struct dead_pile *pile, const struct dead_item *item,
	enum dead_result result, const char *why, bool dry)
{
	json_t *object = pack(pile, item);

	json_object_set_new(object, "result", json_string(result_word(result)));
	json_object_set_new(object, "place", cmd_json_text(place_word(result)));
	json_object_set_new(object, "error", cmd_json_text(why));
	json_object_set_new(object, "dry_run", json_boolean(dry));
	return object;
}
