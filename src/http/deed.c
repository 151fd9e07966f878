/* Looks at what was given up on, puts it back, throws it away; pauses and resumes. */
#include "http/deed.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cmd_common.h"
#include "db/lease.h"
#include "dead_json.h"
#include "event.h"
#include "named.h"

#define SHOWN_BYTES  65536 /* of a payload, and of headers */
#define SEARCH_PAGES 20 /* a filter looks at so many pages before it says how far it came */

struct deed {
	const struct ask *ask;
	const char *by;
	struct dead dead;
	json_t *answer;
	json_t *list; /* in it: items, or results */
	int64_t done;
	char last[DEAD_ID]; /* the item that was listed last */
};

json_t *deed_error(const char *text)
{
	json_t *value = json_string(text);

	return json_pack("{so}", "error", value ? value : json_string("(not UTF-8)"));
}

static json_t *new_answer(const struct ask *ask)
{
	return json_pack(
		"{ss ss}", "kind", ask->is_sink ? "sink" : "relay", "pipeline", ask->pipeline);
}

/* --- looking --- */

static bool list_items(
	void *context, const struct dead_item *items, size_t count, struct error *err)
{
	struct deed *deed = context;

	(void)err;
	for (size_t i = 0; i < count && json_array_size(deed->list) < deed->ask->limit; i++) {
		json_array_append_new(deed->list, dead_json(deed->dead.pile, &items[i], false));
		snprintf(deed->last, sizeof(deed->last), "%s", items[i].id);
	}
	return true;
}

/* Page by page until enough passes the filter, or the search has taken long enough. */
static bool search(
	struct deed *deed, const struct dead_filter *filter, char place[DEAD_ID], struct error *err)
{
	for (int pages = 0; pages < SEARCH_PAGES; pages++) {
		if (!dead_page(&deed->dead, filter, DEAD_PAGE, place, list_items, deed, err))
			return false;
		if (json_array_size(deed->list) == deed->ask->limit) {
			snprintf(place, DEAD_ID, "%s", deed->last);
			return true;
		}
		if (!*place)
			return true;
	}
	return true;
}

static bool list(struct deed *deed, struct error *err)
{
	const struct ask *ask = deed->ask;
	const struct dead_filter filter = { .subject = ask->subject,
		.key = ask->key,
		.error = ask->error,
		.older_ms = -1,
		.newer_ms = -1 };
	char place[DEAD_ID];

	json_object_set_new(deed->answer, "items", deed->list = json_array());
	snprintf(place, sizeof(place), "%s", ask->after);
	bool ok = ask->subject || ask->key || ask->error
		? search(deed, &filter, place, err)
		: dead_page(&deed->dead, &filter, ask->limit, place, list_items, deed, err);
	json_object_set_new(deed->answer, "next", *place ? json_string(place) : json_null());
	return ok;
}

/* Cuts off what is left of a character at the end. */
static struct slice whole_characters(struct slice text)
{
	for (size_t cut = 0; cut < 4 && cut <= text.size; cut++)
		if (event_is_utf8((struct slice){ text.data, text.size - cut }))
			return (struct slice){ text.data, text.size - cut };
	return text;
}

static bool show_item(void *context, const struct dead_item *items, size_t count, struct error *err)
{
	struct deed *deed = context;
	struct dead_item item = items[0];
	bool cut = (int64_t)item.payload.size < item.size;
	struct slice headers = slice_of(item.headers);

	(void)err;
	(void)count;
	if (cut)
		item.payload = whole_characters(item.payload);
	if (headers.size > SHOWN_BYTES)
		item.headers = NULL;
	json_decref(deed->answer);
	deed->answer = dead_json(deed->dead.pile, &item, true);
	if (headers.size > SHOWN_BYTES)
		json_object_set_new(deed->answer, "headers",
			cmd_json_slice(
				whole_characters((struct slice){ headers.data, SHOWN_BYTES })));
	json_object_set_new(deed->answer, "payload_cut", json_boolean(cut));
	json_object_set_new(deed->answer, "headers_cut", json_boolean(headers.size > SHOWN_BYTES));
	return true;
}

/* --- changing --- */

static void add_result(
	struct deed *deed, const struct dead_item *item, enum dead_result result, const char *why)
{
	json_array_append_new(
		deed->list, dead_json_result(deed->dead.pile, item, result, why, false));
	deed->done += result != DEAD_REFUSED && result != DEAD_GONE;
}

static bool retry_events(
	struct deed *deed, const struct dead_item *items, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		enum dead_result result;
		struct error why = { 0 };
		if (!dead_retry_event(&deed->dead, &items[i], &result, &why, err))
			return false;
		add_result(deed, &items[i], result, result == DEAD_REFUSED ? why.text : NULL);
	}
	return true;
}

static bool retry_items(
	void *context, const struct dead_item *items, size_t count, struct error *err)
{
	struct deed *deed = context;
	enum dead_result results[DEAD_PAGE];

	if (deed->dead.pile->is_sink)
		return retry_events(deed, items, count, err);
	if (!dead_retry_rows(&deed->dead, items, count, false, results, err))
		return false;
	for (size_t i = 0; i < count; i++)
		add_result(deed, &items[i], results[i], NULL);
	return true;
}

