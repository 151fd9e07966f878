/* The settings table. Its order is the order in which settings are printed. */
#include "config_settings.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "config_check.h"

#define SECOND	  INT64_C(1000)
#define HOUR	  (3600 * SECOND)
#define DAY	  (24 * HOUR)
#define KIB	  INT64_C(1024)
#define MIB	  (1024 * KIB)
#define GIB	  (1024 * MIB)
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

#define AT(type_, field_) offsetof(struct type_, field_)

static const struct setting nats_settings[] = {
	{ .key = "url",
		.place = AT(config_nats, url),
		.fallback = "nats://127.0.0.1:4222",
		.check = check_nats_url,
		.help = "the server, or several separated by commas; without it NATS_URL counts" },
	{ .key = "creds",
		.place = AT(config_nats, creds),
		.example = "/etc/dray/app.creds",
		.help = "a credentials file; or user and password, token, or nkey_seed_file" },
	{ .key = "user",
		.place = AT(config_nats, user),
		.example = "dray",
		.help = "a user's name" },
	{ .key = "password",
		.place = AT(config_nats, password),
		.secret = true,
		.example = "${NATS_PASSWORD}",
		.help = "the user's password" },
	{ .key = "token",
		.place = AT(config_nats, token),
		.secret = true,
		.example = "${NATS_TOKEN}",
		.help = "a token" },
	{ .key = "nkey_seed_file",
		.place = AT(config_nats, nkey_seed_file),
		.example = "/etc/dray/app.nk",
		.help = "a file with the seed of a user's NKey" },
	{ .key = "tls.ca",
		.place = AT(config_nats, tls.ca),
		.example = "/etc/dray/ca.pem",
		.help = "who may sign the server's certificate; without it whom the system trusts" },
	{ .key = "tls.cert",
		.place = AT(config_nats, tls.cert),
		.example = "/etc/dray/dray.pem",
		.help = "Dray's own certificate, for a server that asks for one" },
	{ .key = "tls.key",
		.place = AT(config_nats, tls.key),
		.example = "/etc/dray/dray.key",
		.help = "its key" },
	{ .key = "js_domain",
		.place = AT(config_nats, js_domain),
		.check = check_token,
		.example = "hub",
		.help = "the JetStream domain, where it is not the server's own" },
	{ 0 },
};

static const struct setting stream_settings[] = {
	{ .key = "name",
		.place = AT(config_stream, name),
		.required = true,
		.shown = true,
		.check = check_stream_name,
		.example = "SHOP",
		.help = "its name in JetStream" },
	{ .key = "subjects",
		.type = SETTING_LIST,
		.place = AT(config_stream, subjects),
		.required = true,
		.shown = true,
		.check = check_subject_pattern,
		.example = "shop.>",
		.help = "what it stores" },
	{ .key = "replicas",
		.type = SETTING_INTEGER,
		.place = AT(config_stream, replicas),
		.fallback = "1",
		.low = 1,
		.high = 5,
		.help = "on how many servers of the cluster" },
	{ .key = "duplicate_window",
		.type = SETTING_DURATION,
		.place = AT(config_stream, duplicate_window_ms),
		.fallback = "2m",
		.low = 100,
		.high = 365 * DAY,
		.help = "how long the stream remembers event ids" },
	{ 0 },
};

