/* The config: loaded from a file, or made without one; what holds between settings is checked here. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/units.h"
#include "config_borrowed.h"
#include "config_columns.h"
#include "config_tables.h"
#include "config_value.h"
#include "config_yaml.h"
#include "db/db.h"

void *config_grow(void *parent, const struct setting *setting)
{
	const struct section *section = setting->section;
	char **items = (char **)(void *)((char *)parent + setting->place);
	size_t *count = (size_t *)(void *)((char *)parent + section->count_place);

	*items = memory_grow(*items, (*count + 1) * section->size);
	char *values = *items + *count * section->size;
	memset(values, 0, section->size);
	values_default(section, values);
	++*count;
	return values;
}

struct config *config_default(void)
{
	struct config *config = memory_new(sizeof(*config));
	const char *url = getenv("NATS_URL");

	values_default(&section_top, config);
	if (url && *url) {
		free(config->nats.url);
		config->nats.url = memory_text(url);
	}
	return config;
}

void config_destroy(struct config *config)
{
	if (!config)
		return;
	values_finish(&section_top, config);
	free(config->file);
	free(config);
}

static char *default_table(const char *database, const char *sqlite, const char *postgres)
{
	enum db_kind kind;

	if (!database || !db_check_url(database, &kind, NULL))
		return NULL;
	return memory_text(kind == DB_SQLITE ? sqlite : postgres);
}

void config_finish_relay(struct config_relay *relay)
{
	borrowed_finish(relay);
	if (!relay->table && !relay->borrowed.id)
		relay->table = default_table(relay->database, "dray_outbox", "dray.outbox");
}

bool config_check_relay(const struct config_relay *relay, struct error *err)
{
	return borrowed_check(relay, err);
}

static void check_relays(const struct config *config, struct problems *problems)
{
	size_t count = problems->count ? 0 : config->relay_count; /* first what is wrong alone */
	struct error err;

	for (size_t i = 0; i < count && !problems_full(problems); i++)
		if (!config_check_relay(&config->relays[i], &err))
			problems_add(problems, config->relays[i].line, "%s", err.text);
}

static void check_sinks(const struct config *config, struct problems *problems)
{
	size_t count = problems->count ? 0 : config->sink_count; /* first what is wrong alone */

	for (size_t i = 0; i < count && !problems_full(problems); i++)
		tables_check(&config->sinks[i], problems);
}

static bool read_file(const char *file, struct buf *text, struct error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && text->size <= CONFIG_SIZE_MAX) {
		buf_reserve(text, 65536);
		got = read(fd, text->data + text->size, 65536);
		text->size += got > 0 ? (size_t)got : 0;
	}
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return error_set(err, ERROR_USAGE, "%s: cannot be read: %s", file, strerror(code));
	if (text->size > CONFIG_SIZE_MAX)
		return error_set(err, ERROR_USAGE, "%s: over 1 MiB; a config is small", file);
	return true;
}

/* The name and the line of one element of a list of sections. */
static const char *name_at(
	const struct config *config, const struct setting *setting, size_t i, int *line)
{
	const char *values = setting_item(setting, config, i);

	*line = *(const int *)(const void *)(values + setting->section->line_place);
	return *(char *const *)(const void *)(values +
		setting_find(setting->section, "name")->place);
}

/* Whether an earlier element has the name of element i. */
static void check_name(const struct config *config, const struct setting *setting, size_t i,
	struct problems *problems)
{
	int line, other_line;
	const char *name = name_at(config, setting, i, &line);

	for (size_t j = 0; name && j < i; j++) {
		const char *other = name_at(config, setting, j, &other_line);
		if (!other || strcmp(name, other) != 0)
			continue;
		problems_add(problems, line,
			"the name \"%s\" is taken by the %s of line %d; names are unique", name,
			setting->section->kind, other_line);
		return;
	}
}

static void check_names(const struct config *config, struct problems *problems)
{
	for (const struct setting *setting = section_top.settings; setting->key; setting++) {
		if (setting->type != SETTING_SECTIONS)
			continue;
		size_t count = setting_count(setting, config);
		for (size_t i = 0; i < count && !problems_full(problems); i++)
			check_name(config, setting, i, problems);
	}
}

static void check_retries(const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->relay_count; i++)
		if (config->relays[i].retry.max_ms < config->relays[i].retry.initial_ms)
			problems_add(problems, config->relays[i].line,
				"retry.max: shorter than retry.initial");
}

/* A stream that one relay orders as a whole takes nobody else's messages. */
static void check_alone(const struct config *config, size_t i, struct problems *problems)
{
	const struct config_relay *relay = &config->relays[i];

	if (!relay->stream) {
		problems_add(problems, relay->line,
			"ordering: stream needs stream: the name of a stream that this relay alone "
			"publishes into");
		return;
	}
	for (size_t j = 0; j < config->relay_count; j++) {
		const struct config_relay *other = &config->relays[j];
		if (j == i || !other->stream || strcmp(other->stream, relay->stream) != 0)
			continue;
		problems_add(problems, relay->line,
			"ordering: stream: the relay of line %d publishes into %s too; give each a "
			"stream of its own",
			other->line, relay->stream);
		return;
	}
}

static void check_ordering(const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->relay_count && !problems_full(problems); i++)
		if (config->relays[i].ordering == ORDERING_STREAM)
			check_alone(config, i, problems);
}