static bool discard_items(
	void *context, const struct dead_item *items, size_t count, struct error *err)
{
	struct deed *deed = context;
	int64_t discarded;

	if (!dead_discard(&deed->dead, items, count, deed->by, deed->ask->reason, &discarded, err))
		return false;
	for (size_t i = 0; i < count; i++)
		add_result(deed, &items[i], DEAD_DISCARDED, NULL);
	deed->done += discarded - (int64_t)count; /* somebody else was faster */
	return true;
}

static bool has_result(const json_t *results, const char *id)
{
	const json_t *one;
	size_t i;

	json_array_foreach(results, i, one)
	{
		const char *other = json_string_value(json_object_get(one, "id"));
		if (other && strcmp(other, id) == 0)
			return true;
	}
	return false;
}

static void add_the_gone(struct deed *deed)
{
	for (size_t i = 0; i < deed->ask->id_count; i++) {
		const struct dead_item item = { .id = deed->ask->ids[i] };
		if (!has_result(deed->list, item.id))
			add_result(deed, &item, DEAD_GONE, NULL);
	}
}

static bool change(struct deed *deed, dead_fn *fn, struct error *err)
{
	const struct ask *ask = deed->ask;
	const struct dead_filter filter = {
		.older_ms = -1, .newer_ms = -1, .ids = ask->ids, .id_count = ask->id_count
	};
	int64_t bytes = ask->is_sink && fn == retry_items ? DEAD_WHOLE : 0;

	json_object_set_new(deed->answer, "results", deed->list = json_array());
	bool ok = dead_each(&deed->dead, &filter, bytes, fn, deed, err) ||
		err->kind == ERROR_REJECTED;
	if (ok)
		add_the_gone(deed);
	json_object_set_new(deed->answer, "done", json_integer(deed->done));
	if (deed->done > 0)
		log_info(ask->pipeline, "%s %s %lld of %zu that were given up on", deed->by,
			fn == retry_items ? "put back" : "discarded", (long long)deed->done,
			ask->id_count);
	return ok;
}

static bool act(struct deed *deed, struct error *err)
{
	const struct ask *ask = deed->ask;
	const struct dead_filter one = {
		.older_ms = -1, .newer_ms = -1, .ids = ask->ids, .id_count = 1
	};

	if (ask->action == ASK_LIST)
		return list(deed, err);
	if (ask->action == ASK_SHOW)
		return dead_each(&deed->dead, &one, SHOWN_BYTES, show_item, deed, err);
	return change(deed, ask->action == ASK_RETRY ? retry_items : discard_items, err);
}

static bool with_pile(
	struct deed *deed, const struct config *config, struct stop *stop, struct error *err)
{
	struct dead_piles piles = { 0 };
	const struct dead_pile *pile = NULL;

	bool ok = dead_piles_of_config(config, deed->ask->pipeline, &piles, err);
	for (size_t i = 0; i < piles.count; i++)
		if (piles.items[i].is_sink == deed->ask->is_sink)
			pile = &piles.items[i];
	if (ok && !pile)
		ok = error_set(err, ERROR_USAGE, "the config has no %s \"%.80s\"",
			deed->ask->is_sink ? "sink" : "relay", deed->ask->pipeline);
	ok = ok && dead_open(&deed->dead, pile, stop, err) && act(deed, err);
	dead_close(&deed->dead);
	dead_piles_finish(&piles);
	return ok;
}

/* --- pausing --- */

static bool pause_or_resume(
	struct deed *deed, const struct config *config, struct stop *stop, struct error *err)
{
	const struct ask *ask = deed->ask;
	bool pause = ask->action == ASK_PAUSE, changed = false;
	struct named named;
	char name[128];

	snprintf(name, sizeof(name), "%s:%.100s", ask->is_sink ? "sink" : "relay", ask->pipeline);
	bool ok = named_open(name, NULL, config, stop, &named, err) &&
		(pause ? lease_pause(named.db, named.resource, deed->by, NULL, &changed, err)
		       : lease_resume(named.db, named.resource, &changed, err));
	named_close(&named);
	json_object_set_new(deed->answer, "paused", json_boolean(pause));
	json_object_set_new(deed->answer, "changed", json_boolean(changed));
	if (changed)
		log_info(ask->pipeline, "%s by %s", pause ? "paused" : "resumed", deed->by);
	return ok;
}

static unsigned status_of(enum error_kind kind)
{
	static const unsigned statuses[] = { [ERROR_NONE] = 500,
		[ERROR_USAGE] = 400,
		[ERROR_SCHEMA] = 500,
		[ERROR_UNAVAILABLE] = 503,
		[ERROR_CONFLICT] = 409,
		[ERROR_REJECTED] = 404,
		[ERROR_STOPPED] = 503,
		[ERROR_INTERNAL] = 500 };

	return statuses[kind];
}

json_t *deed_do(const struct config *config, const struct ask *ask, const char *by,
	struct stop *stop, unsigned *status)
{
	struct deed deed = { .ask = ask, .by = by, .answer = new_answer(ask) };
	bool pausing = ask->action == ASK_PAUSE || ask->action == ASK_RESUME;
	struct error err = { 0 };

	*status = 200;
	if (pausing ? pause_or_resume(&deed, config, stop, &err)
		    : with_pile(&deed, config, stop, &err))
		return deed.answer;
	*status = status_of(err.kind);
	json_decref(deed.answer);
	return deed_error(err.text);
}
