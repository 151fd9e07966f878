/* Values of settings: from text, with the checks that the settings table asks for, and freed. */
#include "config_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/units.h"
#include "config.h"
#include "config_check.h"
#include "config_columns.h"

_Static_assert(sizeof(enum ordering) == sizeof(int), "choices are kept as int");

static void *place_of(const struct setting *setting, void *section)
{
	return setting->place == SETTING_NO_PLACE ? NULL : (char *)section + setting->place;
}

static void format_number(const struct setting *setting, int64_t number, char text[32])
{
	if (setting->type == SETTING_DURATION)
		units_format_duration(number, text);
	else if (setting->type == SETTING_SIZE)
		units_format_size(number, text);
	else
		snprintf(text, 32, "%" PRId64, number);
}

static bool out_of_range(const struct setting *setting, const char *text, struct error *err)
{
	char low[32], high[32];

	format_number(setting, setting->low, low);
	format_number(setting, setting->high, high);
	return error_set(err, ERROR_USAGE, "%s: %.80s is out of range; it goes from %s to %s",
		setting->key, text, low, high);
}

static bool not_a(const struct setting *setting, const char *text, struct error *err)
{
	static const char *const forms[] = {
		[SETTING_INTEGER] = "a whole number, like 100",
		[SETTING_REAL] = "a number, like 2 or 0.2",
		[SETTING_DURATION] = "a duration, like 250ms, 5s, 2m, 1h or 7d",
		[SETTING_SIZE] = "a size, like 512, 8KiB, 16MiB or 1GiB",
	};

	return error_set(err, ERROR_USAGE, "%s: \"%.80s\" is not %s%s%s", setting->key, text,
		forms[setting->type], setting->zero ? ", nor " : "",
		setting->zero ? setting->zero : "");
}

static bool parse_integer(const char *text, int64_t *number)
{
	char *end;

	if (strspn(text, "-0123456789") != strlen(text))
		return false;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return !errno && end != text && !*end;
}

static bool set_whole(
	const struct setting *setting, int64_t *place, const char *text, struct error *err)
{
	bool (*parse)(const char *, int64_t *) = parse_integer;
	int64_t number;

	if (setting->type == SETTING_DURATION)
		parse = units_parse_duration;
	else if (setting->type == SETTING_SIZE)
		parse = units_parse_size;
	if (setting->zero && strcmp(text, setting->zero) == 0) {
		*place = 0;
		return true;
	}
	if (!parse(text, &number))
		return not_a(setting, text, err);
	if (number < setting->low || number > setting->high)
		return out_of_range(setting, text, err);
	*place = number;
	return true;
}

static bool set_real(
	const struct setting *setting, double *place, const char *text, struct error *err)
{
	char *end;
	double number = strtod(text, &end);

	if (*end || strspn(text, "-.0123456789e") != strlen(text))
		return not_a(setting, text, err);
	if (number < (double)setting->low || number > (double)setting->high)
		return out_of_range(setting, text, err);
	*place = number;
	return true;
}

static bool refuse_choice(const struct setting *setting, const char *text, struct error *err)
{
	struct buf list = { 0 };

	for (size_t i = 0; setting->choices[i]; i++)
		buf_format(&list, "%s%s", i ? (setting->choices[i + 1] ? ", " : " or ") : "",
			setting->choices[i]);
	error_set(err, ERROR_USAGE, "%s: \"%.80s\" is unknown; it is %s", setting->key, text,
		list.data);
	buf_finish(&list);
	return false;
}

static bool set_choice(
	const struct setting *setting, int *place, const char *text, struct error *err)
{
	for (int i = 0; setting->choices[i]; i++) {
		if (strcmp(setting->choices[i], text) != 0)
			continue;
		if (place)
			*place = i;
		return true;
	}
	return refuse_choice(setting, text, err);
}

static bool check(const struct setting *setting, const char *text, struct error *err)
{
	if (setting->check && !setting->check(text, err))
		return error_prefix(err, "%s", setting->key);
	return true;
}

static bool set_text(
	const struct setting *setting, char **place, const char *text, struct error *err)
{
	if (!check(setting, text, err))
		return false;
	free(*place);
	*place = memory_text(text);
	return true;
}

static void free_list(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){ 0 };
}

bool value_set_list(const struct setting *setting, void *section, const char *const *items,
	size_t count, struct error *err)
{
	struct config_list *list = place_of(setting, section);

	if (setting->type != SETTING_LIST)
		return error_set(err, ERROR_USAGE, "%s: a list; it takes one value", setting->key);
	if (count == 0 && setting->required)
		return error_set(err, ERROR_USAGE, "%s: may not be empty", setting->key);
	for (size_t i = 0; i < count; i++)
		if (!check(setting, items[i], err))
			return false;
	free_list(list);
	list->items = memory_new((count + 1) * sizeof(char *));
	for (size_t i = 0; i < count; i++)
		list->items[list->count++] = memory_text(items[i]);
	return true;
}

