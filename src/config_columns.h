#ifndef CONFIG_COLUMNS_H
#define CONFIG_COLUMNS_H

#include "base/buf.h"
#include "config.h"

/* The columns of a table as a config has them: checked one by one, kept, printed. Errors are ERROR_USAGE. */

/* Adds a column of no source yet. Belongs to columns; good until the next one. */
struct config_column *columns_add(
	struct config_columns *columns, const char *name, int line, struct error *err);

/* One member of a column: "from", "value" or "default". */
bool columns_set(
	struct config_column *column, const char *member, const char *text, struct error *err);

/* What holds between the members: to be called when all are set. */
bool columns_check(const struct config_column *column, struct error *err);
const struct config_column *columns_find(const struct config_columns *columns, const char *name);
void columns_remove(struct config_columns *columns, size_t i);
void columns_finish(struct config_columns *columns);

/*
 * What holds between the settings of a sink's table. One that is not named is the archive of that name; where
 * the mode has no such default it is refused.
 */
bool columns_check_table(const struct config_table *table, const char *archive, struct error *err);

#endif
