/* Statements with the words of a plan in them. */
#include "sink/statement.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

enum word {
	NUMBER,
	TABLE,
	COLUMNS,
	VALUES,
	ARRAYS,
	NAMES,
	CELLS,
	KEY,
	KEY_TEXT,
	KEY_COLUMNS,
	SAME_KEY,
	SET,
	NEWER_THAN_ROW,
	NEWER_THAN_T,
	IN_ORDER,
	BESIDE,
	WORDS
};

static const char *const names[WORDS] = { [NUMBER] = "n",
	[TABLE] = "table",
	[COLUMNS] = "columns",
	[VALUES] = "values",
	[ARRAYS] = "arrays",
	[NAMES] = "names",
	[CELLS] = "cells",
	[KEY] = "key",
	[KEY_TEXT] = "key_text",
	[KEY_COLUMNS] = "key_columns",
	[SAME_KEY] = "same_key",
	[SET] = "set",
	[NEWER_THAN_ROW] = "newer_than_row",
	[NEWER_THAN_T] = "newer_than_t",
	[IN_ORDER] = "in_order",
	[BESIDE] = "beside" };

struct text {
	enum db_kind kind;
	const struct plan *plan;
	struct buf words[WORDS];
};

bool statement_compares(const struct plan *plan, bool in_order)
{
	return !in_order || plan->own_version;
}

bool statement_beside(const struct plan *plan, bool in_order)
{
	return statement_compares(plan, in_order) && plan->version_column == PLAN_NONE;
}

bool statement_knows(const struct plan *plan)
{
	return plan->mode != SINK_UPSERT || plan->own_version || plan->version_column != PLAN_NONE;
}

static void separate(struct buf *list, const char *by)
{
	if (list->size > 0)
		buf_add_text(list, by);
}

static void add_name(struct buf *list, const char *name)
{
	buf_add_char(list, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_add_char(list, '"');
		buf_add_char(list, *name);
	}
	buf_add_char(list, '"');
}

/* A column's value where the rows are those that are to be stored. */
static void add_cell(const struct text *text, struct buf *list, size_t i)
{
	buf_format(list, text->kind == DB_SQLITE ? "?%zu" : "n.c%zu", i + 1);
}

static void add_array(
	struct text *text, struct statement_place *place, const char *type, const char *name)
{
	separate(&text->words[ARRAYS], ", ");
	buf_format(&text->words[ARRAYS], "$%zu::%s[]", place->parameter++, type);
	separate(&text->words[NAMES], ", ");
	buf_add_text(&text->words[NAMES], name);
}

static void add_archive_arrays(struct text *text, struct statement_place *place)
{
	static const char *const arrays[][2] = { { "bigint", "seq" }, { "text", "subject" },
		{ "text", "key" }, { "text", "msg_id" }, { "text", "headers" },
		{ "bytea", "payload" }, { "timestamptz", "published_at" } };

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		add_array(text, place, arrays[i][0], arrays[i][1]);
}

static void add_mapped_arrays(struct text *text, struct statement_place *place)
{
	char name[32];

	add_array(text, place, "bigint", "seq");
	add_array(text, place, "bigint", "version");
	add_array(text, place, "boolean", "deleted");
	for (size_t i = 0; i < text->plan->column_count; i++) {
		const struct plan_column *column = &text->plan->columns[i];
		if (column->source.type == SOURCE_EPOCH)
			continue;
		snprintf(name, sizeof(name), "c%zu", i + 1);
		add_array(text, place, column->kind == COLUMN_BYTES ? "bytea" : "text", name);
		snprintf(name, sizeof(name), "m%zu", i + 1);
		if (column->own_default)
			add_array(text, place, "boolean", name);
	}
}

static void add_arrays(struct text *text, struct statement_place *place)
{
	buf_format(&text->words[NUMBER], "%zu", place->route++);
	if (text->plan->mode == SINK_ARCHIVE)
		add_archive_arrays(text, place);
	else
		add_mapped_arrays(text, place);
}

static void add_value_postgres(struct buf *list, const struct plan_column *column, size_t i)
{
	if (column->source.type == SOURCE_EPOCH)
		buf_format(list, "$8::bigint::%s", column->cast);
	else if (column->own_default)
		buf_format(list, "CASE WHEN e.m%zu THEN (%s) ELSE e.c%zu::%s END", i + 1,
			column->own_default, i + 1, column->cast);
	else
		buf_format(list, "e.c%zu::%s", i + 1, column->cast);
	buf_format(list, " AS c%zu", i + 1);
}

static void add_value_sqlite(
	const struct text *text, struct buf *list, const struct plan_column *column, size_t i)
{
	if (column->own_default)
		buf_format(list, "CASE WHEN ?%zu THEN (%s) ELSE ?%zu END",
			text->plan->column_count + i + 1, column->own_default, i + 1);
	else
		buf_format(list, "?%zu", i + 1);
}

