#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "config.h"
#include "config_problems.h"
#include "config_settings.h"

/*
 * Reads the text of a file into config, which has its defaults already. nats_line gets the line of nats:,
 * or 0. What is wrong goes to problems; what is right is set all the same.
 */
void config_yaml_read(struct config *config, const char *text, size_t size, int *nats_line,
	struct problems *problems);

/* A new element of the list that setting (SETTING_SECTIONS) names in parent, with its defaults. */
void *config_grow(void *parent, const struct setting *setting);

#define CONFIG_SECTIONS_MAX 256 /* elements of one list */
#define CONFIG_SIZE_MAX	    (1024 * 1024)
#define CONFIG_VALUE_MAX    (64 * 1024) /* bytes, once variables are replaced */

#endif