static const struct setting relay_settings[] = {
	{ .key = "name",
		.place = AT(config_relay, name),
		.required = true,
		.shown = true,
		.check = check_pipeline_name,
		.example = "shop",
		.help = "in logs and in dray status" },
	{ .key = "database",
		.place = AT(config_relay, database),
		.required = true,
		.shown = true,
		.check = check_database,
		.example = "sqlite:shop.db",
		.help = "sqlite:PATH or postgresql://USER@HOST/NAME" },
	{ .key = "table",
		.place = AT(config_relay, table),
		.check = check_table,
		.example = "dray_outbox",
		.help = "the outbox; by default dray_outbox in SQLite, dray.outbox in PostgreSQL" },
	{ .key = "preset",
		.type = SETTING_CHOICE,
		.place = AT(config_relay, preset),
		.fallback = "none",
		.choices = LIST("none", "debezium"),
		.help = "debezium: the columns of Debezium's outbox table" },
	{ .key = "columns.id",
		.place = AT(config_relay, borrowed.id),
		.check = check_column_name,
		.example = "id",
		.help = "the column that tells rows of a table that Dray did not make apart" },
	{ .key = "columns.order",
		.place = AT(config_relay, borrowed.order),
		.check = check_column_name,
		.example = "created_at",
		.help = "the column whose order rows of a key are sent in; without it that of id" },
	{ .key = "columns.event_id",
		.place = AT(config_relay, borrowed.event_id),
		.check = check_template,
		.example = "{id}",
		.help = "Nats-Msg-Id: a text with {COLUMN} in it; by default {id}" },
	{ .key = "columns.subject",
		.place = AT(config_relay, borrowed.subject),
		.check = check_template,
		.example = "shop.{type}",
		.help = "the NATS subject: a text with {COLUMN} in it" },
	{ .key = "columns.key",
		.place = AT(config_relay, borrowed.key),
		.check = check_template,
		.example = "{order_id}",
		.help = "the ordering key: a text with {COLUMN} in it" },
	{ .key = "columns.headers",
		.type = SETTING_LIST,
		.place = AT(config_relay, borrowed.headers),
		.pairs = true,
		.check = check_header_template,
		.example = "type={type}",
		.help = "headers, each NAME: a text with {COLUMN} in it" },
	{ .key = "columns.payload",
		.place = AT(config_relay, borrowed.payload),
		.check = check_column_name,
		.example = "payload",
		.help = "the column of the payload; without it events are empty" },
	{ .key = "columns.created_at",
		.place = AT(config_relay, borrowed.created_at),
		.check = check_column_name,
		.example = "created_at",
		.help = "when a row was written, for the lag" },
	{ .key = "columns.state",
		.place = AT(config_relay, borrowed.state),
		.check = check_column_name,
		.example = "status",
		.help = "the column that says what became of a row" },
	{ .key = "columns.delivered_at",
		.place = AT(config_relay, borrowed.delivered_at),
		.check = check_column_name,
		.example = "sent_at",
		.help = "a time that is NULL until a row is delivered" },
	{ .key = "states.pending",
		.place = AT(config_relay, borrowed.pending_state),
		.example = "NEW",
		.help = "what stands in columns.state of a row to deliver; without it NULL" },
	{ .key = "states.delivered",
		.place = AT(config_relay, borrowed.delivered_state),
		.example = "SENT",
		.help = "and of one that was delivered" },
	{ .key = "states.dead",
		.place = AT(config_relay, borrowed.dead_state),
		.example = "FAILED",
		.help = "and of one that was given up on; without it Dray notes that beside" },
	{ .key = "stream",
		.place = AT(config_relay, stream),
		.shown = true,
		.check = check_stream_name,
		.example = "SHOP",
		.help = "take no acknowledgement of another stream; without it any stream will do" },
	{ .key = "ordering",
		.type = SETTING_CHOICE,
		.place = AT(config_relay, ordering),
		.fallback = "key",
		.choices = LIST("none", "key", "stream"),
		.help = "in the order of commits, key: those of a key; stream: all; none: at will" },
	{ .key = "on_delivered",
		.type = SETTING_CHOICE,
		.place = AT(config_relay, on_delivered),
		.fallback = "mark",
		.choices = LIST("mark", "delete"),
		.help = "what happens to a delivered row" },
	{ .key = "batch",
		.type = SETTING_INTEGER,
		.place = AT(config_relay, batch),
		.fallback = "1000",
		.low = 1,
		.high = 10000,
		.help = "rows a read and a settlement" },
	{ .key = "max_in_flight",
		.type = SETTING_INTEGER,
		.place = AT(config_relay, max_in_flight),
		.fallback = "4096",
		.low = 1,
		.high = 65536,
		.help = "messages that wait for their acknowledgement, at most" },
	{ .key = "max_in_flight_bytes",
		.type = SETTING_SIZE,
		.place = AT(config_relay, max_in_flight_bytes),
		.fallback = "16MiB",
		.low = KIB,
		.high = GIB,
		.help = "their payloads together, and those of the rows in memory" },
	{ .key = "wakeup",
		.type = SETTING_CHOICE,
		.place = AT(config_relay, wakeup),
		.fallback = "notify",
		.choices = LIST("notify", "poll"),
		.help = "notify: an insert wakes the relay; poll: it looks every poll_interval" },
	{ .key = "poll_interval",
		.type = SETTING_DURATION,
		.place = AT(config_relay, poll_interval_ms),
		.fallback = "1s",
		.low = 10,
		.high = HOUR,
		.help = "how often to look in any case" },
	{ .key = "lease",
		.type = SETTING_DURATION,
		.place = AT(config_relay, lease_ms),
		.fallback = "5s",
		.low = SECOND,
		.high = HOUR,
		.help = "how long a silent holder keeps the others waiting" },
	{ .key = "retry.initial",
		.type = SETTING_DURATION,
		.place = AT(config_relay, retry.initial_ms),
		.fallback = "100ms",
		.low = 1,
		.high = DAY,
		.help = "wait after the first failure of a row" },
	{ .key = "retry.max",
		.type = SETTING_DURATION,
		.place = AT(config_relay, retry.max_ms),
		.fallback = "5m",
		.low = 1,
		.high = 30 * DAY,
		.help = "the longest wait" },
	{ .key = "retry.multiplier",
		.type = SETTING_REAL,
		.place = AT(config_relay, retry.multiplier),
		.fallback = "2",
		.low = 1,
		.high = 100,
		.help = "each wait is so many times the one before" },
	{ .key = "retry.jitter",
		.type = SETTING_REAL,
		.place = AT(config_relay, retry.jitter),
		.fallback = "0.2",
		.low = 0,
		.high = 1,
		.help = "the share of a wait that is random" },
	{ .key = "retry.max_attempts",
		.type = SETTING_INTEGER,
		.place = AT(config_relay, retry.max_attempts),
		.fallback = "20",
		.low = 0,
		.high = 1000000,
		.help = "then the row is dead; 0: never, and its key stays held" },
	{ .key = "audit.every",
		.type = SETTING_DURATION,
		.place = AT(config_relay, audit_every_ms),
		.fallback = "off",
		.zero = "off",
		.low = SECOND,
		.high = 30 * DAY,
		.help = "how often to compare the stream with what was marked delivered" },
	{ .key = "audit.window",
		.type = SETTING_DURATION,
		.place = AT(config_relay, audit_window_ms),
		.fallback = "1h",
		.low = SECOND,
		.high = 365 * DAY,
		.help = "what was delivered within so much time" },
	{ .key = "audit.heal",
		.type = SETTING_CHOICE,
		.place = AT(config_relay, audit_heal),
		.fallback = "false",
		.choices = LIST("false", "true"),
		.help = "true: publish again what the stream lost" },
	{ .key = "retention",
		.type = SETTING_DURATION,
		.place = AT(config_relay, retention_ms),
		.fallback = "off",
		.zero = "off",
		.low = SECOND,
		.high = 3650 * DAY,
		.help = "how long delivered rows stay; off: for ever" },
	{ 0 },
};

