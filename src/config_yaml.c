/* Reads YAML with libyaml's document interface. What keys there are comes from the settings table. */
#include "config_yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/memory.h"
#include "base/units.h"
#include "config_columns.h"
#include "config_expand.h"
#include "config_scan.h"
#include "config_secret.h"
#include "config_value.h"

struct loader {
	yaml_document_t document;
	struct config *config;
	struct problems *problems;
	int *nats_line;
};

static int line_of(const yaml_node_t *node)
{
	return (int)node->start_mark.line + 1;
}

static yaml_node_t *node_at(struct loader *loader, int index)
{
	return yaml_document_get_node(&loader->document, index);
}

static const char *scalar_of(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static bool has_nul(const yaml_node_t *node)
{
	return strlen(scalar_of(node)) != node->data.scalar.length;
}

/* Nothing, ~ or null, without quotes. */
static bool is_null(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	const char *text = scalar_of(node);
	return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* The scalar with its variables replaced, or NULL after a problem. Belongs to the caller. */
static char *expanded(struct loader *loader, const char *key, const yaml_node_t *node)
{
	struct buf value = { 0 };
	struct error err;

	if (node->type != YAML_SCALAR_NODE) {
		problems_add(
			loader->problems, line_of(node), "%s: a single value is wanted here", key);
		return NULL;
	}
	if (has_nul(node)) {
		problems_add(loader->problems, line_of(node), "%s: has a NUL character in it", key);
		return NULL;
	}
	if (!config_expand(scalar_of(node), CONFIG_VALUE_MAX, &value, &err)) {
		problems_add(loader->problems, line_of(node), "%s: %s", key, err.text);
		buf_finish(&value);
		return NULL;
	}
	return value.data;
}

static void note_secret(struct loader *loader, const struct setting *setting, const char *raw)
{
	if (!strstr(raw, "${") &&
		(setting->secret || (setting_is_url(setting) && config_has_secrets(raw))))
		loader->config->holds_secrets = true;
}

static void read_scalar(
	struct loader *loader, const struct setting *setting, void *values, const yaml_node_t *node)
{
	struct error err;
	char *text = is_null(node) ? memory_text("") : expanded(loader, setting->key, node);

	if (text && *text)
		note_secret(loader, setting, scalar_of(node));
	if (text && !value_set(setting, values, text, &err)) {
		config_unexpand(scalar_of(node), text, &err);
		problems_add(loader->problems, line_of(node), "%s", err.text);
	}
	free(text);
}

static void read_list(
	struct loader *loader, const struct setting *setting, void *values, const yaml_node_t *node)
{
	const yaml_node_item_t *item = node->data.sequence.items.start;
	size_t room = (size_t)(node->data.sequence.items.top - item), count = 0;
	char **items = memory_new((room + 1) * sizeof(*items));
	struct error err;

	for (; item < node->data.sequence.items.top && !problems_full(loader->problems); item++)
		if ((items[count] = expanded(loader, setting->key, node_at(loader, *item))))
			count++;
	bool ok = value_set_list(setting, values, (const char *const *)items, count, &err);
	if (!ok && count == room)
		problems_add(loader->problems, line_of(node), "%s", err.text);
	while (count > 0)
		free(items[--count]);
	free(items);
}

/* A mapping in the place of a list: its items become NAME=VALUE. */
static void read_pairs(
	struct loader *loader, const struct setting *setting, void *values, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	size_t room = (size_t)(node->data.mapping.pairs.top - pair), count = 0;
	char **items = memory_new((room + 1) * sizeof(*items));
	struct error err;

	for (; pair < node->data.mapping.pairs.top && !problems_full(loader->problems); pair++) {
		char *name = expanded(loader, setting->key, node_at(loader, pair->key));
		char *value = expanded(loader, setting->key, node_at(loader, pair->value));
		if (name && value)
			items[count++] = memory_format("%s=%s", name, value);
		free(name);
		free(value);
	}
	if (!value_set_list(setting, values, (const char *const *)items, count, &err) &&
		count == room)
		problems_add(loader->problems, line_of(node), "%s", err.text);
	while (count > 0)
		free(items[--count]);
	free(items);
}

static const yaml_node_pair_t *find_key(struct loader *loader, const yaml_node_t *node,
	const char *name, const yaml_node_pair_t *end)
{
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
		const yaml_node_t *key = node_at(loader, pair->key);
		if (key->type == YAML_SCALAR_NODE && strcmp(scalar_of(key), name) == 0)
			return pair;
	}
	return NULL;
}

static void column_problem(struct loader *loader, const yaml_node_t *node, const struct error *err)
{
	problems_add(loader->problems, line_of(node), "%s", err->text);
}

static void read_member(struct loader *loader, struct config_column *column, const char *member,
	const yaml_node_t *node)
{
	struct error err;
	char *text = NULL;

	if (is_null(node))
		problems_add(loader->problems, line_of(node),
			"columns.%.80s: %.80s is empty; leave it out, or write \"\"", column->name,
			member);
	else
		text = expanded(loader, "columns", node);
	if (text && !columns_set(column, member, text, &err))
		column_problem(loader, node, &err);
	free(text);
}

/* COLUMN: SOURCE, or COLUMN: { from: SOURCE, default: TEXT } or { value: TEXT }. */
static void read_column(
	struct loader *loader, struct config_column *column, const yaml_node_t *node)
{
	size_t before = loader->problems->count;
	struct error err;

	if (node->type != YAML_MAPPING_NODE) {
		read_member(loader, column, "from", node);
	} else {
		for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
			pair < node->data.mapping.pairs.top; pair++) {
			const yaml_node_t *key = node_at(loader, pair->key);
			const char *member = key->type == YAML_SCALAR_NODE ? scalar_of(key) : "";
			if (find_key(loader, node, member, pair))
				problems_add(loader->problems, line_of(key),
					"the key \"%.80s\" is there twice", member);
			else
				read_member(loader, column, member, node_at(loader, pair->value));
		}
	}
	if (loader->problems->count == before && !columns_check(column, &err))
		column_problem(loader, node, &err);
}

