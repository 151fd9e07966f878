#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config_settings.h"

/*
 * The value of one setting in a section's struct: read from text with every check, freed. Errors are ERROR_USAGE and
 * begin with the setting's key; the value of a secret is never in them.
 */

/* text NULL or empty: unset, for settings that may be. A list may be one text with commas. */
bool value_set(const struct setting *setting, void *section, const char *text, struct error *err);
bool value_set_list(const struct setting *setting, void *section, const char *const *items,
	size_t count, struct error *err);

/* Every setting of a section: filled with its default; freed. */
void values_default(const struct section *section, void *values);
void values_finish(const struct section *section, void *values);

#endif
