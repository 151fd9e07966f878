#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include <yaml.h>

#include "config_problems.h"

#define CONFIG_DEPTH_MAX 16

/*
 * Whether a text is one YAML document without aliases and anchors, nested no deeper than CONFIG_DEPTH_MAX.
 * Ends at the first problem.
 */
bool config_scan(const char *text, size_t size, struct problems *problems);

/* Adds what the parser failed with. */
void config_syntax_problem(const yaml_parser_t *parser, struct problems *problems);

#endif