/* What a table has: alone, in its sink, or as one of the sink's tables. */
#define TABLE_SETTINGS(PLACE, INSTEAD) \
	{ \
		.key = "table", \
		.place = PLACE(table), \
		.check = check_table, \
		.example = "dray_events", \
		.instead = INSTEAD, \
		.help = "by default an archive's: dray_events in SQLite, dray.events in PostgreSQL" \
	}, \
		{ .key = "mode", \
			.type = SETTING_CHOICE, \
			.place = PLACE(mode), \
			.fallback = "archive", \
			.choices = (const char *const[]){ "archive", "insert", "upsert", NULL }, \
			.instead = INSTEAD, \
			.help = "archive: every event as it is; insert: a row an event; upsert: a row a key" }, \
		{ .key = "key", \
			.type = SETTING_LIST, \
			.place = PLACE(key), \
			.check = check_column_name, \
			.example = "order_id", \
			.instead = INSTEAD, \
			.help = "upsert: the columns that tell one row from another; they have a unique index" }, \
		{ .key = "columns", \
			.type = SETTING_COLUMNS, \
			.place = PLACE(columns), \
			.example = "order_id", \
			.instead = INSTEAD, \
			.help = "insert, upsert: which column gets which part of an event" }, \
		{ .key = "create", \
			.type = SETTING_CHOICE, \
			.place = PLACE(create), \
			.fallback = "false", \
			.choices = (const char *const[]){ "false", "true", NULL }, \
			.instead = INSTEAD, \
			.help = "insert, upsert: make a missing table, with types after a sample of the stream" }, \
		{ .key = "version", \
			.place = PLACE(version), \
			.fallback = "@seq", \
			.check = check_source, \
			.instead = INSTEAD, \
			.help = "upsert: what makes an event newer; a whole number or a time" }, \
		{ .key = "delete_when.header", \
			.place = PLACE(delete_when.header), \
			.check = check_header_name, \
			.example = "Type", \
			.instead = INSTEAD, \
			.help = "upsert: an event deletes its row if this header ..." }, \
		{ .key = "delete_when.from", \
			.place = PLACE(delete_when.from), \
			.check = check_source, \
			.example = "$.deleted", \
			.instead = INSTEAD, \
			.help = "... or this part of the event ..." }, \
		{ .key = "delete_when.equals", \
			.place = PLACE(delete_when.equals), \
			.example = "order.deleted", \
			.instead = INSTEAD, \
			.help = "... has this value" }, \
		{ .key = "tombstones", \
			.type = SETTING_CHOICE, \
			.place = PLACE(tombstones), \
			.fallback = "false", \
			.choices = (const char *const[]){ "false", "true", NULL }, \
			.instead = INSTEAD, \
			.help = "upsert: whether an event without a payload deletes its row" }, \
		{ .key = "replays", \
			.type = SETTING_CHOICE, \
			.place = PLACE(replays), \
			.fallback = "skip", \
			.choices = (const char *const[]){ "skip", "apply", NULL }, \
			.instead = INSTEAD, \
			.help = "insert, upsert: skip or apply events of a replay; an archive keeps them" }

