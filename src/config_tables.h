#ifndef CONFIG_TABLES_H
#define CONFIG_TABLES_H

#include "config.h"
#include "config_problems.h"

/*
 * The tables of a sink. Those of a file are checked with their lines (tables_check); of a sink made without one
 * the first error alone counts (config_check_sink). tables_finish fills in what a sink does not say: the table
 * of an archive, and the subjects that its tables have together.
 */
void tables_check(const struct config_sink *sink, struct problems *problems);
void tables_finish(struct config_sink *sink);

#endif
