#ifndef HTTP_API_H
#define HTTP_API_H

#include <stdbool.h>

#include "http/watch.h"

/* The JSON of /readyz and /api/v1/..., as page/schema.json describes it. For the caller to free. */
json_t *api_status(struct watch *watch);
json_t *api_history(struct watch *watch);

/* ready: every pipeline runs, stands by or is paused. */
json_t *api_ready(struct watch *watch, bool *ready);

#endif