#define PLACE_IN_TABLE(field_) AT(config_table, field_)
#define PLACE_IN_SINK(field_)  AT(config_sink, own.field_)

static const struct setting table_settings[] = {
	{ .key = "subjects",
		.type = SETTING_LIST,
		.place = AT(config_table, subjects),
		.required = true,
		.check = check_subject_pattern,
		.example = "shop.order.>",
		.help = "the events of this table; of several entries the first counts" },
	TABLE_SETTINGS(PLACE_IN_TABLE, NULL),
	{ 0 },
};

static const struct setting sink_settings[] = {
	{ .key = "name",
		.place = AT(config_sink, name),
		.required = true,
		.shown = true,
		.check = check_pipeline_name,
		.example = "archive",
		.help = "in logs and in dray status; the position in the stream is kept under it" },
	{ .key = "database",
		.place = AT(config_sink, database),
		.required = true,
		.shown = true,
		.check = check_database,
		.example = "sqlite:archive.db",
		.help = "sqlite:PATH or postgresql://USER@HOST/NAME" },
	{ .key = "stream",
		.place = AT(config_sink, stream),
		.required = true,
		.shown = true,
		.check = check_stream_name,
		.example = "SHOP",
		.help = "the stream to store" },
	{ .key = "subjects",
		.type = SETTING_LIST,
		.place = AT(config_sink, subjects),
		.check = check_subject_pattern,
		.example = "shop.>",
		.help = "only these; without it the whole stream" },
	TABLE_SETTINGS(PLACE_IN_SINK, "tables"),
	{ .key = "tables",
		.type = SETTING_SECTIONS,
		.place = AT(config_sink, tables),
		.section = &section_table,
		.example = "[{ subjects: [\"shop.order.>\"], table: orders, ... }]",
		.help = "several tables, each with its subjects" },
	{ .key = "unmatched",
		.type = SETTING_CHOICE,
		.place = AT(config_sink, unmatched),
		.fallback = "refuse",
		.choices = LIST("refuse", "dead", "ignore"),
		.help = "tables: an event of none; refuse: subjects may have none; dead: set it aside" },
	{ .key = "start",
		.type = SETTING_START,
		.fallback = "all",
		.help = "where a new sink begins: all, new, seq:N or time:2026-01-01T00:00:00Z" },
	{ .key = "batch",
		.type = SETTING_INTEGER,
		.place = AT(config_sink, batch),
		.fallback = "1000",
		.low = 1,
		.high = 10000,
		.help = "events a transaction" },
	{ .key = "batch_bytes",
		.type = SETTING_SIZE,
		.place = AT(config_sink, batch_bytes),
		.fallback = "8MiB",
		.low = KIB,
		.high = GIB,
		.help = "their payloads together" },
	{ .key = "max_wait",
		.type = SETTING_DURATION,
		.place = AT(config_sink, max_wait_ms),
		.fallback = "250ms",
		.low = 1,
		.high = HOUR,
		.help = "how long a batch may wait to become full" },
	{ .key = "consumer",
		.place = AT(config_sink, consumer),
		.check = check_consumer_name,
		.example = "dray",
		.help = "a durable's name, for workqueue and interest streams only" },
	{ .key = "lease",
		.type = SETTING_DURATION,
		.place = AT(config_sink, lease_ms),
		.fallback = "5s",
		.low = SECOND,
		.high = HOUR,
		.help = "how long a silent holder keeps the others waiting" },
	{ .key = "on_trimmed",
		.type = SETTING_CHOICE,
		.place = AT(config_sink, on_trimmed),
		.fallback = "stop",
		.choices = LIST("stop", "continue"),
		.help = "where the stream removed events before they were stored" },
	{ .key = "max_dead_ratio",
		.type = SETTING_REAL,
		.place = AT(config_sink, max_dead_ratio),
		.fallback = "0.1",
		.low = 0,
		.high = 1,
		.help = "of the last 1000 events at most this share is set aside, then the sink is paused" },
	{ .key = "retention",
		.type = SETTING_DURATION,
		.place = AT(config_sink, retention_ms),
		.fallback = "off",
		.zero = "off",
		.low = SECOND,
		.high = 3650 * DAY,
		.help = "upsert: how long deleted keys are remembered; off: for ever" },
	{ 0 },
};

