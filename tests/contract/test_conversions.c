/*
 * What becomes of each JSON value in each type of column, on both databases. docs/mapping.md has the same tables;
 * where they differ, this prints what it saw.
 */
#include "target.h"

static const char *const values[] = { "(missing)", "null", "\"abc\"", "\"12\"", "1", "12", "12.0",
	"12.50", "-0.1e-3", "9007199254740993", "12345678901234567890", "true", "\"true\"",
	"\"2026-01-31T13:00:00+01:00\"", "1769860800", "1769860800123", "1769860800.5",
	"[1, \"a\"]", "{\"a\": 1.0}", "\"\\u00e4\\u0000\"" };

#define VALUES (sizeof(values) / sizeof(values[0]))

static const char *const types[2][9] = { { "TEXT", "INTEGER", "REAL", "NUMERIC", "BOOLEAN",
						 "TIMESTAMP", "JSON", "BLOB", "" },
	{ "text", "bigint", "double precision", "numeric", "boolean", "timestamptz", "jsonb",
		"bytea", "uuid" } };

#define TYPES (sizeof(types[0]) / sizeof(types[0][0]))

struct seen {
	char *cells[VALUES][TYPES];
	size_t type;
};

static void see(void *context, const char *const *cells)
{
	struct seen *seen = context;

	seen->cells[atoi(cells[0]) - 1][seen->type] =
		cells[1] ? text("`%s`", cells[1]) : text("%s", "NULL");
}

static void store_all(struct target *target)
{
	for (size_t i = 0; i < VALUES; i++)
		target_add(target, (int64_t)i + 1, NULL, NULL,
			i ? text("{\"v\": %s}", values[i]) : "{}");
	target_store(target);
}

static void convert(struct seen *seen, bool postgres)
{
	const char *type = types[postgres][seen->type];
	char *table = text("CREATE TABLE t (id bigint, v %s)", type);
	struct target target = target_make(postgres, "insert", table, table);

	target_set(&target, "columns.id", "@seq");
	target_set(&target, "columns.v", "$.v");
	target_set(&target, "max_dead_ratio", "1");
	target_open(&target);
	store_all(&target);
	testdb_each(target.look, see, seen,
		postgres ? "SELECT id, v::text FROM t"
			 : "SELECT id, CASE typeof(v) WHEN 'real' THEN printf('%!.16g', v) "
			   "ELSE nullif(quote(v), 'NULL') END FROM t");
	char *dead = target_dead(&target);
	for (size_t i = 0; i < VALUES; i++) {
		if (seen->cells[i][seen->type])
			continue;
		assert_contains(dead, text("%zu|", i + 1));
		assert_contains(dead, "column v: ");
		seen->cells[i][seen->type] = text("%s", "aside");
	}
	target_drop(&target);
}

static char *draw(const struct seen *seen, bool postgres)
{
	char *out = text("| in the event |");
	for (size_t i = 0; i < TYPES; i++)
		out = text("%s %s |", out, *types[postgres][i] ? types[postgres][i] : "(no type)");
	out = text("%s\n|---|", out);
	for (size_t i = 0; i < TYPES; i++)
		out = text("%s---|", out);
	for (size_t i = 0; i < VALUES; i++) {
		out = text("%s\n| %s%s%s |", out, i ? "`" : "", values[i], i ? "`" : "");
		for (size_t k = 0; k < TYPES; k++)
			out = text("%s %s |", out, seen->cells[i][k]);
	}
	return text("%s\n", out);
}

static char *page(void)
{
	const char *here = __FILE__, *end = strstr(here, "tests/contract/");

	return file_read(text("%.*sdocs/mapping.md", (int)(end - here), here));
}

static void each_value_in_each_column(bool postgres)
{
	struct seen *seen = keep(calloc(1, sizeof(*seen)));

	for (seen->type = 0; seen->type < TYPES; seen->type++)
		convert(seen, postgres);
	char *table = draw(seen, postgres);
	if (!strstr(page(), table))
		give_up("docs/mapping.md does not have this table:\n%s", table);
}

ON_BOTH(each_value_in_each_column)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(each_value_in_each_column),
	};

	return cmocka_run_group_tests_name("conversions", tests, server_start, server_stop);
}
