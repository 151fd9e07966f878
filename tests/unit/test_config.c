/* The config: what a file may say, and what a person reads when it is wrong. */
#include "support/common.h"

#include <stdio.h>

#include "base/log.h"
#include "config.h"
#include "config_secret.h"
#include "config_settings.h"

static struct error err;

/* Loads a text as dray.yaml; said gets the problems, one a line, without the folder's name. */
static struct config *load(const char *yaml, char **said)
{
	char *path = scratch_path("dray.yaml");
	struct buf problems = { 0 };

	file_write(path, yaml);
	err = (struct error){ 0 };
	struct config *config = config_load(path, &problems, &err);
	*said = text("%s", problems.data ? problems.data : "");
	buf_finish(&problems);
	return config;
}

static struct config *load_good(const char *yaml)
{
	char *said;
	struct config *config = load(yaml, &said);

	if (!config)
		give_up("refused: %s%s", said, err.text);
	assert_string_equal(said, "");
	return config;
}

static char *load_bad(const char *yaml)
{
	char *said;
	struct config *config = load(yaml, &said);

	if (config)
		give_up("was taken:\n%s", yaml);
	assert_int_equal(err.kind, ERROR_USAGE);
	return said;
}

/* One problem, in that line, with that text. */
static void refused(const char *yaml, int line, const char *wanted)
{
	char *said = load_bad(yaml);
	char *whole = text("dray.yaml:%d: %s\n", line, wanted);

	if (!strstr(said, whole))
		give_up("for:\n%s\nwanted: %ssaid: %s", yaml, whole, said);
	assert_int_equal(occurrences(said, "\n"), 1);
	assert_contains(err.text, wanted); /* a single problem is the error itself */
}

/* The same for a setting of a relay, which stands in line 4. */
static void refused_in_relay(const char *line, const char *wanted)
{
	refused(text("relays:\n  - name: shop\n    database: sqlite:shop.db\n    %s\n", line), 4,
		wanted);
}

static void refused_in_sink(const char *line, const char *wanted)
{
	refused(text("sinks:\n  - { name: a, database: \"sqlite:a.db\", stream: S,\n      %s }\n",
			line),
		3, wanted);
}

static void an_empty_file_has_the_defaults(void **state)
{
	struct config *config = load_good("");

	(void)state;
	assert_string_equal(config->nats.url, "nats://127.0.0.1:4222");
	assert_null(config->nats.creds);
	assert_int_equal(config->log_format, LOG_FORMAT_TEXT);
	assert_int_equal(config->log_level, LOG_INFO);
	assert_int_equal(config->shutdown_timeout_ms, 10000);
	assert_int_equal(config->relay_count + config->sink_count + config->stream_count, 0);
	assert_false(config->holds_secrets);
	config_destroy(config);
}

static void the_defaults_are_those_of_the_design(void **state)
{
	struct config *config = config_default();
	struct config_relay *relay = config_add_relay(config, "shop", "postgresql://h/shop");
	struct config_sink *sink = config_add_sink(config, "archive", "sqlite:a.db", "SHOP");

	(void)state;
	assert_string_equal(relay->table, "dray.outbox");
	assert_null(relay->stream);
	assert_int_equal(relay->ordering, ORDERING_KEY);
	assert_int_equal(relay->on_delivered, ON_DELIVERED_MARK);
	assert_int_equal(relay->batch, 1000);
	assert_int_equal(relay->max_in_flight, 4096);
	assert_int_equal(relay->max_in_flight_bytes, 16777216);
	assert_int_equal(relay->wakeup, WAKEUP_NOTIFY);
	assert_int_equal(relay->poll_interval_ms, 1000);
	assert_int_equal(relay->lease_ms, 5000);
	assert_int_equal(relay->retry.initial_ms, 100);
	assert_int_equal(relay->retry.max_ms, 300000);
	assert_true(relay->retry.multiplier == 2 && relay->retry.jitter == 0.2);
	assert_int_equal(relay->retry.max_attempts, 20);
	assert_string_equal(sink->own.table, "dray_events");
	assert_int_equal(sink->start, SINK_START_ALL);
	assert_int_equal(sink->batch, 1000);
	assert_int_equal(sink->batch_bytes, 8388608);
	assert_int_equal(sink->max_wait_ms, 250);
	assert_int_equal(sink->lease_ms, 5000);
	config_destroy(config);
}

static void every_setting_is_read(void **state)
{
	struct config *config = load_good(
		"nats: { url: \"nats://a:1, nats://b\", user: u, password: \"${NOT_THERE:-pw}\",\n"
		"  js_domain: hub, tls: { ca: c.pem, cert: d.pem, key: d.key } }\n"
		"log: { format: json, level: debug }\n"
		"shutdown_timeout: 1m\n"
		"streams: [ { name: S, subjects: [\"s.>\", t], replicas: 3, duplicate_window: 1h } ]\n"
		"relays: [ { name: r, database: \"sqlite:a b.db\", table: t, stream: S, ordering: none,\n"
		"  on_delivered: delete, batch: 7, max_in_flight: 8, max_in_flight_bytes: 1MiB,\n"
		"  wakeup: poll, poll_interval: 20ms, lease: 1s, retention: 7d,\n"
		"  retry: { initial: 1s, max: 2s, multiplier: 1.5, jitter: 0, max_attempts: 0 } } ]\n"
		"sinks: [ { name: k, database: \"postgres://h/d\", stream: S, subjects: s.a, mode: archive,\n"
		"  table: a.b, start: \"time:2026-01-01T00:00:00.5Z\", batch: 5, batch_bytes: 8kB,\n"
		"  max_wait: 1s, consumer: c, lease: 2s } ]\n");
	const struct config_relay *relay = &config->relays[0];
	const struct config_sink *sink = &config->sinks[0];

	(void)state;
	assert_string_equal(config->nats.url, "nats://a:1, nats://b");
	assert_string_equal(config->nats.password, "pw");
	assert_string_equal(config->nats.js_domain, "hub");
	assert_string_equal(config->nats.tls.ca, "c.pem");
	assert_string_equal(config->nats.tls.cert, "d.pem");
	assert_string_equal(config->nats.tls.key, "d.key");
	assert_int_equal(config->log_level, LOG_DEBUG);
	assert_int_equal(config->shutdown_timeout_ms, 60000);
	assert_int_equal(config->streams[0].subjects.count, 2);
	assert_string_equal(config->streams[0].subjects.items[1], "t");
	assert_int_equal(config->streams[0].duplicate_window_ms, 3600000);
	assert_string_equal(relay->database, "sqlite:a b.db");
	assert_int_equal(relay->ordering, ORDERING_NONE);
	assert_int_equal(relay->on_delivered, ON_DELIVERED_DELETE);
	assert_int_equal(relay->wakeup, WAKEUP_POLL);
	assert_true(relay->retry.multiplier == 1.5);
	assert_int_equal(relay->retry.max_attempts, 0);
	assert_int_equal(relay->retention_ms, (int64_t)7 * 86400000);
	assert_int_equal(relay->line, 6);
	assert_string_equal(sink->own.table, "a.b");
	assert_int_equal(sink->start, SINK_START_TIME);
	assert_string_equal(sink->start_time, "2026-01-01T00:00:00.5Z");
	assert_string_equal(sink->subjects.items[0], "s.a");
	assert_string_equal(sink->consumer, "c");
	config_destroy(config);
}

