/* An event as a row. Pure: everything it needs of the table stands in the plan. */
#include "sink/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

/* An event while its row is made. The first wants are the columns', one each, then the two of the plan. */
struct work {
	const struct plan *plan;
	struct arena *arena;
	struct table_event *event;
	struct paths_want *wants;
	size_t wanted;
};

static const char *say(struct arena *arena, const char *what, const char *name, const char *why)
{
	size_t room = strlen(what) + strlen(name) + strlen(why) + 4;
	char *text = arena_new(arena, room);

	snprintf(text, room, "%s%s: %s", what, name, why);
	return text;
}

static void want(struct work *work, const struct source *source)
{
	if (source->type == SOURCE_PATH)
		work->wants[work->wanted++] = (struct paths_want){ .steps = source->steps,
			.step_count = source->step_count };
}

/* Reads the payload once, for every path in it. */
static bool read_payload(struct work *work)
{
	const struct plan *plan = work->plan;
	const char *why;

	work->wants = arena_new(work->arena, (plan->column_count + 2) * sizeof(*work->wants));
	for (size_t i = 0; i < plan->column_count; i++)
		want(work, &plan->columns[i].source);
	want(work, &plan->version);
	want(work, &plan->delete_when);
	if (work->wanted == 0 ||
		paths_find(
			work->event->event.payload, work->wants, work->wanted, work->arena, &why))
		return true;
	work->event->fault = say(work->arena, "the payload is no JSON", "", why);
	return false;
}

static struct slice found(const struct work *work, const struct source *source)
{
	for (size_t i = 0; i < work->wanted; i++)
		if (work->wants[i].steps == source->steps)
			return work->wants[i].found;
	return (struct slice){ NULL, 0 };
}

/* The first value of a header; data NULL: it is not there. */
static struct slice find_header(
	const struct work *work, const struct source_step *name, const char **why)
{
	struct source_step steps[2] = { *name, { 0 } };
	struct paths_want wants[2] = { { .steps = steps, .step_count = 1 },
		{ .steps = steps, .step_count = 2 } };
	struct slice headers = work->event->event.headers, text = { NULL, 0 };

	if (!headers.data || !paths_find(headers, wants, 2, work->arena, why))
		return text;
	struct slice written = wants[1].found.data ? wants[1].found : wants[0].found;
	if (written.data && written.data[0] == '"')
		paths_text(written, work->arena, &text, why);
	return text;
}

/* Token n of a subject, counted from 0. */
static struct slice token(struct slice subject, int64_t n)
{
	const char *at = subject.data, *end = subject.data + subject.size;

	for (;;) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		if (n == 0)
			return (struct slice){ at, (size_t)((dot ? dot : end) - at) };
		if (!dot)
			return (struct slice){ NULL, 0 };
		at = dot + 1;
		n--;
	}
}

static struct slice number(const struct work *work, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return (struct slice){ arena_copy(work->arena, text, strlen(text)), strlen(text) };
}

static struct slice time_of(const struct work *work)
{
	char text[VALUE_TIME_SIZE];
	int64_t us = work->event->time_ns / 1000;

	if (work->plan->strict) /* as the archive has it */
		us -= us % 1000;
	if (!value_format_time(us, text))
		return (struct slice){ NULL, 0 };
	return (struct slice){ arena_copy(work->arena, text, strlen(text)), strlen(text) };
}

static void set(struct value *value, enum value_type type, struct slice text)
{
	*value = (struct value){ text.data ? type : VALUE_MISSING, text };
}

/* What an event has for a source that is not a constant. False: why says why it is none. */
static bool take(
	const struct work *work, const struct source *source, struct value *value, const char **why)
{
	const struct event *event = &work->event->event;

	switch (source->type) {
	case SOURCE_PATH:
		return value_of_json(found(work, source), work->arena, value, why);
	case SOURCE_SUBJECT:
		set(value, VALUE_STRING, event->subject);
		return true;
	case SOURCE_TOKEN:
		set(value, VALUE_STRING, token(event->subject, source->token));
		return true;
	case SOURCE_KEY:
		set(value, VALUE_STRING, event->key);
		return true;
	case SOURCE_MSG_ID:
		set(value, VALUE_STRING, event->id);
		return true;
	case SOURCE_STREAM:
		set(value, VALUE_STRING, slice_of(work->plan->stream));
		return true;
	case SOURCE_SEQ:
		set(value, VALUE_NUMBER, number(work, work->event->seq));
		return true;
	case SOURCE_TIME:
		set(value, VALUE_LITERAL, time_of(work));
		return true;
	case SOURCE_PAYLOAD:
		set(value, VALUE_BYTES,
			event->payload.data ? event->payload : (struct slice){ "", 0 });
		return true;
	case SOURCE_HEADERS:
		set(value, VALUE_JSON, event->headers);
		return true;
	case SOURCE_HEADER:
		set(value, VALUE_STRING, find_header(work, &source->steps[0], why));
		return true;
	case SOURCE_CONSTANT:
	case SOURCE_EPOCH:
		break;
	}
	*value = (struct value){ VALUE_MISSING, { NULL, 0 } };
	return true;
}