static bool set_split(
	const struct setting *setting, void *section, const char *text, struct error *err)
{
	char *copy = memory_text(text), *rest = copy, *item;
	const char **items = memory_new((strlen(text) / 2 + 2) * sizeof(*items));
	size_t count = 0;

	while ((item = strsep(&rest, ", ")))
		if (*item)
			items[count++] = item;
	bool ok = value_set_list(setting, section, items, count, err);
	free(items);
	free(copy);
	return ok;
}

static bool start_at_time(struct config_sink *sink, const char *time, struct error *err)
{
	if (!check_time(time, err))
		return error_prefix(err, "start");
	sink->start = SINK_START_TIME;
	free(sink->start_time);
	sink->start_time = memory_text(time);
	return true;
}

static bool set_start(struct config_sink *sink, const char *text, struct error *err)
{
	int64_t seq;

	if (strncmp(text, "time:", 5) == 0)
		return start_at_time(sink, text + 5, err);
	if (strcmp(text, "all") == 0) {
		sink->start = SINK_START_ALL;
	} else if (strcmp(text, "new") == 0) {
		sink->start = SINK_START_NEW;
	} else if (strncmp(text, "seq:", 4) == 0 && parse_integer(text + 4, &seq) && seq >= 1) {
		sink->start = SINK_START_SEQ;
		sink->start_seq = seq;
	} else {
		return error_set(err, ERROR_USAGE,
			"start: \"%.80s\" is unknown; it is all, new, seq:N (1 and more) or "
			"time:2026-01-01T00:00:00Z",
			text);
	}
	return true;
}

static void unset(const struct setting *setting, void *section)
{
	if (setting->type == SETTING_LIST) {
		free_list(place_of(setting, section));
	} else if (setting->type == SETTING_COLUMNS) {
		columns_finish(place_of(setting, section));
	} else if (setting->type == SETTING_TEXT) {
		char **place = place_of(setting, section);
		free(*place);
		*place = NULL;
	}
}

static bool set_empty(const struct setting *setting, void *section, struct error *err)
{
	if (setting->required)
		return error_set(err, ERROR_USAGE, "%s: may not be empty", setting->key);
	if (setting->fallback)
		return error_set(err, ERROR_USAGE,
			"%s: may not be empty; take the line out for the default, %s", setting->key,
			setting->fallback);
	unset(setting, section);
	return true;
}

bool value_set(const struct setting *setting, void *section, const char *text, struct error *err)
{
	if (!text || !*text)
		return set_empty(setting, section, err);
	void *place = place_of(setting, section);
	switch (setting->type) {
	case SETTING_TEXT:
		return set_text(setting, place, text, err);
	case SETTING_INTEGER:
	case SETTING_DURATION:
	case SETTING_SIZE:
		return set_whole(setting, place, text, err);
	case SETTING_REAL:
		return set_real(setting, place, text, err);
	case SETTING_CHOICE:
		return set_choice(setting, place, text, err);
	case SETTING_LIST:
		return set_split(setting, section, text, err);
	case SETTING_START:
		return set_start(section, text, err);
	default:
		return error_set(
			err, ERROR_USAGE, "%s: has settings of its own below it", setting->key);
	}
}

void values_default(const struct section *section, void *values)
{
	struct error err;

	for (const struct setting *setting = section->settings; setting->key; setting++) {
		if (setting->type == SETTING_SECTION)
			values_default(setting->section, (char *)values + setting->place);
		if (setting->fallback && !value_set(setting, values, setting->fallback, &err))
			abort(); /* the table contradicts itself */
	}
}

static void finish_sections(const struct setting *setting, void *values)
{
	for (size_t i = 0; i < setting_count(setting, values); i++)
		values_finish(setting->section, setting_item(setting, values, i));
	free(setting_item(setting, values, 0));
}

void values_finish(const struct section *section, void *values)
{
	for (const struct setting *setting = section->settings; setting->key; setting++) {
		if (setting->type == SETTING_SECTION)
			values_finish(setting->section, (char *)values + setting->place);
		else if (setting->type == SETTING_SECTIONS)
			finish_sections(setting, values);
		else if (setting->type == SETTING_START)
			free(((struct config_sink *)values)->start_time);
		else
			unset(setting, values);
	}
}
