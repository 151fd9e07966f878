#ifndef SINK_SUGGEST_H
#define SINK_SUGGEST_H

#include "config_columns.h"
#include "sink/sample.h"

/*
 * Adds a column for each value that the payloads have, those of nested objects too, in the order in which they
 * come; then the event's subject, where there are several, and its time. *left_out: there are more than fit.
 */
void suggest_columns(const struct sample *sample, struct config_columns *columns, bool *left_out);

#endif
