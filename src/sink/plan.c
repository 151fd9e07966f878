/* The columns of a table, resolved against its catalogue. Pure. */
#include "sink/plan.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/memory.h"

struct work {
	const struct config_table *config;
	const struct catalogue *catalogue;
	struct plan *plan;
};

static bool same_name(const struct catalogue *catalogue, const char *a, const char *b)
{
	return (catalogue->any_case ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

static const struct catalogue_column *find_column(
	const struct catalogue *catalogue, const char *name)
{
	for (size_t i = 0; i < catalogue->column_count; i++)
		if (same_name(catalogue, catalogue->columns[i].name, name))
			return &catalogue->columns[i];
	return NULL;
}

static const struct config_column *find_source(const struct work *work, const char *name)
{
	for (size_t i = 0; i < work->config->columns.count; i++)
		if (same_name(work->catalogue, work->config->columns.items[i].name, name))
			return &work->config->columns.items[i];
	return NULL;
}

static char *copy(struct plan *plan, const char *text)
{
	return text ? arena_copy(&plan->arena, text, strlen(text)) : NULL;
}

static bool names_key(const struct work *work, const char *name)
{
	for (size_t i = 0; i < work->config->key.count; i++)
		if (same_name(work->catalogue, work->config->key.items[i], name))
			return true;
	return false;
}

/* What can never be right for any event. */
static bool suits(const struct plan_column *column, const char *table, struct error *err)
{
	enum source_type type = column->source.type;
	enum column_kind kind = column->kind;
	bool number = type == SOURCE_SEQ || type == SOURCE_EPOCH;
	bool ok = true;

	if (type == SOURCE_TIME)
		ok = kind == COLUMN_TIME || kind == COLUMN_TEXT || kind == COLUMN_OTHER;
	else if (number)
		ok = kind != COLUMN_BOOLEAN && kind != COLUMN_TIME && kind != COLUMN_BYTES;
	else if (type == SOURCE_HEADERS)
		ok = kind == COLUMN_JSON || kind == COLUMN_TEXT || kind == COLUMN_OTHER;
	return ok ||
		error_set(err, ERROR_SCHEMA,
			"columns.%.80s: %s does not go into a column of type %.80s of %.80s",
			column->name,
			type == SOURCE_TIME		 ? "@time"
				: type == SOURCE_HEADERS ? "@headers"
				: type == SOURCE_SEQ	 ? "@seq"
							 : "@epoch",
			column->type, table);
}

static bool fill_column(struct work *work, const struct config_column *config,
	const struct catalogue_column *found, struct error *err)
{
	struct plan *plan = work->plan;
	struct plan_column *column = &plan->columns[plan->column_count++];

	*column = (struct plan_column){ .name = copy(plan, found->name),
		.type = copy(plan, found->type),
		.cast = copy(plan, found->cast),
		.own_default = config->fallback ? NULL : copy(plan, found->fallback),
		.fallback = config->fallback,
		.constant = config->value,
		.kind = found->kind,
		.not_null = found->not_null,
		.is_key = names_key(work, found->name) };
	if (config->from && !source_parse(config->from, &column->source, err))
		return false;
	if (column->source.type == SOURCE_PAYLOAD && column->kind == COLUMN_JSON)
		column->source.type = SOURCE_PATH; /* it has to be JSON, then */
	return suits(column, work->catalogue->table, err);
}

static bool add_column(struct work *work, const struct config_column *config, struct error *err)
{
	const struct catalogue_column *found = find_column(work->catalogue, config->name);

	if (!found)
		return error_set(err, ERROR_SCHEMA,
			"columns.%.80s: the table %.80s has no such column; add it to the table, or take "
			"it out of the config",
			config->name, work->catalogue->table);
	if (found->made)
		return error_set(err, ERROR_SCHEMA,
			"columns.%.80s: the database itself makes the values of this column of %.80s; "
			"take it out of the config",
			config->name, work->catalogue->table);
	for (size_t i = 0; i < work->plan->column_count; i++)
		if (strcmp(work->plan->columns[i].name, found->name) == 0)
			return error_set(err, ERROR_SCHEMA,
				"columns.%.80s: the column is there twice", config->name);
	return fill_column(work, config, found, err);
}

static bool check_unmapped(const struct work *work, struct error *err)
{
	for (size_t i = 0; i < work->catalogue->column_count; i++) {
		const struct catalogue_column *column = &work->catalogue->columns[i];
		if (column->not_null && !column->fallback && !column->made &&
			!find_source(work, column->name))
			return error_set(err, ERROR_SCHEMA,
				"columns: the column %.80s of %.80s may not be NULL, and has neither a "
				"source nor a default of its own; give it one",
				column->name, work->catalogue->table);
	}
	return true;
}

/* Whether the columns of one index, from key i on, are those of the config; *end: behind them. */
static bool is_key(const struct work *work, size_t i, size_t *end)
{
	const struct catalogue_key *keys = work->catalogue->keys;
	size_t matching = 0;

	for (*end = i;
		*end < work->catalogue->key_count && strcmp(keys[*end].index, keys[i].index) == 0;
		++*end)
		matching += names_key(work, keys[*end].column);
	return matching == *end - i && matching == work->config->key.count;
}

static bool check_key(const struct work *work, struct error *err)
{
	struct buf list = { 0 };
	size_t end;

	for (size_t i = 0; i < work->catalogue->key_count; i = end)
		if (is_key(work, i, &end))
			return true;
	for (size_t i = 0; i < work->config->key.count; i++)
		buf_format(&list, "%s%s", i ? ", " : "", work->config->key.items[i]);
	error_set(err, ERROR_SCHEMA,
		"key: the table %.80s has no unique index on just (%.200s); make one: CREATE UNIQUE INDEX "
		"ON %.80s (%.200s)",
		work->catalogue->table, list.data, work->catalogue->table, list.data);
	buf_finish(&list);
	return false;
}

/* Where the table itself keeps what an event's version is compared with. */
static void find_version(struct plan *plan)
{
	for (size_t i = 0; i < plan->column_count; i++) {
		struct plan_column *column = &plan->columns[i];
		if (column->is_key)
			continue;
		if (source_same(&column->source, &plan->version))
			plan->version_column = i;
		if (column->source.type == SOURCE_EPOCH)
			plan->epoch_column = i;
	}
	/* A stream made anew counts from 1 again. */
	if (!plan->own_version && plan->epoch_column == PLAN_NONE)
		plan->version_column = PLAN_NONE;
}

static bool add_upsert(struct work *work, struct error *err)
{
	const struct config_delete_when *when = &work->config->delete_when;
	struct plan *plan = work->plan;
	struct buf text = { 0 };

	plan->tombstones = work->config->tombstones == CONFIG_TRUE;
	plan->delete_equals = when->equals;
	if (when->header)
		buf_format(&text, "@header.%s", when->header);
	else if (when->from)
		buf_add_text(&text, when->from);
	bool ok = source_parse(work->config->version, &plan->version, err) &&
		(!text.data || source_parse(text.data, &plan->delete_when, err)) &&
		check_key(work, err);
	buf_finish(&text);
	plan->own_version = plan->version.type != SOURCE_SEQ;
	if (ok)
		find_version(plan);
	return ok;
}

static bool build(struct work *work, struct error *err)
{
	const struct config_columns *columns = &work->config->columns;

	if (work->catalogue->column_count == 0)
		return error_set(err, ERROR_SCHEMA,
			"the table %.80s does not exist; create it, or correct table:",
			work->catalogue->table);
	for (size_t i = 0; i < columns->count; i++)
		if (!add_column(work, &columns->items[i], err))
			return false;
	return check_unmapped(work, err) &&
		(work->plan->mode != SINK_UPSERT || add_upsert(work, err));
}

/* Those of a sink with one table have none, as ever. */
static const char *prefix_of(
	const struct config_sink *sink, const struct config_table *config, struct arena *arena)
{
	size_t size = strlen(config->table);

	if (sink->table_count == 0)
		return "";
	char *prefix = arena_new(arena, size + 2);
	memcpy(prefix, config->table, size);
	memcpy(prefix + size, " ", 2);
	return prefix;
}

struct plan *plan_create(const struct config_sink *sink, const struct config_table *config,
	const struct catalogue *catalogue, struct error *err)
{
	struct plan *plan = memory_new(sizeof(*plan));
	struct work work = { config, catalogue, plan };

	*plan = (struct plan){ .mode = config->mode,
		.table = config->table,
		.version_column = PLAN_NONE,
		.epoch_column = PLAN_NONE,
		.stream = sink->stream,
		.skip_replays = config->replays == SINK_REPLAYS_SKIP,
		.strict = catalogue->strict };
	arena_init(&plan->arena);
	plan->prefix = prefix_of(sink, config, &plan->arena);
	plan->columns =
		arena_new(&plan->arena, (config->columns.count + 1) * sizeof(*plan->columns));
	if (config->mode == SINK_ARCHIVE || build(&work, err))
		return plan;
	plan_destroy(plan);
	return NULL;
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->column_count; i++)
		source_finish(&plan->columns[i].source);
	source_finish(&plan->version);
	source_finish(&plan->delete_when);
	arena_finish(&plan->arena);
	free(plan);
}

bool plan_same(const struct plan *before, const struct plan *now, struct error *err)
{
	for (size_t i = 0; i < before->column_count && i < now->column_count; i++) {
		const struct plan_column *old = &before->columns[i], *new = &now->columns[i];
		if (strcmp(old->type, new->type) != 0)
			return error_set(err, ERROR_SCHEMA,
				"the column %.80s was of type %.80s and is %.80s now", old->name,
				old->type, new->type);
	}
	return true;
}
