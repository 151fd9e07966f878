#ifndef API_H
#define API_H

#include <jansson.h>

/* Answers of the API, which must be as its own schema says; otherwise the test fails. For the caller to free. */
void api_fits(int port, const char *path, const json_t *value); /* path: its entry in the schema */
json_t *api_get(int port, const char *path, int status);

#endif
