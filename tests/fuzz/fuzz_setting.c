/*
 * "SECTION.KEY LF VALUE": one setting from text. What is taken can stand where it will be used: a name in a
 * subject of the API, a table in SQL, a time in a request.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "base/memory.h"
#include "config_check.h"
#include "config.h"
#include "config_value.h"
#include "db/db.h"
#include "event.h"

/* One token of a subject, and a file name on the server. */
static void check_name(const char *value)
{
	struct slice name = slice_of(value);

	must(name.size >= 1 && name.size <= 255 && !strpbrk(value, " .*>/\\\t\r\n"));
	if (fuzz_is_utf8(name))
		must(event_check_subject(name, NULL));
}

/* A literal one matches itself. */
static void check_pattern(const char *value)
{
	must(*value && !strpbrk(value, " \t\r\n") && !strstr(value, ".."));
	if (event_check_subject(slice_of(value), NULL))
		must(event_subject_matches(value, slice_of(value)));
}

/* Quoted once, a quote more would end it: there is none but those around the names. */
static void check_quoted(const char *value)
{
	char *quoted = db_quote_table(value, NULL);
	size_t size = strlen(quoted), quotes = 0;

	for (const char *c = quoted; *c; c++)
		quotes += *c == '"';
	must(size >= 3 && quoted[0] == '"' && quoted[size - 1] == '"');
	must(quotes == (strchr(value, '.') ? 4 : 2) && !strstr(quoted, "\"\""));
	must((strstr(quoted, "\".\"") != NULL) == (strchr(value, '.') != NULL));
	must(strlen(quoted) == strlen(value) + quotes);
	free(quoted);
}

/* RFC 3339, as a server's parser takes it. */
static void check_moment(const char *value)
{
	static const char form[] = "0000-00-00T00:00:00";

	for (size_t i = 0; form[i]; i++)
		must_of(slice_of(value),
			form[i] == '0' ? value[i] >= '0' && value[i] <= '9' : value[i] == form[i]);
	must(strspn(value + 19, ".0123456789Z") == strlen(value + 19));
	must(value[strlen(value) - 1] == 'Z');
}

static void check_text(const struct setting *setting, const char *value)
{
	if (setting->check == check_stream_name || setting->check == check_consumer_name ||
		setting->check == check_token)
		check_name(value);
	if (setting->check == check_pipeline_name)
		must(strspn(value,
			     "-_0123456789abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(value));
	if (setting->check == check_table)
		check_quoted(value);
	if (setting->check == check_nats_url)
		must(!strpbrk(value, "\t\r\n"));
}

static void check_taken(const struct setting *setting, const char *section)
{
	const char *place = section + setting->place;

	if (setting->type == SETTING_TEXT && *(char *const *)(const void *)place)
		check_text(setting, *(char *const *)(const void *)place);
	if (setting->type == SETTING_INTEGER || setting->type == SETTING_DURATION ||
		setting->type == SETTING_SIZE) {
		int64_t number = *(const int64_t *)(const void *)place;
		must((number >= setting->low && number <= setting->high) ||
			(setting->zero && number == 0));
	}
	if (setting->type == SETTING_REAL) {
		double number = *(const double *)(const void *)place;
		must(number >= (double)setting->low && number <= (double)setting->high);
	}
	if (setting->type == SETTING_LIST) {
		const struct config_list *list = (const struct config_list *)(const void *)place;
		for (size_t i = 0; i < list->count; i++)
			check_pattern(list->items[i]);
	}
	if (setting->type == SETTING_START) {
		const struct config_sink *sink = (const struct config_sink *)(const void *)section;
		must(sink->start != SINK_START_SEQ || sink->start_seq >= 1);
		if (sink->start == SINK_START_TIME)
			check_moment(sink->start_time);
	}
}

/* An error begins with the key, is one line, and keeps a secret. */
static void check_error(const struct setting *setting, const struct error *err, const char *value)
{
	must(err->kind == ERROR_USAGE &&
		strncmp(err->text, setting->key, strlen(setting->key)) == 0);
	must(!strpbrk(err->text, "\r\n"));
	must(!setting->secret || strlen(value) < 8 || !strstr(err->text, value));
}

static void try(const struct section *section, const char *key, const char *value)
{
	const struct setting *setting = setting_find(section, key);
	char *values = memory_new(section->size);
	struct error err = { 0 };

	if (setting && !setting->section) {
		values_default(section, values);
		if (!value_set(setting, values, value, &err))
			check_error(setting, &err, value);
		if (setting->place != SETTING_NO_PLACE)
			check_taken(setting, values);
		values_finish(section, values);
	}
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice head = { (const char *)data, size }, rest = fuzz_cut(&head, '\n');
	struct slice kind = head, key = fuzz_cut(&kind, '.');
	char *section = memory_copy(kind.data, kind.size);
	char *name = memory_copy(key.data ? key.data : "", key.size);
	char *value = memory_copy(rest.data ? rest.data : "", rest.size);

	if (section_find(section))
		try(section_find(section), name, value);
	free(section);
	free(name);
	free(value);
	return 0;
}