static void nothing_is_unset(void **state)
{
	struct config *config =
		load_good("nats: { creds: ~, token: , user: \"\", js_domain: null,\n"
			  "  password: \"${NOT_THERE:-}\", tls: ~ }\n"
			  "http: ~\nrelays:\nsinks: []\n");

	(void)state;
	assert_null(config->nats.creds);
	assert_null(config->nats.token);
	assert_null(config->nats.user);
	assert_null(config->nats.password);
	assert_null(config->nats.js_domain);
	config_destroy(config);
	refused_in_relay(
		"batch: ~", "batch: may not be empty; take the line out for the default, 1000");
	refused_in_relay("stream: \"a b\"",
		"stream: \"a b\" is not the name of a stream: up to 255 characters without spaces, "
		"dots, wildcards and slashes");
}

static void unknown_keys_are_refused_with_the_nearest(void **state)
{
	(void)state;
	refused_in_relay("bacth: 5", "unknown key \"bacth\" in a relay; did you mean \"batch\"?");
	refused_in_relay("retry: { jiter: 0.1 }",
		"unknown key \"retry.jiter\" in a relay; did you mean \"retry.jitter\"?");
	refused_in_relay(
		"zzz: 5", "unknown key \"zzz\" in a relay; \"dray init -\" prints every key");
	refused_in_relay(
		"retry.max: 5s", "unknown key \"retry.max\" in a relay; did you mean \"retry\"?");
	refused("\"a\\n\\e\\tb\": 1\n", 1,
		"unknown key \"a   b\" in the config; \"dray init -\" prints every key");
	refused("relay: []\n", 1, "unknown key \"relay\" in the config; did you mean \"relays\"?");
	refused("nats: { urrl: x }\n", 1, "unknown key \"urrl\" in nats; did you mean \"url\"?");
}

static void an_audit_needs_something_to_compare(void **state)
{
	(void)state;
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", table: outbox, preset: debezium, "
		"on_delivered: delete, audit: { every: 10m } }\n",
		2, "audit: a table that Dray did not make does not say where its rows were stored");
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", on_delivered: delete, audit: { every: "
		"10m } }\n",
		2,
		"audit: delivered rows are deleted (on_delivered: delete), so there is nothing to compare the stream with");
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", stream: S, ordering: stream, audit: { "
		"every: 10m, heal: true } }\n",
		2, "audit.heal: ordering: stream allows no second publisher; use heal: false");
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", audit: { every: 10m, window: 1m } }\n",
		2, "audit.window: shorter than audit.every, so some events are never looked at");
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", retention: 30m, audit: { every: 10m } "
		"}\n",
		2,
		"audit.window: longer than retention, so rows that it should look at are deleted");
}

static void total_order_needs_a_stream_of_its_own(void **state)
{
	(void)state;
	refused("relays:\n  - { name: a, database: \"sqlite:a.db\", ordering: stream }\n", 2,
		"ordering: stream needs stream: the name of a stream that this relay alone publishes "
		"into");
	refused("relays:\n"
		"  - { name: a, database: \"sqlite:a.db\", stream: S }\n"
		"  - { name: b, database: \"sqlite:b.db\", stream: S, ordering: stream }\n",
		3,
		"ordering: stream: the relay of line 2 publishes into S too; give each a stream of its "
		"own");
}

static void http_is_checked(void **state)
{
	(void)state;
	refused("http: { listen: here }\n", 1,
		"http.listen: \"here\" is not HOST:PORT, like 127.0.0.1:8423 or [::1]:8423");
	refused("http: { listen: \"::1:80\" }\n", 1,
		"http.listen: \"::1:80\" is not HOST:PORT, like 127.0.0.1:8423 or [::1]:8423");
	refused("http: { listen: \"127.0.0.1:65536\" }\n", 1,
		"http.listen: \"127.0.0.1:65536\" is not HOST:PORT, like 127.0.0.1:8423 or "
		"[::1]:8423");
	refused("http: { listen: \"[::1]:80\", token: secret }\n", 1,
		"http.token: a token is 16 to 256 letters, digits and -._~+/=; \"openssl rand -hex "
		"24\" makes a good one");
}

/* A sink with these settings, from line 3 on. */
static char *with_tables(const char *settings)
{
	return text(
		"sinks:\n  - name: a\n    database: \"sqlite:a.db\"\n    stream: S\n%s", settings);
}

