#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "config.h"
#include "http/watch.h"

/*
 * HTTP for people and for monitoring: /, /healthz, /readyz, /metrics, /api/v1/... Requests are
 * small, connections few; who may what: guard.h.
 */
struct http;

/*
 * Starts a thread where the config asks for HTTP, else gives NULL. An address that cannot be had is said once
 * and tried again every few seconds: pipelines do not wait for whoever watches them. The list and the config
 * must live until http_stop.
 */
struct http *http_start(const struct config *config, const struct watched *pipelines, size_t count);
void http_stop(struct http *http); /* accepts NULL */

#endif