static const struct setting top_settings[] = {
	{ .key = "nats",
		.type = SETTING_SECTION,
		.place = AT(config, nats),
		.section = &section_nats,
		.help = "the connection to NATS" },
	{ .key = "http.listen",
		.place = AT(config, http.listen),
		.check = check_listen,
		.example = "127.0.0.1:8423",
		.help = "metrics, health and a status page at HOST:PORT; without it none" },
	{ .key = "http.token",
		.place = AT(config, http.token),
		.check = check_bearer,
		.example = "${DRAY_HTTP_TOKEN:-}",
		.secret = true,
		.help = "what a request must bring to see or change the dead; without it nothing changes" },
	{ .key = "log.format",
		.type = SETTING_CHOICE,
		.place = AT(config, log_format),
		.fallback = "text",
		.choices = LIST("text", "json"),
		.help = "text or json, on stderr" },
	{ .key = "log.level",
		.type = SETTING_CHOICE,
		.place = AT(config, log_level),
		.fallback = "info",
		.choices = LIST("error", "warning", "info", "debug"),
		.help = "error, warning, info or debug" },
	{ .key = "shutdown_timeout",
		.type = SETTING_DURATION,
		.place = AT(config, shutdown_timeout_ms),
		.fallback = "10s",
		.low = 0,
		.high = HOUR,
		.help = "how long SIGTERM waits for what is on the way" },
	{ .key = "streams",
		.type = SETTING_SECTIONS,
		.place = AT(config, streams),
		.section = &section_stream,
		.help = "streams that dray migrate makes where they are missing; never changed" },
	{ .key = "relays",
		.type = SETTING_SECTIONS,
		.place = AT(config, relays),
		.section = &section_relay,
		.help = "from an outbox table into JetStream" },
	{ .key = "sinks",
		.type = SETTING_SECTIONS,
		.place = AT(config, sinks),
		.section = &section_sink,
		.help = "from a stream into a table" },
	{ 0 },
};

