/* Which rows and events that were given up on there may be: by the config, or by what a database knows. */
#include "dead.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cmd_common.h"

enum version_column { VERSION_TARGET = 1, VERSION_NAME = 3 };
enum pipeline_column { PIPELINE_NAME, PIPELINE_KIND, PIPELINE_RESOURCE = 4 };

static struct dead_pile *add(
	struct dead_piles *piles, const char *name, const char *database, bool is_sink)
{
	size_t size = (piles->count + 1) * sizeof(*piles->items);

	piles->items = memory_grow(piles->items, size);
	struct dead_pile *pile = &piles->items[piles->count++];
	*pile = (struct dead_pile){
		.name = memory_text(name), .database = database, .is_sink = is_sink
	};
	return pile;
}

static bool is_wanted(const char *wanted, const char *name)
{
	return !wanted || strcmp(wanted, name) == 0;
}

bool dead_piles_of_config(
	const struct config *config, const char *name, struct dead_piles *piles, struct error *err)
{
	*piles = (struct dead_piles){ 0 };
	for (size_t i = 0; i < config->relay_count; i++) {
		const struct config_relay *relay = &config->relays[i];
		if (!is_wanted(name, relay->name))
			continue;
		struct dead_pile *pile = add(piles, relay->name, relay->database, false);
		pile->table = memory_text(relay->table);
		pile->total_order = relay->ordering == ORDERING_STREAM;
		pile->borrowed = relay->borrowed.id != NULL;
	}
	for (size_t i = 0; i < config->sink_count; i++) {
		const struct config_sink *sink = &config->sinks[i];
		if (is_wanted(name, sink->name))
			add(piles, sink->name, sink->database, true)->sink = sink;
	}
	return piles->count > 0 || !name ||
		error_set(err, ERROR_USAGE, "the config has no relay and no sink \"%.80s\"", name);
}

/* A database while it is asked. */
struct reader {
	const char *url, *name, *table;
	struct db *db;
	struct arena arena;
	struct db_rows pipelines;
	struct dead_piles *piles;
};

static const char *relay_of(const struct reader *reader, const char *table)
{
	for (size_t i = 0; i < reader->pipelines.rows; i++)
		if (strcmp(db_cell(&reader->pipelines, i, PIPELINE_KIND), "relay") == 0 &&
			strcmp(db_cell(&reader->pipelines, i, PIPELINE_RESOURCE), table) == 0)
			return db_cell(&reader->pipelines, i, PIPELINE_NAME);
	return "-";
}

static bool add_outboxes(struct reader *reader, struct error *err)
{
	struct db_rows rows;

	if (!db_run(reader->db, SQL_SCHEMA_VERSIONS, NULL, NULL, 0, &reader->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++) {
		const char *table = db_cell(&rows, i, VERSION_TARGET);
		const char *name = relay_of(reader, table);
		if (strcmp(db_cell(&rows, i, VERSION_NAME), "outbox") == 0 &&
			is_wanted(reader->table, table) && is_wanted(reader->name, name))
			add(reader->piles, name, reader->url, false)->table = memory_text(table);
	}
	return true;
}

/* Their events can be stored again only where somebody says into which table. */
static bool describe_sinks(struct reader *reader, struct error *err)
{
	struct dead_piles *piles = reader->piles;
	size_t next = 0;

	piles->made = config_default();
	for (size_t i = 0; i < piles->count; i++) {
		const struct dead_pile *pile = &piles->items[i];
		if (pile->is_sink &&
			!config_set(config_add_sink(piles->made, pile->name, pile->database, ""),
				"sink", "table", reader->table, err))
			return error_prefix(err, "--table");
	}
	for (size_t i = 0; i < piles->count; i++)
		if (piles->items[i].is_sink)
			piles->items[i].sink = &piles->made->sinks[next++];
	return true;
}

static bool add_sinks(struct reader *reader, struct error *err)
{
	struct db_rows rows;

	if (!db_run(reader->db, SQL_DEAD_SINKS, NULL, NULL, 0, &reader->arena, &rows, err))
		return false;
	for (size_t i = 0; i < rows.rows; i++)
		if (is_wanted(reader->name, db_cell(&rows, i, 0)))
			add(reader->piles, db_cell(&rows, i, 0), reader->url, true);
	return !reader->table || describe_sinks(reader, err);
}

bool dead_piles_of_database(const char *url, const char *name, const char *table,
	struct dead_piles *piles, struct error *err)
{
	struct reader reader = { .url = url, .name = name, .table = table, .piles = piles };

	*piles = (struct dead_piles){ 0 };
	arena_init(&reader.arena);
	reader.db = cmd_open(url, false, err);
	bool ok = reader.db && migrate_check(reader.db, MIGRATE_CORE, NULL, err) &&
		db_run(reader.db, SQL_STATUS_PIPELINES, NULL, NULL, 0, &reader.arena,
			&reader.pipelines, err) &&
		add_outboxes(&reader, err) && add_sinks(&reader, err);
	if (ok && piles->count == 0 && name)
		ok = error_set(err, ERROR_USAGE, "%s knows no relay and no sink \"%.80s\"",
			db_label(reader.db), name);
	arena_finish(&reader.arena);
	db_destroy(reader.db);
	return ok;
}

void dead_piles_finish(struct dead_piles *piles)
{
	for (size_t i = 0; i < piles->count; i++) {
		free(piles->items[i].name);
		free(piles->items[i].table);
	}
	free(piles->items);
	config_destroy(piles->made);
	*piles = (struct dead_piles){ 0 };
}
