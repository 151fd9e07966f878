/* The columns of a table, and what must hold between them and its other settings. No I/O. */
#include "config_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/units.h"
#include "config_check.h"
#include "source.h"

struct config_column *columns_add(
	struct config_columns *columns, const char *name, int line, struct error *err)
{
	if (!check_column_name(name, err)) {
		error_prefix(err, "columns");
		return NULL;
	}
	if (columns_find(columns, name) || columns->count == CONFIG_COLUMNS_MAX) {
		error_set(err, ERROR_USAGE,
			columns->count == CONFIG_COLUMNS_MAX ? "columns: more than %d of them"
							     : "columns: one is there twice",
			CONFIG_COLUMNS_MAX);
		return NULL;
	}
	columns->items =
		memory_grow(columns->items, (columns->count + 1) * sizeof(*columns->items));
	struct config_column *column = &columns->items[columns->count++];
	*column = (struct config_column){ .name = memory_text(name), .line = line };
	return column;
}

static bool unknown_member(
	const struct config_column *column, const char *member, struct error *err)
{
	static const char *const members[] = { "from", "value", "default", NULL };
	const char *near = units_near_miss(member, members);

	return error_set(err, ERROR_USAGE,
		"columns.%.80s: unknown key \"%.80s\"%s%s%s; a column has from and default, or value",
		column->name, member, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

bool columns_set(
	struct config_column *column, const char *member, const char *text, struct error *err)
{
	bool from = strcmp(member, "from") == 0;
	char **place = from			 ? &column->from
		: strcmp(member, "value") == 0	 ? &column->value
		: strcmp(member, "default") == 0 ? &column->fallback
						 : NULL;

	if (!place)
		return unknown_member(column, member, err);
	if (from && !check_source(text, err))
		return error_prefix(err, "columns.%.80s", column->name);
	free(*place);
	*place = memory_text(text);
	return true;
}

bool columns_check(const struct config_column *column, struct error *err)
{
	if (!column->from == !column->value)
		return error_set(err, ERROR_USAGE,
			"columns.%.80s: it has either from, a source, or value, a constant",
			column->name);
	return !column->value || !column->fallback ||
		error_set(err, ERROR_USAGE, "columns.%.80s: a constant needs no default",
			column->name);
}

const struct config_column *columns_find(const struct config_columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (strcmp(columns->items[i].name, name) == 0)
			return &columns->items[i];
	return NULL;
}

static void finish(struct config_column *column)
{
	free(column->name);
	free(column->from);
	free(column->value);
	free(column->fallback);
}

void columns_remove(struct config_columns *columns, size_t i)
{
	finish(&columns->items[i]);
	columns->count--;
	memmove(&columns->items[i], &columns->items[i + 1],
		(columns->count - i) * sizeof(*columns->items));
}

void columns_finish(struct config_columns *columns)
{
	for (size_t i = 0; i < columns->count; i++)
		finish(&columns->items[i]);
	free(columns->items);
	*columns = (struct config_columns){ 0 };
}

static bool belongs(const char *key, bool set, const char *to, const char *mode, struct error *err)
{
	return !set ||
		error_set(err, ERROR_USAGE, "%s: belongs to mode %s, and here it is %s", key, to,
			mode);
}

static bool check_mode(const struct config_table *table, struct error *err)
{
	static const char *const modes[] = { "archive", "insert", "upsert" };
	const char *mode = modes[table->mode];
	bool deletes =
		table->delete_when.header || table->delete_when.from || table->delete_when.equals;

	if (table->mode == SINK_ARCHIVE &&
		(!belongs("columns", table->columns.count > 0, "insert or upsert", mode, err) ||
			!belongs("create", table->create == CONFIG_TRUE, "insert or upsert", mode,
				err)))
		return false;
	return table->mode == SINK_UPSERT ||
		(belongs("key", table->key.count > 0, "upsert", mode, err) &&
			belongs("version", strcmp(table->version, "@seq") != 0, "upsert", mode,
				err) &&
			belongs("delete_when", deletes, "upsert", mode, err) &&
			belongs("tombstones", table->tombstones == CONFIG_TRUE, "upsert", mode,
				err));
}

static bool check_target(const struct config_table *table, const char *archive, struct error *err)
{
	if (!table->table || (archive && strcmp(table->table, archive) == 0))
		return error_set(err, ERROR_USAGE,
			"table: what is not an archive needs the name of your table");
	for (size_t i = 0; i < table->columns.count; i++)
		if (table->columns.items[i].line == 0 &&
			!columns_check(&table->columns.items[i], err))
			return false; /* those of a file were checked with their line */
	return table->columns.count > 0 ||
		error_set(err, ERROR_USAGE,
			"columns: what is not an archive needs them, as COLUMN: SOURCE");
}

static bool check_delete_when(const struct config_delete_when *when, struct error *err)
{
	if (!when->header && !when->from && !when->equals)
		return true;
	if (!when->header == !when->from)
		return error_set(err, ERROR_USAGE,
			"delete_when: it has either header, a name, or from, a source");
	return when->equals ||
		error_set(err, ERROR_USAGE, "delete_when: needs equals, the value that deletes");
}

static bool needs_payload(const char *text)
{
	struct source source;

	if (!text || !source_parse(text, &source, NULL))
		return false;
	bool needs = source_needs_payload(&source);
	source_finish(&source);
	return needs;
}

static bool check_key(const struct config_table *table, const char *name, struct error *err)
{
	const struct config_column *column = columns_find(&table->columns, name);
	size_t times = 0;

	for (size_t i = 0; i < table->key.count; i++)
		times += strcmp(table->key.items[i], name) == 0;
	if (times > 1)
		return error_set(err, ERROR_USAGE, "key: \"%.80s\" is there twice", name);
	if (!column)
		return error_set(err, ERROR_USAGE,
			"key: \"%.80s\" is none of the columns; give it a source there", name);
	if (table->tombstones == CONFIG_TRUE && needs_payload(column->from))
		return error_set(err, ERROR_USAGE,
			"tombstones: an empty payload has no %.80s for the key \"%.80s\"; take it from "
			"@key, @subject[N] or a header",
			column->from, name);
	return true;
}

static bool check_upsert(const struct config_table *table, struct error *err)
{
	if (table->key.count == 0)
		return error_set(err, ERROR_USAGE,
			"key: mode upsert needs it, the columns that tell one row from another");
	for (size_t i = 0; i < table->key.count; i++)
		if (!check_key(table, table->key.items[i], err))
			return false;
	if (table->tombstones == CONFIG_TRUE && needs_payload(table->version))
		return error_set(err, ERROR_USAGE,
			"tombstones: an empty payload has no %.80s for the version; take it from a "
			"header, or leave it @seq",
			table->version);
	return check_delete_when(&table->delete_when, err);
}

bool columns_check_table(const struct config_table *table, const char *archive, struct error *err)
{
	if (!check_mode(table, err))
		return false;
	if (table->mode == SINK_ARCHIVE)
		return true;
	return check_target(table, archive, err) &&
		(table->mode != SINK_UPSERT || check_upsert(table, err));
}
