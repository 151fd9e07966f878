#ifndef CONFIG_SECRET_H
#define CONFIG_SECRET_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Adds a URL, or several separated by commas, with passwords and tokens replaced by ***: those before the
 * host, and those in parameters whose name ends in "password".
 */
void config_hide_secrets(const char *url, struct buf *out);

/* Whether config_hide_secrets would hide something. */
bool config_has_secrets(const char *url);

#endif
