#ifndef HTTP_ASK_H
#define HTTP_ASK_H

#include <jansson.h>

#include "dead.h"

/* What a request asks for about events that were given up on, or about a pipeline. Pure. */
enum ask_action { ASK_LIST, ASK_SHOW, ASK_RETRY, ASK_DISCARD, ASK_PAUSE, ASK_RESUME };

#define ASK_LIMIT  50 /* items a page, unless another number is asked for */
#define ASK_IDS	   DEAD_PAGE
#define ASK_REASON 1000 /* bytes */

/* Texts belong to the JSON value that it was read from. */
struct ask {
	enum ask_action action;
	bool is_sink;
	const char *pipeline;
	const char *ids[ASK_IDS];
	size_t id_count; /* 1 for ASK_SHOW */
	const char *reason; /* ASK_DISCARD: never empty */
	const char *after; /* ASK_LIST: an id, or "" */
	size_t limit; /* ASK_LIST: 1 to DEAD_PAGE */
	const char *subject, *key, *error; /* ASK_LIST: as in dead_filter, may be NULL */
};

/*
 * Reads what a request says: an object whose members are texts (those of a query are all texts), and ids an
 * array of texts. What is unknown, missing or out of range: ERROR_USAGE.
 */
bool ask_read(enum ask_action action, const json_t *said, struct ask *ask, struct error *err);

#endif