static void read_columns(
	struct loader *loader, const struct setting *setting, void *values, const yaml_node_t *node)
{
	void *place = (char *)values + setting->place;
	struct error err;

	if (is_null(node))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		problems_add(loader->problems, line_of(node),
			"%s: columns are wanted here, as COLUMN: SOURCE", setting->key);
		return;
	}
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top && !problems_full(loader->problems); pair++) {
		const yaml_node_t *key = node_at(loader, pair->key);
		struct config_column *column = NULL;
		if (key->type != YAML_SCALAR_NODE || has_nul(key))
			error_set(&err, ERROR_USAGE, "columns: a name must be a plain word");
		else
			column = columns_add(place, scalar_of(key), line_of(key), &err);
		if (column)
			read_column(loader, column, node_at(loader, pair->value));
		else
			column_problem(loader, key, &err);
	}
}

static void read_mapping(struct loader *loader, const struct section *section, void *values,
	const char *prefix, const yaml_node_t *node);

static void read_sections(
	struct loader *loader, const struct setting *setting, void *parent, const yaml_node_t *node)
{
	const struct section *section = setting->section;

	if (is_null(node))
		return;
	if (node->type != YAML_SEQUENCE_NODE) {
		problems_add(loader->problems, line_of(node),
			"%s: a list is wanted here, each item beginning with \"- \"", setting->key);
		return;
	}
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
		item < node->data.sequence.items.top && !problems_full(loader->problems); item++) {
		const yaml_node_t *one = node_at(loader, *item);
		if (setting_count(setting, parent) >= CONFIG_SECTIONS_MAX) {
			problems_add(loader->problems, line_of(one), "%s: more than %d of them",
				setting->key, CONFIG_SECTIONS_MAX);
			return;
		}
		char *values = config_grow(parent, setting);
		*(int *)(void *)(values + section->line_place) = line_of(one);
		read_mapping(loader, section, values, "", one);
	}
}

static void read_value(
	struct loader *loader, const struct setting *setting, void *values, const yaml_node_t *node)
{
	if (setting->type == SETTING_SECTIONS) {
		read_sections(loader, setting, values, node);
	} else if (setting->type == SETTING_SECTION) {
		*loader->nats_line = line_of(node);
		read_mapping(loader, setting->section, (char *)values + setting->place, "", node);
	} else if (setting->type == SETTING_COLUMNS) {
		read_columns(loader, setting, values, node);
	} else if (setting->type == SETTING_LIST && node->type == YAML_SEQUENCE_NODE) {
		read_list(loader, setting, values, node);
	} else if (setting->pairs && node->type == YAML_MAPPING_NODE) {
		read_pairs(loader, setting, values, node);
	} else {
		read_scalar(loader, setting, values, node);
	}
}

