#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Whether a text of the config is what it should be. On false err (ERROR_USAGE) says what it should be,
 * without the name of the setting. Names of streams and consumers: ADR-6 of NATS, and what the server
 * refuses in paths.
 */
bool check_pipeline_name(const char *value, struct error *err);
bool check_stream_name(const char *value, struct error *err);
bool check_consumer_name(const char *value, struct error *err);
bool check_token(const char *value, struct error *err);
bool check_subject_pattern(const char *value, struct error *err);
bool check_nats_url(const char *value, struct error *err);
bool check_listen(const char *value, struct error *err); /* HOST:PORT */
bool check_bearer(const char *value, struct error *err); /* a token; the error does not show it */
bool check_database(const char *value, struct error *err);
bool check_table(const char *value, struct error *err);
bool check_source(const char *value, struct error *err); /* as source.h has it */
bool check_column_name(const char *value, struct error *err);
bool check_header_name(const char *value, struct error *err);
bool check_template(const char *value, struct error *err); /* a text with {COLUMN} in it */
bool check_header_template(const char *value, struct error *err); /* NAME=TEXT */
bool check_time(const char *value, struct error *err); /* RFC 3339 in UTC */

#endif
