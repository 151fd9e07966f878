/* A relay whose table Dray did not make: presets, texts with columns in them, and what goes together. No I/O. */
#include "config_borrowed.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_check.h"

static void give(char **place, const char *text)
{
	if (!*place)
		*place = memory_text(text);
}

static void use_debezium(struct config_borrowed *borrowed)
{
	static const char *const headers[] = { "id={id}", "type={type}" };

	give(&borrowed->id, "id");
	give(&borrowed->subject, "outbox.event.{aggregatetype}");
	give(&borrowed->key, "{aggregateid}");
	give(&borrowed->payload, "payload");
	if (borrowed->headers.count > 0)
		return;
	borrowed->headers.items = memory_new(sizeof(headers));
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		borrowed->headers.items[borrowed->headers.count++] = memory_text(headers[i]);
}

void borrowed_finish(struct config_relay *relay)
{
	struct config_borrowed *borrowed = &relay->borrowed;

	if (relay->preset == PRESET_DEBEZIUM)
		use_debezium(borrowed);
	if (borrowed->id && !borrowed->event_id) {
		borrowed->event_id = memory_format("{%s}", borrowed->id);
	}
}

/* The first of them that is set, although no id is. */
static const char *set_alone(const struct config_borrowed *b)
{
	return b->order		   ? "order"
		: b->event_id	   ? "event_id"
		: b->subject	   ? "subject"
		: b->key	   ? "key"
		: b->headers.count ? "headers"
		: b->payload	   ? "payload"
		: b->created_at	   ? "created_at"
		: b->state	   ? "state"
		: b->delivered_at  ? "delivered_at"
				   : NULL;
}

static bool check_own(const struct config_borrowed *b, struct error *err)
{
	const char *name = set_alone(b);

	if (name)
		return error_set(err, ERROR_USAGE,
			"columns.%s: needs columns.id, the column that tells rows apart", name);
	return (!b->pending_state && !b->delivered_state && !b->dead_state) ||
		error_set(err, ERROR_USAGE, "states: needs columns.state");
}

static bool check_marks(const struct config_relay *relay, struct error *err)
{
	const struct config_borrowed *b = &relay->borrowed;

	if (!b->state && (b->pending_state || b->delivered_state || b->dead_state))
		return error_set(err, ERROR_USAGE, "states: needs columns.state");
	if (relay->on_delivered == ON_DELIVERED_DELETE)
		return true;
	if (!b->state && !b->delivered_at)
		return error_set(err, ERROR_USAGE,
			"columns: nothing says how a delivered row is marked: name columns.state or "
			"columns.delivered_at, or set on_delivered: delete");
	return !b->state || b->delivered_state ||
		error_set(err, ERROR_USAGE, "columns.state: needs states.delivered");
}

bool borrowed_check(const struct config_relay *relay, struct error *err)
{
	const struct config_borrowed *b = &relay->borrowed;

	if (!b->id)
		return check_own(b, err);
	if (!relay->table)
		return error_set(err, ERROR_USAGE, "columns: needs table:, whose columns they are");
	if (!b->subject)
		return error_set(err, ERROR_USAGE, "columns.subject: is needed with columns.id");
	if (relay->retention_ms > 0)
		return error_set(err, ERROR_USAGE,
			"retention: not for a table that Dray did not make; use on_delivered: delete");
	if (relay->audit_every_ms > 0)
		return error_set(err, ERROR_USAGE,
			"audit: a table that Dray did not make does not say where its rows were stored");
	return check_marks(relay, err);
}

bool borrowed_next(const char **text, char *piece, bool *is_column)
{
	const char *c = *text;
	char *out = piece;

	*is_column = c[0] == '{' && c[1] != '{';
	if (*is_column) {
		for (c++; *c && *c != '}'; c++)
			*out++ = *c;
		c += *c == '}';
	} else {
		while (*c && (*c != '{' || c[1] == '{')) {
			c += (*c == '{' || *c == '}') && c[1] == *c;
			*out++ = *c++;
		}
	}
	*out = '\0';
	bool more = c != *text;
	*text = c;
	return more;
}

bool check_template(const char *value, struct error *err)
{
	char *piece = memory_new(strlen(value) + 1);
	const char *at = value;
	bool ok = true, is_column;

	while (ok && borrowed_next(&at, piece, &is_column))
		ok = !is_column ||
			(at[-1] == '}' && at - 2 >= value && check_column_name(piece, NULL));
	free(piece);
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is no text with {COLUMN} in it; a brace itself is written {{",
			value);
}

bool check_header_template(const char *value, struct error *err)
{
	const char *equal = strchr(value, '=');

	if (!equal || equal == value)
		return error_set(err, ERROR_USAGE, "\"%.80s\" is not NAME: TEXT", value);
	char *name = memory_copy(value, (size_t)(equal - value));
	bool ok = check_header_name(name, err) && check_template(equal + 1, err);
	free(name);
	return ok;
}