#define ORDERS \
	"      - { subjects: [\"a.order.>\", a.x], table: orders, mode: upsert, key: [id],\n" \
	"          columns: { id: $.id }, delete_when: { header: T, equals: d }, replays: apply }\n"
#define LINES \
	"      - { subjects: [\"a.line.*\"], table: lines, mode: insert, columns: { id: $.id } }\n"

static void several_tables_are_read(void **state)
{
	struct buf printed = { 0 };
	size_t count;

	(void)state;
	struct config *config = load_good(
		with_tables("    tables:\n" ORDERS LINES "      - { subjects: [\"b.>\"] }\n"));
	const struct config_sink *sink = &config->sinks[0];
	const struct config_table *tables = config_tables(sink, &count);
	assert_int_equal(count, 3);
	assert_string_equal(tables[0].table, "orders");
	assert_int_equal(tables[0].replays, SINK_REPLAYS_APPLY);
	assert_string_equal(tables[0].version, "@seq");
	assert_string_equal(tables[1].columns.items[0].from, "$.id");
	assert_int_equal(tables[1].line, 8);
	assert_int_equal(tables[2].mode, SINK_ARCHIVE);
	assert_string_equal(tables[2].table, "dray_events");
	/* The sink asks for what its tables take. */
	assert_int_equal(sink->subjects.count, 4);
	assert_string_equal(sink->subjects.items[3], "b.>");
	config_print(config, &printed);
	assert_contains(
		printed.data, "\n    tables:\n      - subjects: [\"a.order.>\", \"a.x\"]\n");
	assert_null(strstr(printed.data, "\n    mode:"));
	config_destroy(config);
	buf_finish(&printed);
	config = load_good(with_tables("    tables:\n" ORDERS "      - { subjects: [\"a.>\"] }\n"));
	assert_int_equal(config->sinks[0].subjects.count, 1);
	assert_string_equal(config->sinks[0].subjects.items[0], "a.>");
	config_destroy(config);
	config = load_good(with_tables("    tables:\n" ORDERS "    unmatched: dead\n"));
	assert_int_equal(config->sinks[0].subjects.count, 0);
	config_destroy(config);
}

static void several_tables_are_checked(void **state)
{
	(void)state;
	refused(with_tables("    key: [a]\n    tables:\n" ORDERS), 5,
		"key: belongs into each entry of tables, where there are such");
	refused(with_tables("    delete_when: { header: a, equals: b }\n    tables:\n" ORDERS), 5,
		"delete_when: belongs into each entry of tables, where there are such");
	refused(with_tables("    mode: archive\n    tables:\n" ORDERS), 5,
		"mode: belongs into each entry of tables, where there are such");
	refused(with_tables("    tables:\n" ORDERS "      - { table: t }\n"), 8,
		"a table needs a subjects: the events of this table; of several entries the first "
		"counts");
	refused(with_tables("    tables:\n" ORDERS
			    "      - { subjects: [c], table: t, mode: insert }\n"),
		8, "columns: what is not an archive needs them, as COLUMN: SOURCE");
	refused(with_tables("    tables:\n" ORDERS "      - { subjects: [c], stream: S }\n"), 8,
		"unknown key \"stream\" in a table; \"dray init -\" prints every key");
	refused(with_tables("    tables:\n      - { subjects: [\"a.>\"] }\n" LINES), 7,
		"subjects: the entry before takes all of a.line.*, so none reaches this one; put this "
		"entry first, or take the subject out");
	refused(with_tables("    tables:\n      - { subjects: [a] }\n      - { subjects: [b] }\n"),
		7,
		"table: another entry has dray_events, too; give that entry the subjects of both, or "
		"use two sinks");
	refused(with_tables("    subjects: [\"a.>\"]\n    tables:\n" LINES), 2,
		"tables: no entry takes all of a.>; add one, or say what becomes of the others: "
		"unmatched: dead or ignore");
	refused(with_tables("    tables:\n      - { subjects: [\"a.*.c\"] }\n"
			    "      - { subjects: [\"a.b.*\"], table: t2 }\n"),
		2,
		"subjects: a.*.c and a.b.* overlap, which NATS does not take of a consumer; give the "
		"sink subjects: that do not, such as one that covers both");
	refused(with_tables("    unmatched: ignore\n"), 2,
		"unmatched: belongs to tables, and this sink has none");
	refused(with_tables("    tables: { a: b }\n"), 5,
		"tables: a list is wanted here, each item beginning with \"- \"");
}

/* A sink that upserts, with these settings more; they stand in line 3. */
static char *upsert(const char *settings)
{
	return text(
		"sinks:\n  - { name: a, database: \"sqlite:a.db\", stream: S, table: t, mode: upsert,\n"
		"      %s }\n",
		settings);
}

static void columns_and_key_are_read(void **state)
{
	(void)state;
	struct config *config = load_good(upsert(
		"key: [id], version: $.v, tombstones: false, replays: apply,\n"
		"      delete_when: { header: Type, equals: order.deleted },\n"
		"      columns: { id: \"$.a.b[0]\", \"a \\\"b\": { from: \"@subject[2]\", default: 0 },\n"
		"        c: { value: \"\" } }"));
	const struct config_sink *sink = &config->sinks[0];
	assert_int_equal(sink->own.mode, SINK_UPSERT);
	assert_int_equal(sink->own.replays, SINK_REPLAYS_APPLY);
	assert_int_equal(sink->own.columns.count, 3);
	assert_string_equal(sink->own.columns.items[0].from, "$.a.b[0]");
	assert_string_equal(sink->own.columns.items[1].name, "a \"b");
	assert_string_equal(sink->own.columns.items[1].fallback, "0");
	assert_null(sink->own.columns.items[1].value);
	assert_int_equal(sink->own.columns.items[1].line, 5);
	assert_string_equal(sink->own.columns.items[2].value, "");
	assert_null(sink->own.columns.items[2].from);
	assert_string_equal(sink->own.delete_when.equals, "order.deleted");
	config_destroy(config);
}

