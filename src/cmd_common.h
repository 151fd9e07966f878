#ifndef CMD_COMMON_H
#define CMD_COMMON_H

#include <jansson.h>

#include "cli.h"
#include "db/migrate.h"
#include "nats/link.h"

/* What several commands do. */

/* db_check_url, with the URL in the error but for its secrets. kind may be NULL. */
bool cmd_check_database(const char *url, enum db_kind *kind, struct error *err);

/* An open database, or NULL. create: a missing SQLite file is made. */
struct db *cmd_open(const char *url, bool create, struct error *err);

/* One that is there already; stop (may be NULL) ends waits early, here and later. */
struct db *cmd_open_until(const char *url, struct stop *stop, struct error *err);

/* A connected link, or NULL. */
struct link *cmd_connect(const struct config *config, struct error *err);

/* Brings a table of a database up to date; a missing SQLite file is made. */
bool cmd_migrate_table(const char *url, enum migrate_target target, const char *table,
	struct migrate_report *report, struct error *err);

/* Makes a stream where it is missing; *made says whether. */
bool cmd_make_stream(
	struct link *link, const struct config_stream *stream, bool *made, struct error *err);

/* A place in a stream, from an option of that name, into what a sink's start is. ERROR_USAGE. */
bool cmd_set_start(
	struct config_sink *sink, const char *option, const char *text, struct error *err);

/* Prints a JSON value on stdout as one line, and frees it. */
void cmd_print_json(json_t *value);

/* A text, or null where it is NULL or not UTF-8. */
json_t *cmd_json_text(const char *text);
json_t *cmd_json_slice(struct slice text);

/* Puts a payload into an object: as "payload", or as "payload_base64" where it is not UTF-8. */
void cmd_json_payload(json_t *object, struct slice payload);

/* Text from outside for a terminal, on one line: what could steer it is escaped, and what is not UTF-8. */
void cmd_add_escaped(struct buf *line, struct slice text);

/* An age as people read it: 250ms, 1.5s, 12m, 5h, 3d. */
#define CMD_AGE 32
void cmd_format_age(int64_t ms, char text[CMD_AGE]);

#endif
