#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

/*
 * Asks the server of another process of this machine: GET path at HOST:PORT, as http.listen has it. Takes a few seconds at
 * most. On success *status is the answer's, and body what came with it. ERROR_UNAVAILABLE where nobody answers, or with
 * something else than HTTP.
 */
bool client_get(
	const char *listen, const char *path, int *status, struct buf *body, struct error *err);

#endif