static void columns_are_checked(void **state)
{
	(void)state;
	refused(upsert("key: [id], columns: { id: $a }"), 3,
		"columns.id: \"$a\" is not a path (see \"a\"): it is $, then .NAME, [N] or [\"NAME\"], at "
		"most 32 of them");
	refused(upsert("key: [id], columns: { id: id }"), 3,
		"columns.id: \"id\" is no source: a path begins with $, a part of the event with @; a "
		"constant is written { value: TEXT }");
	refused(upsert("key: [id], columns: { id: { from: $.a, value: b } }"), 3,
		"columns.id: it has either from, a source, or value, a constant");
	refused(upsert("key: [id], columns: { id: { value: b, default: c } }"), 3,
		"columns.id: a constant needs no default");
	refused(upsert("key: [id], columns: { id: { fro: $.a, from: $.a } }"), 3,
		"columns.id: unknown key \"fro\"; did you mean \"from\"?; a column has from and default, "
		"or value");
	refused(upsert("key: [id], columns: { id: { from: $.a, from: $.b } }"), 3,
		"the key \"from\" is there twice");
	refused(upsert("key: [id], columns: { id: { from: $.a, default: } }"), 3,
		"columns.id: default is empty; leave it out, or write \"\"");
	refused(upsert("key: [id], columns: { id: $.a, id: $.b }"), 3,
		"columns: one is there twice");
	refused(upsert("key: [id], columns: [id]"), 3,
		"columns: columns are wanted here, as COLUMN: SOURCE");
	refused(upsert("key: [id], columns: { \"\": $.a, id: $.a }"), 3,
		"columns: \"\" is not a column's name: 1 to 63 bytes without control characters");
}

/* Of a sink as a whole: it is told with the line where the sink begins. */
static void refused_whole(const char *settings, const char *wanted)
{
	refused(text("sinks:\n  - { name: a, database: \"sqlite:a.db\", stream: S, %s }\n",
			settings),
		2, wanted);
}

static void modes_need_their_settings(void **state)
{
	(void)state;
	refused_whole("mode: insert", "table: what is not an archive needs the name of your table");
	refused_whole("columns: { a: $.a }",
		"columns: belongs to mode insert or upsert, and here it is archive");
	refused_whole(
		"tombstones: true", "tombstones: belongs to mode upsert, and here it is archive");
	refused_whole("mode: insert, table: t, columns: { a: $.a }, key: [a]",
		"key: belongs to mode upsert, and here it is insert");
	refused_whole("mode: insert, table: dray_events, columns: { a: $.a }",
		"table: what is not an archive needs the name of your table");
	refused(upsert("key: [id]"), 2,
		"columns: what is not an archive needs them, as COLUMN: SOURCE");
	refused(upsert("columns: { id: $.id }"), 2,
		"key: mode upsert needs it, the columns that tell one row from another");
	refused(upsert("key: [no], columns: { id: $.id }"), 2,
		"key: \"no\" is none of the columns; give it a source there");
	refused(upsert("key: [id, id], columns: { id: $.id }"), 2, "key: \"id\" is there twice");
	refused(upsert("key: [id], columns: { id: $.id }, tombstones: true"), 2,
		"tombstones: an empty payload has no $.id for the key \"id\"; take it from @key, "
		"@subject[N] or a header");
	refused(upsert("key: [id], columns: { id: \"@key\" }, tombstones: true, version: $.v"), 2,
		"tombstones: an empty payload has no $.v for the version; take it from a header, or "
		"leave it @seq");
	refused(upsert("key: [id], columns: { id: $.id }, delete_when: { header: A }"), 2,
		"delete_when: needs equals, the value that deletes");
	refused(upsert("key: [id], columns: { id: $.id }, delete_when: { equals: A }"), 2,
		"delete_when: it has either header, a name, or from, a source");
	refused(upsert("key: [id], columns: { id: $.id }, version: seq"), 3,
		"version: \"seq\" is no source: a path begins with $, a part of the event with @; a "
		"constant is written { value: TEXT }");
}

static void columns_can_be_set_by_name(void **state)
{
	struct config *config = config_default();
	struct config_sink *sink = config_add_sink(config, "a", "sqlite:x", "S");

	(void)state;
	assert_true(config_set(sink, "sink", "mode", "insert", &err));
	assert_true(config_set(sink, "sink", "table", "t", &err));
	assert_true(config_set(sink, "sink", "columns.id", "$.id", &err));
	assert_true(config_set(sink, "sink", "columns.id.default", "7", &err));
	assert_true(config_set(sink, "sink", "columns.b.value", "x", &err));
	assert_true(config_check_sink(sink, &err));
	assert_int_equal(sink->own.columns.count, 2);
	assert_string_equal(sink->own.columns.items[0].fallback, "7");
	assert_false(config_set(sink, "sink", "columns.b.fro", "x", &err));
	assert_contains(err.text, "did you mean \"from\"?");
	assert_true(config_set(sink, "sink", "columns.c.default", "x", &err));
	assert_false(config_check_sink(sink, &err));
	assert_contains(err.text, "columns.c: it has either from");
	config_destroy(config);
}

static void a_table_that_dray_did_not_make(void **state)
{
	struct config *config = load_good(
		"relays:\n  - { name: a, database: \"sqlite:a.db\", table: t, preset: debezium,\n"
		"      columns: { order: at, key: \"{x}-{{y}}\", headers: { ce-id: \"{id}\" } },\n"
		"      on_delivered: delete }\n");
	const struct config_borrowed *b = &config->relays[0].borrowed;

	(void)state;
	assert_string_equal(b->id, "id");
	assert_string_equal(b->event_id, "{id}");
	assert_string_equal(b->subject, "outbox.event.{aggregatetype}");
	assert_string_equal(b->key, "{x}-{{y}}");
	assert_string_equal(b->order, "at");
	assert_string_equal(b->payload, "payload");
	assert_int_equal(b->headers.count, 1);
	assert_string_equal(b->headers.items[0], "ce-id={id}");
	assert_null(b->state);
	config_destroy(config);
	refused_in_relay("columns: { subject: \"{\" }",
		"columns.subject: \"{\" is no text with {COLUMN} in it; a brace itself is written {{");
	refused_in_relay("columns: { headers: [x] }", "columns.headers: \"x\" is not NAME: TEXT");
}