static bool fill_cell(const struct work *work, const struct plan_column *column, struct cell *cell,
	const char **why)
{
	struct value value;

	if (column->source.type == SOURCE_EPOCH) {
		*cell = (struct cell){ .type = CELL_EPOCH };
		return true;
	}
	if (column->constant)
		value = (struct value){ VALUE_LITERAL, slice_of(column->constant) };
	else if (!take(work, &column->source, &value, why))
		return false;
	if (value.type == VALUE_MISSING && column->fallback)
		value = (struct value){ VALUE_LITERAL, slice_of(column->fallback) };
	if (!value_fit(&value, column->kind, work->plan->strict, work->arena, cell, why))
		return false;
	if (cell->type == CELL_MISSING && !column->own_default)
		cell->type = CELL_NULL;
	bool needed = column->is_key ? cell->type == CELL_NULL || cell->type == CELL_MISSING
				     : cell->type == CELL_NULL && column->not_null;
	if (!needed)
		return true;
	*why = value.type == VALUE_NULL ? "it is null in the event, and may not be"
					: "it is missing in the event";
	return false;
}

static bool fill_cells(struct work *work)
{
	const struct plan *plan = work->plan;
	bool deletes = work->event->action == TABLE_DELETE;
	struct cell *cells = arena_new(work->arena, plan->column_count * sizeof(*cells));
	const char *why = NULL;

	for (size_t i = 0; i < plan->column_count; i++) {
		cells[i] = (struct cell){ .type = CELL_NULL };
		if (deletes && !plan->columns[i].is_key && i != plan->version_column)
			continue;
		if (fill_cell(work, &plan->columns[i], &cells[i], &why))
			continue;
		work->event->fault = say(work->arena, "column ", plan->columns[i].name, why);
		return false;
	}
	work->event->cells = cells;
	return true;
}

/* A version is a whole number, or a time. */
static bool find_version(struct work *work)
{
	struct value value;
	const char *why = "it is no whole number of 64 bits and no time";
	bool exact;

	if (!work->plan->own_version) {
		work->event->version = work->event->seq;
		return true;
	}
	if (work->plan->version.type == SOURCE_TIME) {
		work->event->version = work->event->time_ns / 1000;
		return true;
	}
	if (take(work, &work->plan->version, &value, &why)) {
		if (value.type == VALUE_MISSING || value.type == VALUE_NULL)
			why = "it is missing in the event";
		else if ((value_decimal(value.text, 0, &work->event->version, &exact) && exact) ||
			value_time(value.text, &work->event->version))
			return true;
	}
	work->event->fault = say(work->arena, "version", "", why);
	return false;
}

static bool is_delete(const struct work *work)
{
	const struct plan *plan = work->plan;
	struct value value;
	const char *ignored;

	return plan->delete_equals && take(work, &plan->delete_when, &value, &ignored) &&
		value.type != VALUE_MISSING && value.type != VALUE_NULL &&
		slice_is(value.text, plan->delete_equals);
}

static bool is_replay(const struct work *work)
{
	const struct source_step name = { .name = HEADER_REPLAY };
	const char *ignored;

	return find_header(work, &name, &ignored).data != NULL;
}

void row_map(const struct plan *plan, struct arena *arena, struct table_event *event)
{
	struct work work = { .plan = plan, .arena = arena, .event = event };

	event->action = TABLE_STORE;
	if (plan->mode == SINK_ARCHIVE)
		return;
	if (plan->skip_replays && is_replay(&work)) {
		event->action = TABLE_SKIP;
		return;
	}
	if (plan->tombstones && event->event.payload.size == 0)
		event->action = TABLE_DELETE;
	else if (!read_payload(&work))
		return;
	else if (is_delete(&work))
		event->action = TABLE_DELETE;
	event->version = event->time_ns; /* with the sequence it tells an event from all others */
	if (plan->mode == SINK_UPSERT && !find_version(&work))
		return;
	fill_cells(&work);
}