static void unknown_key(struct loader *loader, const struct section *section, const char *prefix,
	const yaml_node_t *key)
{
	const char *names[SECTION_NAMES], *dot = *prefix ? "." : "";
	char room[SECTION_NAMES][32];

	section_names(section, prefix, names, room);
	const char *near = units_near_miss(scalar_of(key), names);
	if (near)
		problems_add(loader->problems, line_of(key),
			"unknown key \"%s%s%.80s\" in %s; did you mean \"%s%s%s\"?", prefix, dot,
			scalar_of(key), section->title, prefix, dot, near);
	else
		problems_add(loader->problems, line_of(key),
			"unknown key \"%s%s%.80s\" in %s; \"dray init -\" prints every key", prefix,
			dot, scalar_of(key), section->title);
}

static bool is_group(const struct section *section, const char *name)
{
	size_t size = strlen(name);

	for (const struct setting *setting = section->settings; setting->key; setting++)
		if (strncmp(setting->key, name, size) == 0 && setting->key[size] == '.')
			return true;
	return false;
}

static void read_pair(struct loader *loader, const struct section *section, void *values,
	const char *prefix, const yaml_node_t *key, const yaml_node_t *value)
{
	char *name = memory_format("%s%s%s", prefix, *prefix ? "." : "", scalar_of(key));
	const struct setting *setting =
		strchr(scalar_of(key), '.') ? NULL : setting_find(section, name);

	if (setting)
		read_value(loader, setting, values, value);
	else if (!has_nul(key) && is_group(section, name))
		read_mapping(loader, section, values, name, value);
	else
		unknown_key(loader, section, prefix, key);
	free(name);
}

static void require_keys(
	struct loader *loader, const struct section *section, const yaml_node_t *node)
{
	const yaml_node_pair_t *end = node->data.mapping.pairs.top;

	for (const struct setting *setting = section->settings; setting->key; setting++)
		if (setting->required && !find_key(loader, node, setting->key, end))
			problems_add(loader->problems, line_of(node), "%s needs a %s: %s",
				section->title, setting->key, setting->help);
}

/* What stands both alone and in the elements of a list would be one too many. */
static void refuse_replaced(struct loader *loader, const struct section *section,
	const void *values, const yaml_node_t *node)
{
	for (const struct setting *setting = section->settings; setting->key; setting++) {
		if (!setting_is_replaced(section, setting, values))
			continue;
		char *name = memory_copy(setting->key, strcspn(setting->key, "."));
		const yaml_node_pair_t *pair =
			find_key(loader, node, name, node->data.mapping.pairs.top);
		if (pair && strncmp(setting[-1].key, setting->key, strlen(name) + 1) != 0)
			problems_add(loader->problems, line_of(node_at(loader, pair->key)),
				"%s: belongs into each entry of %s, where there are such", name,
				setting->instead);
		free(name);
	}
}

static void read_mapping(struct loader *loader, const struct section *section, void *values,
	const char *prefix, const yaml_node_t *node)
{
	if (is_null(node) && (*prefix || !section->count_place))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		problems_add(loader->problems, line_of(node),
			"%s: settings are wanted here, as KEY: VALUE",
			*prefix ? prefix : section->title);
		return;
	}
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		pair < node->data.mapping.pairs.top && !problems_full(loader->problems); pair++) {
		const yaml_node_t *key = node_at(loader, pair->key);
		if (key->type != YAML_SCALAR_NODE)
			problems_add(loader->problems, line_of(key), "a key must be a plain word");
		else if (find_key(loader, node, scalar_of(key), pair))
			problems_add(loader->problems, line_of(key),
				"the key \"%.80s\" is there twice", scalar_of(key));
		else
			read_pair(
				loader, section, values, prefix, key, node_at(loader, pair->value));
	}
	if (*prefix)
		return;
	require_keys(loader, section, node);
	refuse_replaced(loader, section, values, node);
}

void config_yaml_read(struct config *config, const char *text, size_t size, int *nats_line,
	struct problems *problems)
{
	struct loader loader = { .config = config, .problems = problems, .nats_line = nats_line };
	yaml_parser_t parser;

	*nats_line = 0;
	if (!config_scan(text, size, problems))
		return;
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (yaml_parser_load(&parser, &loader.document)) {
		yaml_node_t *root = yaml_document_get_root_node(&loader.document);
		if (root)
			read_mapping(&loader, &section_top, config, "", root);
		yaml_document_delete(&loader.document);
	} else {
		config_syntax_problem(&parser, problems);
	}
	yaml_parser_delete(&parser);
}
