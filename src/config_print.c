/* The effective config, and the commented one of `dray init`, both from the settings table. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config_settings.h"
#include "config_secret.h"

#define STEP 2 /* columns an inner level stands further right */

static bool is_set(const struct setting *setting, const void *section)
{
	const char *place = (const char *)section + setting->place;

	if (setting->type == SETTING_TEXT)
		return *(char *const *)(const void *)place != NULL;
	return true;
}

static void format_start(const struct config_sink *sink, struct buf *out)
{
	if (sink->start == SINK_START_SEQ)
		buf_format(out, "seq:%" PRId64, sink->start_seq);
	else if (sink->start == SINK_START_TIME)
		buf_format(out, "time:%s", sink->start_time);
	else
		buf_add_text(out, sink->start == SINK_START_NEW ? "new" : "all");
}

static void format_number(const struct setting *setting, int64_t number, struct buf *out)
{
	char text[32];

	if (setting->zero && number == 0)
		snprintf(text, sizeof(text), "%s", setting->zero);
	else if (setting->type == SETTING_DURATION)
		units_format_duration(number, text);
	else if (setting->type == SETTING_SIZE)
		units_format_size(number, text);
	else
		snprintf(text, sizeof(text), "%" PRId64, number);
	buf_add_text(out, text);
}

static void format_value(const struct setting *setting, const void *section, struct buf *out)
{
	if (setting->place == SETTING_NO_PLACE) {
		buf_add_text(out, setting->fallback);
		return;
	}
	const void *place = (const char *)section + setting->place;
	if (setting->secret)
		buf_add_text(out, "(set)");
	else if (setting_is_url(setting))
		config_hide_secrets(*(char *const *)place, out);
	else if (setting->type == SETTING_TEXT)
		buf_add_text(out, *(char *const *)place);
	else if (setting->type == SETTING_START)
		format_start(section, out);
	else if (setting->type == SETTING_CHOICE)
		buf_add_text(out, setting->choices[*(const int *)place]);
	else if (setting->type == SETTING_REAL)
		buf_format(out, "%g", *(const double *)place);
	else
		format_number(setting, *(const int64_t *)place, out);
}

/* One character, as an escape where YAML does not take it as it is or reads it as a line break. */
static size_t add_character(struct buf *out, const char *text)
{
	static const struct {
		const char *bytes, *escape;
	} special[] = { { "\"", "\\\"" }, { "\\", "\\\\" }, { "\x7f", "\\x7f" },
		{ "\xe2\x80\xa8", "\\L" }, { "\xe2\x80\xa9", "\\P" }, { "\xef\xbb\xbf", "\\ufeff" },
		{ "\xef\xbf\xbe", "\\ufffe" }, { "\xef\xbf\xbf", "\\uffff" } };
	unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strncmp(text, special[i].bytes, strlen(special[i].bytes)) == 0) {
			buf_add_text(out, special[i].escape);
			return strlen(special[i].bytes);
		}
	if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
		buf_format(out, "\\x%02x", (unsigned)next);
		return 2;
	}
	if (c < ' ')
		buf_format(out, "\\x%02x", (unsigned)c);
	else
		buf_add_char(out, text[0]);
	return 1;
}

static void add_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	while (*text)
		text += add_character(out, text);
	buf_add_char(out, '"');
}

/* A text as a YAML scalar: quoted where it could be read as anything else. */
static void add_scalar(struct buf *out, const char *text)
{
	size_t plain = strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_-./@$=:+");
	bool quote = text[plain] || !*text || strchr("-:=@", text[0]) || strstr(text, ": ") ||
		text[plain - 1] == ':' || strcmp(text, "null") == 0;

	if (quote)
		add_quoted(out, text);
	else
		buf_add_text(out, text);
}

static void add_list(struct buf *out, const char *const *items, size_t count)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i ? ", " : "");
		add_quoted(out, items[i]);
	}
	buf_add_char(out, ']');
}

/* Items NAME=VALUE as a mapping. */
static void add_pairs(struct buf *out, const char *const *items, size_t count)
{
	buf_add_text(out, count ? "{ " : "{");
	for (size_t i = 0; i < count; i++) {
		size_t name = strcspn(items[i], "=");
		buf_add_text(out, i ? ", " : "");
		buf_add(out, items[i], name);
		buf_add_text(out, ": ");
		add_quoted(out, items[i] + name + (items[i][name] == '='));
	}
	buf_add_text(out, count ? " }" : "}");
}

/*
 * Where a line goes: its column, whether it is commented out, and whether it is the first of a list's
 * item, which has "- " before it.
 */
struct writer {
	struct buf *out;
	int column;
	bool item;
	const char *group; /* the part before the dot of the setting before */
};

static void begin_line(struct writer *writer, bool commented, int deeper)
{
	buf_format(writer->out, "%*s", writer->column, "");
	if (writer->item && !commented) {
		buf_cut(writer->out, STEP);
		buf_add_text(writer->out, "- ");
		writer->item = false;
	}
	buf_format(writer->out, "%s%*s", commented ? "#" : "", deeper, "");
}

/* Opens the group of a dotted key where it is a new one; gives the key's last part. */
static const char *enter_group(struct writer *writer, const char *key, bool commented, int *deeper)
{
	const char *dot = strchr(key, '.');
	size_t size = dot ? (size_t)(dot + 1 - key) : 0;

	*deeper = dot ? STEP : 0;
	if (dot && (!writer->group || strncmp(writer->group, key, size) != 0)) {
		begin_line(writer, commented, 0);
		buf_format(writer->out, "%.*s:\n", (int)(dot - key), key);
	}
	writer->group = dot ? key : NULL;
	return key + size;
}

