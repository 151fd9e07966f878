/* What several commands do: open, connect, migrate a table, make a stream, print JSON. */
#include "cmd_common.h"

#include <stdio.h>

#include "config_secret.h"
#include "nats/stream.h"

bool cmd_check_database(const char *url, enum db_kind *kind, struct error *err)
{
	struct buf shown = { 0 };
	enum db_kind unused;

	if (db_check_url(url, kind ? kind : &unused, err))
		return true;
	buf_add_text(&shown, "");
	config_hide_secrets(url, &shown);
	error_prefix(err, "\"%.200s\"", shown.data);
	buf_finish(&shown);
	return false;
}

struct db *cmd_open(const char *url, bool create, struct error *err)
{
	struct db *db = db_create(url, "dray", NULL, err);

	if (db && !db_open(db, create, err)) {
		db_destroy(db);
		return NULL;
	}
	return db;
}

struct link *cmd_connect(const struct config *config, struct error *err)
{
	struct link *link = link_create(&config->nats, "dray", NULL);

	if (link_connect(link, err))
		return link;
	link_destroy(link);
	return NULL;
}

bool cmd_migrate_table(const char *url, enum migrate_target target, const char *table,
	struct migrate_report *report, struct error *err)
{
	struct db *db = cmd_open(url, true, err);
	bool ok = db && migrate_apply(db, target, table, report, err);

	db_destroy(db);
	return ok;
}

bool cmd_make_stream(
	struct link *link, const struct config_stream *stream, bool *made, struct error *err)
{
	struct stream_info info;
	bool missing;

	*made = false;
	if (stream_get_info(link, stream->name, &info, &missing, err)) {
		stream_info_finish(&info);
		return true;
	}
	if (!missing)
		return false;
	*made = stream_make(link, stream, err);
	return *made;
}

void cmd_print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(value);
}

json_t *cmd_json_text(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}