static void add_key(struct text *text, size_t i)
{
	const char *name = text->plan->columns[i].name;

	separate(&text->words[KEY], ", ");
	buf_format(&text->words[KEY], "e.c%zu", i + 1);
	separate(&text->words[KEY_COLUMNS], ", ");
	add_name(&text->words[KEY_COLUMNS], name);
	separate(&text->words[SAME_KEY], " AND ");
	buf_add_text(&text->words[SAME_KEY], "t.");
	add_name(&text->words[SAME_KEY], name);
	buf_add_text(&text->words[SAME_KEY], " = ");
	add_cell(text, &text->words[SAME_KEY], i);
}

static void add_set(struct text *text, size_t i)
{
	separate(&text->words[SET], ", ");
	add_name(&text->words[SET], text->plan->columns[i].name);
	buf_add_text(&text->words[SET], " = excluded.");
	add_name(&text->words[SET], text->plan->columns[i].name);
}

static void add_column(struct text *text, size_t i)
{
	const struct plan_column *column = &text->plan->columns[i];

	separate(&text->words[COLUMNS], ", ");
	add_name(&text->words[COLUMNS], column->name);
	separate(&text->words[VALUES], ", ");
	if (text->kind == DB_SQLITE)
		add_value_sqlite(text, &text->words[VALUES], column, i);
	else
		add_value_postgres(&text->words[VALUES], column, i);
	separate(&text->words[CELLS], ", ");
	buf_format(&text->words[CELLS], "c%zu", i + 1);
	if (column->is_key)
		add_key(text, i);
	else
		add_set(text, i);
}

/* One side of the comparison of versions: the columns of t, of excluded, or the cells. */
static void add_side(const struct text *text, struct buf *list, const char *of, size_t i)
{
	if (!of) {
		add_cell(text, list, i);
		return;
	}
	buf_format(list, "%s.", of);
	add_name(list, text->plan->columns[i].name);
}

static void add_pair(const struct text *text, struct buf *list, const char *of)
{
	const struct plan *plan = text->plan;

	buf_add_char(list, '(');
	if (plan->epoch_column != PLAN_NONE) {
		add_side(text, list, of, plan->epoch_column);
		buf_add_text(list, ", ");
	}
	add_side(text, list, of, plan->version_column);
	buf_add_char(list, ')');
}

/* Where the table keeps the version; a row without one is older than any. */
static void add_newer(const struct text *text, struct buf *list, const char *than)
{
	if (text->plan->version_column == PLAN_NONE) {
		buf_add_text(list, "TRUE");
		return;
	}
	buf_add_char(list, '(');
	add_pair(text, list, "t");
	buf_add_text(list, " <= ");
	add_pair(text, list, than);
	buf_add_text(list, ") IS NOT FALSE");
}

/* A key as sink_version has it. */
static void add_key_text(struct text *text)
{
	struct buf *list = &text->words[KEY_TEXT];

	if (*text->plan->prefix)
		buf_format(list, "'%s' || ", text->plan->prefix); /* a table's name has no quotes */
	buf_format(list, "ROW(%s)::text", text->words[KEY].data ? text->words[KEY].data : "");
}

static void add_words(struct text *text, bool in_order, struct statement_place *place)
{
	char *quoted = db_quote_table(text->plan->table, NULL);

	buf_add_text(&text->words[TABLE], quoted ? quoted : "\"\"");
	free(quoted);
	for (size_t i = 0; i < text->plan->column_count; i++)
		add_column(text, i);
	for (size_t i = 0; text->words[SET].size == 0 && i < text->plan->column_count; i++)
		add_set(text, i); /* nothing but the key */
	add_key_text(text);
	if (place)
		add_arrays(text, place);
	if (text->plan->mode == SINK_UPSERT) {
		add_newer(text, &text->words[NEWER_THAN_ROW], NULL);
		add_newer(text, &text->words[NEWER_THAN_T], "excluded");
	}
	buf_add_text(&text->words[IN_ORDER],
		statement_compares(text->plan, in_order) ? "FALSE" : "TRUE");
	buf_add_text(
		&text->words[BESIDE], statement_beside(text->plan, in_order) ? "TRUE" : "FALSE");
}

char *statement_text(enum db_kind kind, enum statement statement, const struct plan *plan,
	bool in_order, struct statement_place *place)
{
	struct text text = { .kind = kind, .plan = plan };
	struct db_word words[WORDS];

	add_words(&text, in_order, place);
	for (size_t i = 0; i < WORDS; i++)
		words[i] =
			(struct db_word){ names[i], text.words[i].data ? text.words[i].data : "" };
	char *sql = db_statement_words(kind, statement, words, WORDS);
	for (size_t i = 0; i < WORDS; i++)
		buf_finish(&text.words[i]);
	return sql;
}
