#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <microhttpd.h>

#include "base/log.h"
#include "http/desk.h"
#include "http/guard.h"
#include "http/watch.h"

/* What answers requests. Belongs to libmicrohttpd's thread while that runs. */
struct router {
	struct watch *watch;
	struct desk *desk;
	struct guard guard;
	struct log_limit wrong_tokens;
};

/* libmicrohttpd's callbacks; context: the router. */
enum MHD_Result route_request(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data, size_t *size, void **state);
void route_completed(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code);

#endif