static void add_member(struct buf *out, const char *name, const char *text, bool *first)
{
	if (!text)
		return;
	buf_format(out, "%s%s: ", *first ? "" : ", ", name);
	add_quoted(out, text);
	*first = false;
}

static void add_columns(struct buf *out, const struct config_columns *columns)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < columns->count; i++) {
		const struct config_column *column = &columns->items[i];
		bool first = true;
		buf_add_text(out, i ? ", " : " ");
		add_quoted(out, column->name);
		buf_add_text(out, ": { ");
		add_member(out, "from", column->from, &first);
		add_member(out, "value", column->value, &first);
		add_member(out, "default", column->fallback, &first);
		buf_add_text(out, " }");
	}
	buf_add_text(out, columns->count ? " }" : "}");
}

static void print_value(struct buf *out, const struct setting *setting, const void *section)
{
	struct buf text = { 0 };

	if (setting->type == SETTING_LIST) {
		const void *place = (const char *)section + setting->place;
		const struct config_list *list = place;
		(setting->pairs ? add_pairs : add_list)(
			out, (const char *const *)list->items, list->count);
	} else if (setting->type == SETTING_COLUMNS) {
		const void *place = (const char *)section + setting->place;
		add_columns(out, place);
	} else if (setting->place != SETTING_NO_PLACE && !is_set(setting, section)) {
		buf_add_char(out, '~');
	} else {
		format_value(setting, section, &text);
		add_scalar(out, text.data);
	}
	buf_finish(&text);
}

static void print_setting(struct writer *writer, const struct setting *setting, const void *section)
{
	int deeper;

	const char *name = enter_group(writer, setting->key, false, &deeper);
	begin_line(writer, false, deeper);
	buf_format(writer->out, "%s: ", name);
	print_value(writer->out, setting, section);
	buf_add_char(writer->out, '\n');
}

static void print_all(struct writer *writer, const struct section *section, const void *values);

static void print_sections(struct writer *writer, const struct setting *setting, const void *values)
{
	size_t count = setting_count(setting, values);

	begin_line(writer, false, 0);
	buf_format(writer->out, "%s:%s\n", setting->key, count ? "" : " []");
	for (size_t i = 0; i < count; i++) {
		struct writer inner = { writer->out, writer->column + 2 * STEP, true, NULL };
		print_all(&inner, setting->section, setting_item(setting, values, i));
	}
}

static void print_section(struct writer *writer, const struct setting *setting, const void *values)
{
	struct writer inner = { writer->out, writer->column + STEP, false, NULL };

	buf_format(writer->out, "%s:\n", setting->key);
	print_all(&inner, setting->section, (const char *)values + setting->place);
}

static void print_all(struct writer *writer, const struct section *section, const void *values)
{
	for (const struct setting *setting = section->settings; setting->key; setting++) {
		if (setting_is_replaced(section, setting, values))
			continue;
		if (setting->type == SETTING_SECTION)
			print_section(writer, setting, values);
		else if (setting->type == SETTING_SECTIONS)
			print_sections(writer, setting, values);
		else
			print_setting(writer, setting, values);
	}
}

void config_print(const struct config *config, struct buf *out)
{
	struct writer top = { out, 0, false, NULL };

	print_all(&top, &section_top, config);
}

#define HELP_COLUMN 44

static void add_help(struct buf *out, size_t line, const char *help)
{
	size_t used = out->size - line;

	buf_format(out, "%*s # %s\n", used < HELP_COLUMN ? (int)(HELP_COLUMN - used) : 0, "", help);
}

static void template_setting(struct writer *writer, const struct setting *setting)
{
	const char *value = setting->example ? setting->example : setting->fallback;
	int deeper;

	const char *name = enter_group(writer, setting->key, !setting->shown, &deeper);
	size_t line = writer->out->size;
	bool excluded = setting->type == SETTING_SECTIONS; /* by others of the template */
	begin_line(writer, !setting->shown, deeper + excluded);
	buf_format(writer->out, "%s: ", name);
	if (setting->type == SETTING_LIST)
		(setting->pairs ? add_pairs : add_list)(writer->out, &value, 1);
	else if (setting->type == SETTING_COLUMNS)
		buf_format(writer->out, "{ %s: \"$.id\" }", value);
	else if (setting->type == SETTING_SECTIONS)
		buf_add_text(writer->out, value);
	else
		add_scalar(writer->out, value);
	add_help(writer->out, line, setting->help);
}

static void template_section(struct buf *out, const struct setting *section)
{
	bool list = section->type == SETTING_SECTIONS;
	struct writer writer = { out, list ? 2 * STEP : STEP, list, NULL };
	size_t line = out->size;

	buf_format(out, "%s:", section->key);
	add_help(out, line, section->help);
	for (const struct setting *setting = section->section->settings; setting->key; setting++)
		template_setting(&writer, setting);
	buf_add_char(out, '\n');
}

void config_print_template(struct buf *out)
{
	struct writer top = { out, 0, false, NULL };

	buf_add_text(out,
		"# Dray's configuration. A line that begins with # shows a default, or an example.\n"
		"# ${VAR} and ${VAR:-default} in a value are replaced from the environment.\n"
		"# \"dray check\" says what is wrong with it; docs/config.md explains every setting.\n\n");
	for (const struct setting *setting = section_top.settings; setting->key; setting++) {
		if (setting->section)
			template_section(out, setting);
		else
			template_setting(&top, setting);
		if (setting[1].section && !setting->section)
			buf_add_char(out, '\n');
	}
	buf_cut(out, 1); /* the empty line at the end */
}
