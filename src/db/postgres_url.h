#ifndef DB_POSTGRES_URL_H
#define DB_POSTGRES_URL_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "base/error.h"

/*
 * A connection URI, read by libpq. ERROR_USAGE where libpq does not understand it, or understands a part of a
 * password as host, port or database: such a character has to be written with a percent sign. The error shows
 * nothing of the URI. The options are freed with PQconninfoFree.
 */
PQconninfoOption *postgres_url_parse(const char *url, struct error *err);

/* What an option says; NULL where it is empty or missing. Belongs to the options. */
const char *postgres_url_option(const PQconninfoOption *options, const char *keyword);

/* Host, port and database: what may be shown. The caller frees it. */
char *postgres_url_label(const PQconninfoOption *options);

#endif