const struct section section_top = { "", "the config", top_settings, sizeof(struct config), 0, 0 };
const struct section section_nats = { "nats", "nats", nats_settings, sizeof(struct config_nats), 0,
	0 };
const struct section section_stream = { "stream", "a stream", stream_settings,
	sizeof(struct config_stream), AT(config, stream_count), AT(config_stream, line) };
const struct section section_relay = { "relay", "a relay", relay_settings,
	sizeof(struct config_relay), AT(config, relay_count), AT(config_relay, line) };
const struct section section_table = { "table", "a table", table_settings,
	sizeof(struct config_table), AT(config_sink, table_count), AT(config_table, line) };
const struct section section_sink = { "sink", "a sink", sink_settings, sizeof(struct config_sink),
	AT(config, sink_count), AT(config_sink, line) };

const struct section *section_find(const char *kind)
{
	static const struct section *const all[] = { &section_top, &section_nats, &section_stream,
		&section_relay, &section_sink, &section_table };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->kind, kind) == 0)
			return all[i];
	return NULL;
}

const struct setting *setting_find(const struct section *section, const char *key)
{
	for (const struct setting *setting = section->settings; setting->key; setting++)
		if (strcmp(setting->key, key) == 0)
			return setting;
	return NULL;
}

size_t setting_count(const struct setting *setting, const void *values)
{
	return *(
		const size_t *)(const void *)((const char *)values + setting->section->count_place);
}

void *setting_item(const struct setting *setting, const void *values, size_t i)
{
	char *items = *(char *const *)(const void *)((const char *)values + setting->place);

	return items ? items + i * setting->section->size : NULL;
}

bool setting_is_replaced(
	const struct section *section, const struct setting *setting, const void *values)
{
	return setting->instead &&
		setting_count(setting_find(section, setting->instead), values) > 0;
}

bool setting_is_url(const struct setting *setting)
{
	return setting->check == check_nats_url || setting->check == check_database;
}

void section_names(const struct section *section, const char *prefix,
	const char *names[SECTION_NAMES], char room[SECTION_NAMES][32])
{
	size_t count = 0, size = strlen(prefix);

	for (const struct setting *setting = section->settings; setting->key; setting++) {
		const char *name = setting->key + (size ? size + 1 : 0);
		if (size && (strncmp(setting->key, prefix, size) != 0 || setting->key[size] != '.'))
			continue;
		snprintf(room[count], sizeof(room[count]), "%.*s", (int)strcspn(name, "."), name);
		if (count == 0 || strcmp(room[count], room[count - 1]) != 0) {
			names[count] = room[count];
			count++;
		}
	}
	names[count] = NULL;
}
