/* What a database tells of a table. */
#include "sink/catalogue.h"

#include <stdlib.h>
#include <string.h>

enum column { NAME, TYPE, KIND, FALLBACK, NOT_NULL, MADE, FILLED, CAST };

static enum column_kind kind_of(const char *word)
{
	static const char *const words[] = { [COLUMN_TEXT] = "text",
		[COLUMN_INTEGER] = "integer",
		[COLUMN_NUMBER] = "number",
		[COLUMN_REAL] = "real",
		[COLUMN_BOOLEAN] = "boolean",
		[COLUMN_TIME] = "time",
		[COLUMN_JSON] = "json",
		[COLUMN_BYTES] = "bytes" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (enum column_kind)i;
	return COLUMN_OTHER;
}

static void fill_columns(
	const struct db_rows *rows, struct arena *arena, struct catalogue *catalogue)
{
	catalogue->column_count = rows->rows;
	catalogue->columns = arena_new(arena, (rows->rows + 1) * sizeof(*catalogue->columns));
	for (size_t i = 0; i < rows->rows; i++) {
		bool filled = db_cell(rows, i, FILLED)[0] == 't';
		catalogue->columns[i] = (struct catalogue_column){ .name = db_cell(rows, i, NAME),
			.type = db_cell(rows, i, TYPE),
			.cast = db_cell(rows, i, CAST),
			.fallback = db_cell(rows, i, FALLBACK),
			.kind = kind_of(db_cell(rows, i, KIND)),
			.not_null = db_cell(rows, i, NOT_NULL)[0] == 't' && !filled,
			.made = db_cell(rows, i, MADE)[0] == 't' };
	}
}

static void fill_keys(const struct db_rows *rows, struct arena *arena, struct catalogue *catalogue)
{
	catalogue->key_count = rows->rows;
	catalogue->keys = arena_new(arena, (rows->rows + 1) * sizeof(*catalogue->keys));
	for (size_t i = 0; i < rows->rows; i++)
		catalogue->keys[i] = (struct catalogue_key){ .index = db_cell(rows, i, 0),
			.column = db_cell(rows, i, 1) };
}

bool catalogue_read(struct db *db, const char *table, struct arena *arena,
	struct catalogue *catalogue, struct error *err)
{
	bool sqlite = db_kind(db) == DB_SQLITE;
	const char *dot = strchr(table, '.'), *name = dot ? dot + 1 : table;
	char *quoted = db_quote_table(table, err);
	struct db_rows columns, keys;

	*catalogue = (struct catalogue){ .table = table, .any_case = sqlite, .strict = sqlite };
	if (!quoted)
		return false;
	const char *parameter = sqlite ? name : quoted;
	bool ok = db_run(db, SQL_SINK_COLUMNS, NULL, &parameter, 1, arena, &columns, err) &&
		db_run(db, SQL_SINK_KEYS, NULL, &parameter, 1, arena, &keys, err);
	free(quoted);
	if (!ok)
		return false;
	fill_columns(&columns, arena, catalogue);
	fill_keys(&keys, arena, catalogue);
	return true;
}
