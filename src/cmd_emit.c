/* dray emit: one event into an outbox, in a transaction of its own. */
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/memory.h"
#include "cmd_common.h"
#include "event.h"

#define PAYLOAD_MAX ((size_t)64 * 1024 * 1024) /* NATS' own ceiling */

struct emit {
	const char *database, *table;
	char *headers; /* JSON, or NULL */
	struct buf payload;
};

static bool read_stdin(struct buf *payload, struct error *err)
{
	ssize_t got = 1;

	while (got > 0 && payload->size <= PAYLOAD_MAX) {
		buf_reserve(payload, 65536);
		got = read(STDIN_FILENO, payload->data + payload->size, 65536);
		payload->size += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return error_set(err, ERROR_INTERNAL, "stdin cannot be read: %s", strerror(errno));
	return payload->size <= PAYLOAD_MAX ||
		error_set(err, ERROR_USAGE, "the payload is over 64 MiB, which NATS never takes");
}

static bool read_payload(const struct cli *cli, struct buf *payload, struct error *err)
{
	const char *argument = cli->argument_count > 1 ? cli->arguments[1] : "";

	buf_add_text(payload, "");
	if (strcmp(argument, "-") == 0)
		return read_stdin(payload, err);
	buf_add_text(payload, argument);
	return true;
}

/* A name that is there again makes an array of its values. */
static void add_header(json_t *headers, const char *name, json_t *value)
{
	json_t *old = json_object_get(headers, name);

	if (!old) {
		json_object_set_new(headers, name, value);
	} else if (json_is_array(old)) {
		json_array_append_new(old, value);
	} else {
		json_t *list = json_array();
		json_array_append(list, old);
		json_array_append_new(list, value);
		json_object_set_new(headers, name, list);
	}
}

static bool parse_header(json_t *headers, const char *text, struct error *err)
{
	const char *equal = strchr(text, '=');
	json_t *value = equal ? json_string(equal + 1) : NULL;

	if (!equal)
		return error_set(err, ERROR_USAGE, "--header %.80s: it is NAME=VALUE", text);
	char *name = memory_copy(text, (size_t)(equal - text));
	bool ok = value && event_is_utf8(slice_of(name));
	if (ok)
		add_header(headers, name, value);
	else
		error_set(err, ERROR_USAGE, "--header: it must be UTF-8");
	free(name);
	return ok;
}

static bool nothing(void *context, const char *name, const char *value, struct error *err)
{
	(void)context;
	(void)name;
	(void)value;
	(void)err;
	return true;
}

static bool make_headers(const struct cli *cli, char **text, struct error *err)
{
	json_t *headers = json_object();
	bool ok = true;

	for (size_t i = 0; ok && i < cli->headers.count; i++)
		ok = parse_header(headers, cli->headers.items[i], err);
	if (ok && cli->headers.count) {
		*text = json_dumps(headers, JSON_COMPACT);
		ok = event_headers_each(slice_of(*text), nothing, NULL, err);
	}
	json_decref(headers);
	return ok;
}

/* What the row would be dead for is refused here: it is the caller's mistake. */
static bool check_event(const struct cli *cli, char **headers, struct error *err)
{
	bool ok = event_check_subject(slice_of(cli->arguments[0]), err) &&
		(!cli->key || event_check_key(slice_of(cli->key), err)) &&
		make_headers(cli, headers, err);

	if (!ok)
		err->kind = ERROR_USAGE;
	return ok;
}

static bool use_database(const struct cli *cli, struct emit *emit, struct error *err)
{
	enum db_kind kind;

	if (!cmd_check_database(cli->database, &kind, err))
		return error_prefix(err, "--database");
	emit->database = cli->database;
	emit->table = kind == DB_SQLITE ? "dray_outbox" : "dray.outbox";
	return true;
}

static bool use_relay(
	const struct config *config, const char *name, struct emit *emit, struct error *err)
{
	if (!name && config->relay_count != 1)
		return error_set(err, ERROR_USAGE,
			"the config has %zu relays; say which one with --relay NAME, or name a "
			"database with --database",
			config->relay_count);
	for (size_t i = 0; i < config->relay_count; i++) {
		if (name && strcmp(config->relays[i].name, name) != 0)
			continue;
		if (config->relays[i].borrowed.id)
			return error_set(err, ERROR_USAGE,
				"relay %s has a table that Dray did not make: write into it with SQL",
				config->relays[i].name);
		emit->database = config->relays[i].database;
		emit->table = config->relays[i].table;
		return true;
	}
	return error_set(err, ERROR_USAGE, "the config has no relay \"%.80s\"", name);
}

/* The values travel as text: hexadecimal where the database can decode it. */
static bool encode_payload(
	const struct db *db, const struct buf *payload, struct buf *out, struct error *err)
{
	if (db_kind(db) == DB_POSTGRES) {
		hex_encode((struct slice){ payload->data, payload->size }, out);
		return true;
	}
	if (payload->size && memchr(payload->data, '\0', payload->size))
		return error_set(err, ERROR_USAGE,
			"the payload has a NUL byte; into SQLite write it by SQL, as x'...'");
	buf_add_text(out, "");
	buf_add(out, payload->data, payload->size);
	return true;
}

static bool insert(struct db *db, const struct cli *cli, const struct emit *emit,
	struct arena *arena, struct db_rows *rows, struct error *err)
{
	struct buf payload = { 0 };
	struct error why = { 0 };

	bool ok = encode_payload(db, &emit->payload, &payload, err);
	const char *parameters[] = { cli->arguments[0], cli->key, emit->headers, payload.data };
	if (ok && db_kind(db) == DB_SQLITE)
		ok = db_run(db, SQL_SYNCHRONOUS_FULL, NULL, NULL, 0, NULL, NULL, err);
	if (ok && !db_run(db, SQL_EMIT, emit->table, parameters, 4, arena, rows, err)) {
		ok = false; /* a missing table has a better word for it */
		if (err->kind == ERROR_SCHEMA &&
			!migrate_check(db, MIGRATE_OUTBOX, emit->table, &why))
			*err = why;
	}
	buf_finish(&payload);
	return ok;
}

static int write_event(const struct cli *cli, const struct emit *emit)
{
	struct error err = { 0 };
	struct arena arena;
	struct db_rows rows;
	struct db *db = cmd_open(emit->database, false, &err);
	int status = 0;

	arena_init(&arena);
	if (!db || !insert(db, cli, emit, &arena, &rows, &err))
		status = cli_fail(cli, &err);
	else if (cli->json)
		cmd_print_json(json_pack("{so}", "event_id", cmd_json_text(db_cell(&rows, 0, 0))));
	else
		printf("%s\n", db_cell(&rows, 0, 0));
	arena_finish(&arena);
	db_destroy(db);
	return status;
}

static int emit_into(const struct cli *cli, const struct config *config)
{
	struct emit emit = { 0 };
	struct error err = { 0 };
	int status;

	bool ok = check_event(cli, &emit.headers, &err) &&
		(config ? use_relay(config, cli->relay, &emit, &err)
			: use_database(cli, &emit, &err)) &&
		read_payload(cli, &emit.payload, &err);
	if (cli->table)
		emit.table = cli->table;
	status = ok ? write_event(cli, &emit) : cli_fail(cli, &err);
	free(emit.headers);
	buf_finish(&emit.payload);
	return status;
}

int cmd_emit(const struct cli *cli)
{
	int status = 0;

	if (cli->database)
		return emit_into(cli, NULL);
	struct config *config = cli_config(cli, true, &status);
	if (config)
		status = emit_into(cli, config);
	config_destroy(config);
	return status;
}