static void values_are_checked(void **state)
{
	(void)state;
	refused_in_relay("retention: never",
		"retention: \"never\" is not a duration, like 250ms, 5s, 2m, 1h or 7d, nor off");
	refused_in_relay("retention: 0", "retention: 0 is out of range; it goes from 1s to 3650d");
	refused_in_relay("batch: many", "batch: \"many\" is not a whole number, like 100");
	refused_in_relay("batch: 0", "batch: 0 is out of range; it goes from 1 to 10000");
	refused_in_relay("batch: 10001", "batch: 10001 is out of range; it goes from 1 to 10000");
	refused_in_relay("batch: [1]", "batch: a single value is wanted here");
	refused_in_relay("poll_interval: 5",
		"poll_interval: \"5\" is not a duration, like 250ms, 5s, 2m, 1h or 7d");
	refused_in_relay("lease: 10ms", "lease: 10ms is out of range; it goes from 1s to 1h");
	refused_in_relay("max_in_flight_bytes: 1TB",
		"max_in_flight_bytes: \"1TB\" is not a size, like 512, 8KiB, 16MiB or 1GiB");
	refused_in_relay(
		"retry: { jitter: nan }", "retry.jitter: \"nan\" is not a number, like 2 or 0.2");
	refused_in_relay(
		"retry: { jitter: 1.5 }", "retry.jitter: 1.5 is out of range; it goes from 0 to 1");
	refused_in_relay("wakeup: bell", "wakeup: \"bell\" is unknown; it is notify or poll");
	refused_in_relay("retry: 5", "retry: settings are wanted here, as KEY: VALUE");
	refused_in_relay("table: a.b.c",
		"table: 'a.b.c' is not a table name: one or two names of "
		"letters, digits, _ and $, with a dot between");
	refused_in_sink("start: later",
		"start: \"later\" is unknown; it is all, new, seq:N (1 and more) "
		"or time:2026-01-01T00:00:00Z");
	refused_in_sink("start: \"time:2026- 1-31T00:00:00Z\"",
		"start: \"2026- 1-31T00:00:00Z\" is not a time: it is written 2026-01-31T12:00:00Z");
	refused_in_sink("start: \"time:2026-02-30T00:00:00Z\"",
		"start: \"2026-02-30T00:00:00Z\" is not a time: it is written 2026-01-31T12:00:00Z");
	refused_in_sink("consumer: a.b",
		"consumer: \"a.b\" is not the name of a consumer: up to 255 "
		"characters without spaces, dots, wildcards and slashes");
	refused("log: { level: loud }\n", 1,
		"log.level: \"loud\" is unknown; it is error, warning, info or debug");
	refused("relays: 5\n", 1, "relays: a list is wanted here, each item beginning with \"- \"");
	refused("- a\n", 1, "the config: settings are wanted here, as KEY: VALUE");
}

