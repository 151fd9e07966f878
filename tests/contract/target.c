/* A sink that maps, over a table of the test's own. */
#include "target.h"

#include "db/migrate.h"

static int databases;

static void migrate(const char *url, const char *archive)
{
	struct migrate_report report;
	struct error err;
	struct db *db = db_create(url, "test", NULL, &err);

	if (!db || !db_open(db, true, &err) ||
		!migrate_apply(db, MIGRATE_EVENTS, archive, &report, &err))
		give_up("%s", err.text);
	db_destroy(db);
}

/* A database with these tables of the test's own; its URL. */
static char *prepare(struct target *target, bool postgres, const char *tables)
{
	char *name = text("target%d", ++databases);

	if (postgres)
		pg_server_make_database(&server, name);
	char *url = postgres ? pg_server_url(&server, name)
			     : text("sqlite:%s", scratch_path("%s.db", name));
	migrate(url, postgres ? "dray.events" : "dray_events");
	target->look = testdb_open(url);
	testdb_exec(target->look, "%s", tables);
	load_init(&target->load, 10000, 1);
	return url;
}

struct target target_make(
	bool postgres, const char *mode, const char *table_sqlite, const char *table_postgres)
{
	struct target target = { 0 };
	char *url = prepare(&target, postgres, postgres ? table_postgres : table_sqlite);

	target.config = config_default();
	target.sink = config_add_sink(target.config, "mapped", url, "SHOP");
	target_set(&target, "mode", mode);
	target_set(&target, "table", "t");
	return target;
}

struct target target_make_several(bool postgres, const char *tables, const char *settings)
{
	struct target target = { 0 };
	char *url = prepare(&target, postgres, tables);
	char *file = scratch_path("target%d.yaml", databases);
	struct error err;

	file_write(file,
		text("sinks:\n  - name: mapped\n    database: %s\n    stream: SHOP\n%s", url,
			settings));
	target.config = config_load(file, NULL, &err);
	if (!target.config)
		give_up("%s", err.text);
	target.sink = &target.config->sinks[0];
	return target;
}

void target_set(struct target *target, const char *key, const char *value)
{
	struct error err;

	if (!config_set(target->sink, "sink", key, value, &err))
		give_up("%s", err.text);
}

bool target_try_open(struct target *target, struct error *err)
{
	if (!config_check_sink(target->sink, err))
		give_up("%s", err->text);
	if (!target->table)
		target->table = table_create(target->sink, NULL, err);
	if (!target->table || !table_open(target->table, err))
		return false;
	target->load.routes = table_routes(target->table);
	return table_take(target->table, err);
}

void target_open(struct target *target)
{
	struct error err;
	bool found;

	if (!target_try_open(target, &err) ||
		!table_load(target->table, &found, &target->position, &err))
		give_up("%s", err.text);
	if (!found && !table_begin(target->table, "then", 0, &target->position, &err))
		give_up("%s", err.text);
}

void target_drop(struct target *target)
{
	load_finish(&target->load);
	table_destroy(target->table);
	config_destroy(target->config);
	testdb_close(target->look);
}

void target_add(struct target *target, int64_t seq, const char *key, const char *headers,
	const char *payload)
{
	target_add_to(target, seq, "shop.order.eu", key, headers, payload);
}

void target_add_to(struct target *target, int64_t seq, const char *subject, const char *key,
	const char *headers, const char *payload)
{
	const struct pull_message message = { .subject = slice_of(subject),
		.key = slice_of(key),
		.headers = slice_of(headers),
		.payload = slice_of(payload),
		.seq = (uint64_t)seq,
		.time_ns = INT64_C(1700000000123456789) };

	load_add(&target->load, &message);
}

bool target_try_store(struct target *target, struct error *err)
{
	return load_store(&target->load, target->table, &target->position, err);
}

size_t target_store(struct target *target)
{
	struct error err;

	if (!target_try_store(target, &err))
		give_up("%s", err.text);
	size_t dead = load_dead(&target->load);
	load_clear(&target->load);
	return dead;
}

struct rows {
	char *text;
	int columns;
};

static void add_row(void *context, const char *const *cells)
{
	struct rows *rows = context;

	for (int i = 0; i < rows->columns; i++)
		rows->text = text("%s%s%s", rows->text, i ? "|" : "", cells[i] ? cells[i] : "~");
	rows->text = text("%s;", rows->text);
}

char *target_rows(struct target *target, const char *query)
{
	struct rows rows = { text("%s", ""), 1 };
	int depth = 0;

	for (const char *c = query; *c && strncmp(c, " FROM ", 6) != 0; c++) {
		depth += (*c == '(') - (*c == ')');
		rows.columns += *c == ',' && depth == 0;
	}
	testdb_each(target->look, add_row, &rows, query);
	return rows.text;
}

char *target_dead(struct target *target)
{
	return target_rows(target,
		text("SELECT seq, error FROM %s ORDER BY epoch, seq",
			testdb_table(target->look, "sink_dead")));
}
