#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Adds text with every ${VAR} and ${VAR:-default} replaced from the environment; the default stands in for
 * a variable that is unset or empty. ERROR_USAGE names a variable without value and default; the result
 * may have at most limit bytes. A $ without { stays.
 */
bool config_expand(const char *text, size_t limit, struct buf *out, struct error *err);

/*
 * Puts what the file says in place of its value in an error, where variables stand in it: who mistakes one
 * variable for another does not read a password in the log.
 */
void config_unexpand(const char *text, const char *value, struct error *err);

#endif