static void subjects_are_checked(void **state)
{
	static const char *const bad[] = { "a..b", ".a", "a.", "a.>.b", "a b", "a*", "a.b>", "" };
	static const char *const good[] = { "a", "a.b", "*", ">", "a.*.c.>", "$KV.x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(text("streams: [ { name: S, subjects: [\"%s\"] } ]\n", bad[i]), 1,
			text("subjects: \"%s\" is not a subject: tokens with dots between, none of "
			     "them empty, * for one token, > for the rest",
				bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		config_destroy(
			load_good(text("streams: [ { name: S, subjects: [\"%s\"] } ]\n", good[i])));
}

static void what_a_pipeline_needs_is_named(void **state)
{
	(void)state;
	char *said = load_bad("relays:\n  - batch: 5\nsinks:\n  - name: a\nstreams:\n  - ~\n");
	assert_contains(said, "dray.yaml:2: a relay needs a name: ");
	assert_contains(
		said, "dray.yaml:2: a relay needs a database: sqlite:PATH or postgresql://");
	assert_contains(said, "dray.yaml:4: a sink needs a stream: ");
	assert_contains(said, "dray.yaml:6: a stream: settings are wanted here");
	refused("relays:\n  - name: \"a b\"\n    database: sqlite:x\n", 2,
		"name: \"a b\" is not a name: 1 to 64 letters, digits, _ and -");
	refused("relays:\n  - name: a\n    database: mysql:x\n", 3,
		"database: a database is sqlite:PATH or postgresql://HOST/NAME, and this is neither");
	refused("streams:\n  - { name: S, subjects: [] }\n", 2, "subjects: may not be empty");
}

/* A password that libpq would take apart: what it takes for host, port or database would be shown. */
static void passwords_that_break_a_url_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "u:hu/sh@h/d", "the port is not a number" },
		{ "u:12/hush@h/d", "an @ stands behind a /" },
		{ "u:hu@sh@h/d", "the host has an @ in it" },
		{ "u:hush@h,hu@sh/d", "the host has an @ in it" },
		{ "u:h%ZZush@h/d", "not a connection URI that libpq understands" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *said = load_bad(text(
			"relays:\n  - { name: a, database: \"postgresql://%s\" }\n", cases[i][0]));
		assert_contains(said, text("dray.yaml:2: database: %s", cases[i][1]));
		assert_null(strstr(said, "sh@"));
	}
	config_destroy(load_good(
		"relays:\n  - { name: a, database: \"postgresql://u:a%2Fb%40@h,i:1/d\" }\n"
		"  - { name: b, database: \"postgres:///d?host=@x,/y&user=a@b\" }\n"));
}

static void what_contradicts_itself_is_refused(void **state)
{
	(void)state;
	refused("relays:\n  - { name: a, database: sqlite:x }\n  - { name: a, database: sqlite:y }\n",
		3, "the name \"a\" is taken by the relay of line 2; names are unique");
	refused("relays:\n  - name: a\n    name: b\n    database: sqlite:x\n", 3,
		"the key \"name\" is there twice");
	refused_in_relay("retry: { max: 1s, max: 2s }", "the key \"max\" is there twice");
	refused("relays:\n  - { name: a, database: sqlite:x, retry: { initial: 1h } }\n", 2,
		"retry.max: shorter than retry.initial");
	refused("nats:\n  creds: /a\n  token: b\n", 2,
		"nats: creds, user, token and nkey_seed_file exclude each other; keep one");
	refused("nats:\n  tls: { key: a }\n", 2, "nats.tls: cert and key need each other");
	refused("nats:\n  url: tlsx://a\n", 2,
		"url: not a NATS URL: nats://HOST:PORT or tls://HOST:PORT, several separated by commas");
	config_destroy(load_good("relays: [ { name: a, database: sqlite:x } ]\n"
				 "sinks: [ { name: a, database: sqlite:x, stream: S } ]\n"));
}

static void every_problem_is_reported(void **state)
{
	(void)state;
	char *said = load_bad("bad: 1\nrelays:\n  - name: a\n    database: b\n    batch: c\n"
			      "    lease: ${DRAY_NOT_THERE}\n");
	assert_int_equal(occurrences(said, "\n"), 4);
	assert_contains(said, "dray.yaml:1: unknown key \"bad\"");
	assert_contains(said, "dray.yaml:4: database: ");
	assert_contains(said, "dray.yaml:5: batch: \"c\"");
	assert_contains(
		said, "dray.yaml:6: lease: the environment variable DRAY_NOT_THERE is not set");
	assert_contains(err.text, "dray.yaml has 4 problems");
}

static void variables_are_replaced(void **state)
{
	(void)state;
	setenv("DRAY_TEST_NAME", "shop", 1);
	setenv("DRAY_TEST_EMPTY", "", 1);
	setenv("DRAY_TEST_YAML", "a, b: [", 1);
	struct config *config =
		load_good("relays: [ { name: \"${DRAY_TEST_NAME}-1\", database: \"sqlite:"
			  "${DRAY_TEST_YAML}\", stream: \"${DRAY_TEST_EMPTY:-S}$x\",\n"
			  "  batch: \"${DRAY_TEST_UNSET:-5}\" } ]\n");
	assert_string_equal(config->relays[0].name, "shop-1");
	assert_string_equal(config->relays[0].database, "sqlite:a, b: [");
	assert_string_equal(config->relays[0].stream, "S$x");
	assert_int_equal(config->relays[0].batch, 5);
	config_destroy(config);
	refused_in_relay("batch: ${DRAY_TEST_UNSET}",
		"batch: the environment variable DRAY_TEST_UNSET is not set; set it, or write "
		"${DRAY_TEST_UNSET:-default}");
	refused_in_relay("batch: \"a${DRAY_TEST_YAML}\"",
		"batch: \"a${DRAY_TEST_YAML}\" is not a whole number, like 100");
	refused_in_relay("batch: \"${DRAY_TEST_UNSET\"", "batch: \"${\" without its \"}\"");
	refused_in_relay("batch: \"${a b}\"",
		"batch: \"${a b}\" is not a variable: ${NAME} or ${NAME:-default}");
}

static void yaml_that_is_too_much_is_refused(void **state)
{
	struct buf deep = { 0 }, large = { 0 };

	(void)state;
	refused("a: &x 1\n", 1, "YAML anchors are not taken; write the value out");
	refused("a: &x [*x]\n", 1, "YAML anchors are not taken; write the value out");
	refused("a: *x\n", 1, "YAML aliases are not taken; write the value out");
	refused("a: 1\n---\nb: 2\n", 2, "a second YAML document; one file is one config");
	for (int i = 0; i < 200000; i++)
		buf_add_char(&deep, '[');
	int64_t start = now_ms();
	refused(deep.data, 1, "nested too deep");
	assert_true(now_ms() - start < patience(1000));
	for (int i = 0; i < 1100; i++)
		buf_format(&large, "# %01000d\n", i);
	assert_contains(load_bad(large.data), "over 1 MiB");
	buf_finish(&deep);
	buf_finish(&large);
	assert_contains(load_bad("relays: [\n"), "dray.yaml:2: not YAML: ");
	refused("relays: [ { name: \"a\\0b\", database: sqlite:x } ]\n", 1,
		"name: has a NUL character in it");
}

static void a_file_of_nothing_but_mistakes_ends_soon(void **state)
{
	struct buf yaml = { 0 };

	(void)state;
	for (int i = 0; i < 60000; i++)
		buf_format(&yaml, "k%d: 1\n", i);
	int64_t start = now_ms();
	assert_int_equal(occurrences(load_bad(yaml.data), "\n"), 50);
	assert_contains(err.text, "50 problems, or more");
	assert_true(now_ms() - start < patience(5000));
	buf_finish(&yaml);
}

static void a_file_that_cannot_be_read_says_so(void **state)
{
	struct error why = { 0 };

	(void)state;
	assert_null(config_load("/nowhere/dray.yaml", NULL, &why));
	assert_int_equal(why.kind, ERROR_USAGE);
	assert_string_equal(
		why.text, "/nowhere/dray.yaml: cannot be read: No such file or directory");
}

static void secrets_are_never_shown(void **state)
{
	struct config *config = load_good(
		"nats: { url: \"nats://u:hush@a,nats://hush@b\", user: u, password: hush }\n"
		"relays: [ { name: a, database: \"postgresql://u:hush@h/d?sslpassword=hush&sslmode=require\" } ]\n");
	struct buf shown = { 0 };

	(void)state;
	assert_true(config->holds_secrets);
	config_print(config, &shown);
	assert_lacks(shown.data, "hush");
	assert_contains(shown.data, "url: \"nats://u:***@a,nats://***@b\"");
	assert_contains(shown.data, "password: \"(set)\"");
	assert_contains(shown.data, "postgresql://u:***@h/d?sslpassword=***&sslmode=require");
	buf_finish(&shown);
	config_destroy(config);
	assert_lacks(load_bad("nats: { url: \"http://u:hush@h\", password: [hush], hush: 1 }\n"
			      "relays: [ { name: a, database: \"mysql://u:hush@h\" } ]\n"),
		"u:hush");
}

static void secrets_from_the_environment_are_not_in_the_file(void **state)
{
	setenv("DRAY_TEST_SECRET", "hush", 1);
	struct config *config = load_good("nats: { token: \"${DRAY_TEST_SECRET}\" }\n");

	(void)state;
	assert_string_equal(config->nats.token, "hush");
	assert_false(config->holds_secrets);
	config_destroy(config);
	assert_false(config_has_secrets("postgresql://dray@db/shop"));
	assert_true(config_has_secrets("postgresql://dray:x@db/shop"));
	assert_true(config_has_secrets("nats://token@db"));
}

static void hidden(const char *url, const char *expected)
{
	struct buf shown = { 0 };

	config_hide_secrets(url, &shown);
	assert_string_equal(shown.data, expected);
	buf_finish(&shown);
}

/* What libpq and cnats take for a password, whatever is in it. */
static void odd_secrets_are_hidden(void **state)
{
	(void)state;
	hidden("dray:hush@h:4222,hush@i", "dray:***@h:4222,***@i");
	hidden("nats://dray:a?hush@h", "nats://dray:***@h");
	hidden("postgresql://u:a?hush@h/d", "postgresql://u:***@h/d");
	hidden("postgresql://u:a,hush@h,i/d", "postgresql://u:***@h,i/d");
	hidden("postgresql://u:a/hush@h/d", "postgresql://u:***@h/d");
	hidden("postgresql://h/d?password=a,hush&x=1", "postgresql://h/d?password=***&x=1");
	hidden("postgresql://h/d?pass%77ord=hush", "postgresql://h/d?pass%77ord=***");
	hidden("postgresql://u@h/d?options=a@b", "postgresql://u@h/d?options=a@b");
	hidden("sqlite:a:b@c.db", "sqlite:a:b@c.db");
}

static void nats_url_of_the_environment_is_a_default(void **state)
{
	(void)state;
	setenv("NATS_URL", "nats://env:1", 1);
	struct config *config = load_good("nats: { user: a }\n");
	assert_string_equal(config->nats.url, "nats://env:1");
	config_destroy(config);
	config = load_good("nats: { url: nats://file:1 }\n");
	assert_string_equal(config->nats.url, "nats://file:1");
	config_destroy(config);
	unsetenv("NATS_URL");
}

/* What config_print writes is a config that says the same. */
static void the_effective_config_can_be_read_again(void **state)
{
	struct config *config = load_good(
		"nats: { user: \"\\x7f\\x85\\u2028'\\\"\\\\\\t\", js_domain: \"null\" }\n"
		"streams: [ { name: S, subjects: [\"s.>\", \"t.*\", \"a,b\", 'c\"d'] } ]\n"
		"relays: [ { name: r, database: \"sqlite:a b#: c.db\","
		" retry: { jitter: 0.0000001 } } ]\n"
		"sinks: [ { name: k, database: sqlite:x, stream: S,"
		" start: \"seq:7\", max_wait: 1s } ]\n");
	struct buf first = { 0 }, second = { 0 };

	(void)state;
	config_print(config, &first);
	config_destroy(config);
	config = load_good(first.data);
	config_print(config, &second);
	assert_string_equal(first.data, second.data);
	assert_string_equal(config->nats.user, "\x7f\xc2\x85\xe2\x80\xa8'\"\\\t");
	assert_int_equal(config->streams[0].subjects.count, 4);
	assert_string_equal(config->streams[0].subjects.items[2], "a,b");
	assert_string_equal(config->relays[0].database, "sqlite:a b#: c.db");
	assert_true(config->relays[0].retry.jitter > 0);
	assert_int_equal(config->sinks[0].start_seq, 7);
	config_destroy(config);
	buf_finish(&first);
	buf_finish(&second);
}

/* The template with the # before every setting taken away. */
static char *all_of_template(const char *template)
{
	struct buf all = { 0 };

	for (const char *line = template; *line; line += strcspn(line, "\n") + 1) {
		const char *mark = line + strspn(line, " ");
		bool setting = mark[0] == '#' && (mark[1] != ' ' || mark[2] == ' ');
		size_t size = strcspn(line, "\n");
		assert_true(size < 130);
		buf_add(&all, line, (size_t)(mark - line));
		buf_add(&all, mark + setting, size - (size_t)(mark - line) - setting);
		buf_add_char(&all, '\n');
	}
	return keep(all.data);
}

/* As it stands, and with every example: then only what excludes each other is wrong. */
static void the_template_is_a_config(void **state)
{
	struct buf template = { 0 };

	(void)state;
	config_print_template(&template);
	struct config *config = load_good(template.data);
	assert_string_equal(config->relays[0].database, "sqlite:shop.db");
	assert_string_equal(config->sinks[0].stream, "SHOP");
	config_destroy(config);
	setenv("NATS_PASSWORD", "x", 1);
	setenv("NATS_TOKEN", "x", 1);
	char *said = load_bad(all_of_template(template.data));
	assert_int_equal(occurrences(said, "\n"), 1);
	assert_contains(said, "nats: creds, user, token and nkey_seed_file exclude each other");
	buf_finish(&template);
}

static void the_template_names_every_setting(void **state)
{
	static const struct section *const sections[] = { &section_nats, &section_stream,
		&section_relay, &section_sink };
	struct buf template = { 0 };

	(void)state;
	config_print_template(&template);
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		for (const struct setting *one = sections[i]->settings; one->key; one++)
			assert_contains(template.data, one->help);
	buf_finish(&template);
}

static char *page(const char *name)
{
	const char *here = __FILE__, *end = strstr(here, "tests/unit/");

	return file_read(text("%.*sdocs/%s", (int)(end - here), here, name));
}

/* A row of the page: | `key` | value | default | help | */
static void the_page_names_every_setting(void **state)
{
	static const struct section *const sections[] = { &section_top, &section_nats,
		&section_stream, &section_relay, &section_sink };
	char *config_md = page("config.md");

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		for (const struct setting *one = sections[i]->settings; one->key; one++) {
			const char *otherwise = one->required ? "needed" : "none";
			if (one->section) {
				assert_contains(config_md, text("`%s", one->key));
				continue;
			}
			assert_contains(config_md, text("\n| `%s` | ", one->key));
			assert_contains(config_md,
				text(" | %s | %s |\n",
					one->fallback ? text("`%s`", one->fallback) : otherwise,
					one->help));
		}
}

static void is_good(const char *file, size_t pipelines)
{
	struct error wrong = { 0 };
	struct config *config = config_load(file, NULL, &wrong);

	if (!config)
		give_up("%s: %s", file, wrong.text);
	assert_int_equal(config->relay_count + config->sink_count, pipelines);
	config_destroy(config);
}

/* The config that stands in the ConfigMap, without its indentation. */
static char *config_of_kubernetes(void)
{
	char *all = file_read(project_path("docker/kubernetes.yaml"));
	char *at = strstr(all, "dray.yaml: |\n") + strlen("dray.yaml: |\n"), *out = text("%s", "");

	for (; strncmp(at, "    ", 4) == 0; at += strcspn(at, "\n") + 1)
		out = text("%s%.*s\n", out, (int)strcspn(at + 4, "\n"), at + 4);
	return out;
}

static void the_configs_that_come_along_are_good(void **state)
{
	char *file = scratch_path("kubernetes.yaml");

	(void)state;
	setenv("POSTGRES_PASSWORD", "x", 1);
	setenv("DB_PASSWORD", "x", 1);
	setenv("NATS_PASSWORD", "x", 1);
	is_good(project_path("docker/dray.yaml"), 3);
	is_good(project_path("package/dray.yaml"), 2);
	file_write(file, config_of_kubernetes());
	is_good(file, 2);
}

/* What comes from the command line has the same checks. */
static void settings_can_be_set_by_name(void **state)
{
	struct config *config = config_default();
	struct config_relay *relay = config_add_relay(config, "a", "sqlite:x");
	struct config_sink *sink = config_add_sink(config, "a", "sqlite:x", "S");

	(void)state;
	assert_true(config_set(relay, "relay", "retry.max", "7m", &err));
	assert_int_equal(relay->retry.max_ms, 420000);
	assert_true(config_set(sink, "sink", "subjects", "a.>, b", &err));
	assert_int_equal(sink->subjects.count, 2);
	assert_string_equal(sink->subjects.items[1], "b");
	assert_true(config_set(&config->nats, "nats", "js_domain", "hub", &err));
	assert_string_equal(config->nats.js_domain, "hub");
	assert_true(config_set(config, "", "log.level", "error", &err));
	assert_int_equal(config->log_level, LOG_ERROR);
	assert_false(config_set(relay, "relay", "batch", "x", &err));
	assert_string_equal(err.text, "batch: \"x\" is not a whole number, like 100");
	assert_int_equal(relay->batch, 1000);
	assert_false(config_set(relay, "relay", "retry.mx", "1s", &err));
	assert_string_equal(
		err.text, "unknown setting \"retry.mx\" of a relay; did you mean \"retry.max\"?");
	assert_false(config_set(sink, "sink", "tables", "a", &err));
	assert_string_equal(err.text, "tables: has settings of its own below it");
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_has_the_defaults),
		cmocka_unit_test(the_defaults_are_those_of_the_design),
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(nothing_is_unset),
		cmocka_unit_test(unknown_keys_are_refused_with_the_nearest),
		cmocka_unit_test(an_audit_needs_something_to_compare),
		cmocka_unit_test(total_order_needs_a_stream_of_its_own),
		cmocka_unit_test(http_is_checked),
		cmocka_unit_test(several_tables_are_read),
		cmocka_unit_test(several_tables_are_checked),
		cmocka_unit_test(columns_and_key_are_read),
		cmocka_unit_test(columns_are_checked),
		cmocka_unit_test(modes_need_their_settings),
		cmocka_unit_test(columns_can_be_set_by_name),
		cmocka_unit_test(a_table_that_dray_did_not_make),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(subjects_are_checked),
		cmocka_unit_test(what_a_pipeline_needs_is_named),
		cmocka_unit_test(passwords_that_break_a_url_are_refused),
		cmocka_unit_test(what_contradicts_itself_is_refused),
		cmocka_unit_test(every_problem_is_reported),
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(yaml_that_is_too_much_is_refused),
		cmocka_unit_test(a_file_of_nothing_but_mistakes_ends_soon),
		cmocka_unit_test(a_file_that_cannot_be_read_says_so),
		cmocka_unit_test(secrets_are_never_shown),
		cmocka_unit_test(secrets_from_the_environment_are_not_in_the_file),
		cmocka_unit_test(odd_secrets_are_hidden),
		cmocka_unit_test(nats_url_of_the_environment_is_a_default),
		cmocka_unit_test(the_effective_config_can_be_read_again),
		cmocka_unit_test(the_template_is_a_config),
		cmocka_unit_test(the_template_names_every_setting),
		cmocka_unit_test(the_page_names_every_setting),
		cmocka_unit_test(the_configs_that_come_along_are_good),
		cmocka_unit_test(settings_can_be_set_by_name),
	};

	unsetenv("NATS_URL");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
