/* Finds a pipeline by its name, in the config or in a database. */
#include "named.h"

#include <stdio.h>
#include <string.h>

#include "cmd_common.h"

/* What is looked for: a name, and which kinds may have it. */
struct wanted {
	const char *name;
	bool relay, sink;
	size_t found;
};

enum column { COLUMN_NAME, COLUMN_KIND, COLUMN_RESOURCE = 4 };

static struct wanted parse(const char *argument)
{
	struct wanted wanted = { argument, true, true, 0 };

	if (strncmp(argument, "relay:", 6) == 0)
		wanted = (struct wanted){ argument + 6, true, false, 0 };
	else if (strncmp(argument, "sink:", 5) == 0)
		wanted = (struct wanted){ argument + 5, false, true, 0 };
	return wanted;
}

/* from: a relay's table, a sink's stream. */
static void take(struct named *named, struct wanted *wanted, bool is_sink, const char *from)
{
	wanted->found++;
	named->is_sink = is_sink;
	snprintf(named->stream, sizeof(named->stream), "%s", is_sink ? from : "");
	snprintf(named->resource, sizeof(named->resource), "%s:%s", is_sink ? "sink" : "outbox",
		is_sink ? named->name : from);
}

static bool check_found(const struct wanted *wanted, const char *where, struct error *err)
{
	if (wanted->found == 1)
		return true;
	if (wanted->found == 0)
		return error_set(err, ERROR_USAGE, "%s no %s \"%.80s\"", where,
			!wanted->sink		? "relay"
				: wanted->relay ? "relay or sink"
						: "sink",
			wanted->name);
	return error_set(err, ERROR_USAGE,
		"\"%.80s\" is the name of a relay and of a sink; say relay:%.80s or sink:%.80s",
		wanted->name, wanted->name, wanted->name);
}

static bool find_in_config(const struct config *config, struct named *named, struct wanted *wanted,
	const char **database, struct error *err)
{
	for (size_t i = 0; wanted->relay && i < config->relay_count; i++) {
		if (strcmp(config->relays[i].name, wanted->name) != 0)
			continue;
		take(named, wanted, false, config->relays[i].table);
		*database = config->relays[i].database;
	}
	for (size_t i = 0; wanted->sink && i < config->sink_count; i++) {
		if (strcmp(config->sinks[i].name, wanted->name) != 0)
			continue;
		take(named, wanted, true, config->sinks[i].stream);
		named->sink = &config->sinks[i];
		*database = config->sinks[i].database;
	}
	return check_found(wanted, "the config has", err);
}

static bool find_in_database(struct named *named, struct wanted *wanted, struct error *err)
{
	struct arena arena;
	struct db_rows rows;
	char where[256];

	arena_init(&arena);
	bool ok = db_run(named->db, SQL_STATUS_PIPELINES, NULL, NULL, 0, &arena, &rows, err);
	for (size_t i = 0; ok && i < rows.rows; i++) {
		bool is_sink = strcmp(db_cell(&rows, i, COLUMN_KIND), "sink") == 0;
		if (strcmp(db_cell(&rows, i, COLUMN_NAME), wanted->name) == 0 &&
			(is_sink ? wanted->sink : wanted->relay))
			take(named, wanted, is_sink, db_cell(&rows, i, COLUMN_RESOURCE));
	}
	arena_finish(&arena);
	snprintf(where, sizeof(where), "%s knows", db_label(named->db));
	return ok && check_found(wanted, where, err);
}

bool named_open(const char *name, const char *database, const struct config *config,
	struct stop *stop, struct named *named, struct error *err)
{
	struct wanted wanted = parse(name);
	const char *url = database;

	*named = (struct named){ .name = wanted.name };
	if (!database && !find_in_config(config, named, &wanted, &url, err))
		return false;
	named->db = cmd_open_until(url, stop, err);
	return named->db && migrate_check(named->db, MIGRATE_CORE, NULL, err) &&
		(!database || find_in_database(named, &wanted, err));
}

void named_close(struct named *named)
{
	db_destroy(named->db);
}
