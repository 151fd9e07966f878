#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * The one table of settings: what a config file may say, with type, range, default and help. Reading,
 * checking, printing, `dray init` and docs/config.md are made from it.
 */
enum setting_type {
	SETTING_TEXT, /* char * */
	SETTING_INTEGER, /* int64_t */
	SETTING_REAL, /* double */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_SIZE, /* int64_t, bytes */
	SETTING_CHOICE, /* an enum: the index in choices */
	SETTING_LIST, /* struct config_list of texts */
	SETTING_COLUMNS, /* struct config_columns: names that the user chooses */
	SETTING_START, /* where a sink begins; lies over several fields of struct config_sink */
	SETTING_SECTION, /* a mapping with settings of its own */
	SETTING_SECTIONS, /* a list of such mappings */
};

#define SETTING_NO_PLACE SIZE_MAX /* checked, but kept nowhere */

typedef bool setting_check_fn(const char *value, struct error *err);

struct section;

struct setting {
	const char *key; /* dotted within its section: "retry.max" */
	enum setting_type type;
	size_t place; /* in the section's struct */
	const char *help; /* one line */
	const char *fallback; /* the default as text; NULL: unset */
	const char *example; /* for the template, where it is not the default */
	int64_t low, high; /* of a number */
	const char *zero; /* a word for 0, which is below low; NULL: there is none */
	const char *const *choices; /* of SETTING_CHOICE, in the order of its enum */
	setting_check_fn *check; /* of a text or of each item of a list */
	bool pairs; /* of SETTING_LIST: a mapping may stand there, too, whose items become NAME=VALUE */
	const char *instead; /* a list of sections that takes its place, or NULL */
	bool required, secret;
	bool shown; /* stands in the template without a # before it */
	const struct section *section; /* of SETTING_SECTION and SETTING_SECTIONS */
};

struct section {
	const char *kind; /* "relay"; "" for the top of the file */
	const char *title; /* "a relay" */
	const struct setting *settings; /* ends with key NULL */
	size_t size; /* of its struct */
	size_t count_place,
		line_place; /* of SETTING_SECTIONS: its count in the struct around, its line */
};

extern const struct section section_top, section_nats, section_stream, section_relay, section_sink,
	section_table;

/* The section of a kind ("relay", "sink", "table", "stream", "nats", ""), or NULL. */
const struct section *section_find(const char *kind);
const struct setting *setting_find(const struct section *section, const char *key);

/* How many elements the list of a setting (SETTING_SECTIONS) has in this struct, and one of them. */
size_t setting_count(const struct setting *setting, const void *values);
void *setting_item(const struct setting *setting, const void *values, size_t i);

/* Whether a list of sections in this struct has taken its place. */
bool setting_is_replaced(
	const struct section *section, const struct setting *setting, const void *values);

/* Whether its texts are URLs of servers or databases, which may hold secrets. */
bool setting_is_url(const struct setting *setting);

#define SECTION_NAMES 64 /* more than any section has */

/*
 * The names that may stand directly under prefix ("" or "retry"), each once, ended by NULL. They live in
 * room, which the caller gives.
 */
void section_names(const struct section *section, const char *prefix,
	const char *names[SECTION_NAMES], char room[SECTION_NAMES][32]);

#endif
