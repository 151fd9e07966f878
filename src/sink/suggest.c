/* Columns for what the payloads of a sample hold. */
#include "sink/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"

#define DEPTH	 4 /* of nested objects whose members become columns */
#define NAME_MAX 60

/* What a walk through the payloads adds to. */
struct walk {
	struct config_columns *columns;
	bool left_out;
};

static bool is_plain(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return *name;
}

static void add_step(struct buf *path, const char *name)
{
	if (is_plain(name))
		buf_format(path, ".%s", name);
	else if (strchr(name, '"'))
		buf_format(path, "['%s']", name);
	else
		buf_format(path, "[\"%s\"]", name);
}

/* $.customer["First Name"] becomes customer_first_name. */
static void make_name(const char *path, char name[NAME_MAX + 1])
{
	size_t size = 0;

	for (const char *c = path + 1; *c && size < NAME_MAX; c++) {
		bool word = isalnum((unsigned char)*c) || *c == '_';
		if (word && size == 0 && isdigit((unsigned char)*c))
			name[size++] = '_';
		if (word)
			name[size++] = (char)tolower((unsigned char)*c);
		else if (size > 0 && name[size - 1] != '_')
			name[size++] = '_';
	}
	while (size > 1 && name[size - 1] == '_')
		size--;
	name[size] = '\0';
	if (size == 0)
		snprintf(name, NAME_MAX + 1, "payload");
}

static bool has_source(const struct config_columns *columns, const char *from)
{
	for (size_t i = 0; i < columns->count; i++)
		if (strcmp(columns->items[i].from, from) == 0)
			return true;
	return false;
}

/* Two paths may make the same name: the later one gets a number. */
static void add_column(struct walk *walk, const char *wanted, const char *from)
{
	char name[NAME_MAX + 8];
	int number = 1;

	if (has_source(walk->columns, from))
		return;
	snprintf(name, sizeof(name), "%s", wanted);
	while (columns_find(walk->columns, name))
		snprintf(name, sizeof(name), "%s_%d", wanted, ++number);
	struct config_column *column = columns_add(walk->columns, name, 0, NULL);
	if (!column || !columns_set(column, "from", from, NULL))
		walk->left_out = true;
}

static void walk_value(struct walk *walk, const json_t *value, struct buf *path, int depth)
{
	size_t size = path->size;
	const char *name;
	char column[NAME_MAX + 1];
	json_t *member;

	if (json_object_size(value) > 0 && depth <= DEPTH) {
		json_object_foreach((json_t *)(uintptr_t)value, name, member)
		{
			if (!*name || (strchr(name, '"') && strchr(name, '\'')))
				continue;
			add_step(path, name);
			walk_value(walk, member, path, depth + 1);
			path->size = size;
			path->data[size] = '\0';
		}
		return;
	}
	if (json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0))
		return; /* an empty object, too, tells nothing */
	make_name(path->data, column);
	add_column(walk, column, path->data);
}

/* Whether a path leads to what another one has only a part of: then the first holds both, as JSON. */
static bool is_part(const char *path, const char *whole)
{
	size_t size = strlen(whole);

	return strncmp(path, whole, size) == 0 && (path[size] == '.' || path[size] == '[');
}

static void drop_parts(struct config_columns *columns)
{
	for (size_t i = 0; i < columns->count;) {
		bool part = false;
		for (size_t k = 0; !part && k < columns->count; k++)
			part = is_part(columns->items[i].from, columns->items[k].from);
		if (part)
			columns_remove(columns, i);
		else
			i++;
	}
}

void suggest_columns(const struct sample *sample, struct config_columns *columns, bool *left_out)
{
	struct walk walk = { .columns = columns };
	struct buf path = { 0 };

	for (size_t i = 0; i < sample->count; i++) {
		struct slice payload = sample->payloads[i];
		json_t *value = json_loadb(payload.data, payload.size,
			JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
		path.size = 0;
		buf_add_text(&path, "$");
		if (value)
			walk_value(&walk, value, &path, 1);
		json_decref(value);
	}
	drop_parts(columns);
	if (columns->count == 0)
		add_column(&walk, "payload", "@payload");
	if (sample->several_subjects)
		add_column(&walk, "subject", "@subject");
	add_column(&walk, "published_at", "@time");
	*left_out = walk.left_out;
	buf_finish(&path);
}