/* An audit that cannot do what it is asked for is refused before it begins. */
static void check_audits(const struct config *config, struct problems *problems)
{
	for (size_t i = 0; i < config->relay_count; i++) {
		const struct config_relay *relay = &config->relays[i];
		if (relay->audit_every_ms == 0 || relay->borrowed.id) /* refused already */
			continue;
		if (relay->on_delivered == ON_DELIVERED_DELETE)
			problems_add(problems, relay->line,
				"audit: delivered rows are deleted (on_delivered: delete), so there is "
				"nothing to compare the stream with");
		else if (relay->audit_heal && relay->ordering == ORDERING_STREAM)
			problems_add(problems, relay->line,
				"audit.heal: ordering: stream allows no second publisher; use heal: "
				"false");
		else if (relay->retention_ms > 0 && relay->audit_window_ms > relay->retention_ms)
			problems_add(problems, relay->line,
				"audit.window: longer than retention, so rows that it should look at are "
				"deleted");
		else if (relay->audit_window_ms < relay->audit_every_ms)
			problems_add(problems, relay->line,
				"audit.window: shorter than audit.every, so some events are never "
				"looked at");
	}
}

static void check_nats(const struct config_nats *nats, int line, struct problems *problems)
{
	int ways = !!nats->creds + !!nats->user + !!nats->token + !!nats->nkey_seed_file;

	if (ways > 1)
		problems_add(problems, line,
			"nats: creds, user, token and nkey_seed_file exclude each other; keep one");
	if (!nats->tls.cert != !nats->tls.key)
		problems_add(problems, line, "nats.tls: cert and key need each other");
	if (nats->password && !nats->user)
		problems_add(problems, line, "nats.password: needs nats.user");
}

static void check_whole(struct config *config, int nats_line, struct problems *problems)
{
	check_nats(&config->nats, nats_line, problems);
	check_names(config, problems);
	check_retries(config, problems);
	check_ordering(config, problems);
	for (size_t i = 0; i < config->relay_count; i++)
		config_finish_relay(&config->relays[i]);
	for (size_t i = 0; i < config->sink_count; i++)
		tables_finish(&config->sinks[i]);
	check_relays(config, problems);
	check_sinks(config, problems);
	check_audits(config, problems);
}

static bool sum_up(const struct problems *found, struct error *err)
{
	if (found->count == 0)
		return true;
	if (found->count == 1)
		return error_set(err, ERROR_USAGE, "%s", found->first);
	return error_set(err, ERROR_USAGE, "%s has %zu problems%s", found->file, found->count,
		problems_full(found) ? ", or more" : "");
}

struct config *config_load(const char *file, struct buf *problems, struct error *err)
{
	struct problems found = { .file = file, .out = problems };
	struct config *config = config_default();
	struct buf text = { 0 };
	int nats_line;

	config->file = memory_text(file);
	bool ok = read_file(file, &text, err);
	if (ok) {
		config_yaml_read(config, text.data ? text.data : "", text.size, &nats_line, &found);
		check_whole(config, nats_line, &found);
		ok = sum_up(&found, err);
	} else if (problems && err) {
		buf_format(problems, "%s\n", err->text);
	}
	buf_finish(&text);
	if (ok)
		return config;
	config_destroy(config);
	return NULL;
}

struct config_relay *config_add_relay(struct config *config, const char *name, const char *database)
{
	struct config_relay *relay = config_grow(config, setting_find(&section_top, "relays"));

	relay->name = memory_text(name);
	relay->database = memory_text(database);
	config_finish_relay(relay);
	return relay;
}

struct config_sink *config_add_sink(
	struct config *config, const char *name, const char *database, const char *stream)
{
	struct config_sink *sink = config_grow(config, setting_find(&section_top, "sinks"));

	sink->name = memory_text(name);
	sink->database = memory_text(database);
	sink->stream = memory_text(stream);
	tables_finish(sink);
	return sink;
}

struct config_stream *config_add_stream(struct config *config, const char *name)
{
	struct config_stream *stream = config_grow(config, setting_find(&section_top, "streams"));

	stream->name = memory_text(name);
	return stream;
}

static bool unknown_setting(const struct section *section, const char *key, struct error *err)
{
	const char *keys[SECTION_NAMES];
	size_t count = 0;

	for (const struct setting *setting = section->settings; setting->key; setting++)
		keys[count++] = setting->key;
	keys[count] = NULL;
	const char *near = units_near_miss(key, keys);
	return error_set(err, ERROR_USAGE, "unknown setting \"%.80s\" of %s%s%s%s", key,
		section->title, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
}

/* "columns.NAME", or one of its members: "columns.NAME.default". */
static bool set_column(
	struct config_sink *sink, const char *key, const char *value, struct error *err)
{
	const char *dot = strrchr(key, '.');
	char *name = dot ? memory_copy(key, (size_t)(dot - key)) : memory_text(key);
	const struct config_column *known = columns_find(&sink->own.columns, name);
	struct config_column *column = known
		? &sink->own.columns.items[known - sink->own.columns.items]
		: columns_add(&sink->own.columns, name, 0, err);

	free(name);
	return column && columns_set(column, dot ? dot + 1 : "from", value, err);
}

bool config_set(void *section, const char *section_kind, const char *key, const char *value,
	struct error *err)
{
	const struct section *table = section_find(section_kind);

	if (!table)
		return error_set(err, ERROR_INTERNAL, "no section \"%s\"", section_kind);
	const struct setting *setting = setting_find(table, key);
	if (!setting && table == &section_sink && strncmp(key, "columns.", 8) == 0)
		return set_column(section, key + 8, value, err);
	if (!setting)
		return unknown_setting(table, key, err);
	return value_set(setting, section, value, err);
}
