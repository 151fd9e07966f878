#ifndef HTTP_PROMETHEUS_H
#define HTTP_PROMETHEUS_H

#include "base/buf.h"
#include "http/watch.h"

/*
 * The numbers in Prometheus' text format, version 0.0.4. Labels are bounded: kind, pipeline (as in the config),
 * state, and a histogram's le.
 */
void prometheus_write(struct watch *watch, struct buf *out);

#endif
