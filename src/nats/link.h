#ifndef NATS_LINK_H
#define NATS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/stop.h"
#include "config.h"

/*
 * One connection to NATS. It does not reconnect by itself: when it breaks, link_is_up turns false, and
 * whoever uses it begins again with link_connect, because what was on the way is uncertain and must be
 * looked up first. Calls block for at most the time-outs given here; the write deadline is 1.5 s and a
 * silent server is noticed within some 10 s.
 */
struct link;
struct natsConn; /* natsConnection of nats.h */

#define LINK_WRITE_DEADLINE_MS 1500
#define LINK_REQUEST_MS	       3000

/* No I/O. The config must live as long as the link. stop ends waits early and may be NULL. */
struct link *link_create(const struct config_nats *config, const char *name, struct stop *stop);
void link_destroy(struct link *link); /* accepts NULL */

/*
 * Tries every URL once. ERROR_UNAVAILABLE, or ERROR_SCHEMA where none lets Dray in as it stands (credentials,
 * certificates).
 */
bool link_connect(struct link *link, struct error *err);
void link_close(struct link *link);
bool link_is_up(const struct link *link); /* any thread */

/* The last asynchronous error of the server ("Permissions Violation for Publish to ..."), or "". */
void link_last_error(struct link *link, char *text, size_t size);

/* The same behind "; the server said: ", if it came since then (monotonic); otherwise "". */
#define LINK_WORDS 300
void link_words_since(struct link *link, int64_t since_ms, char text[LINK_WORDS]);

const char *link_label(const struct link *link); /* the servers, without secrets */
struct natsConn *link_connection(struct link *link); /* NULL when closed */
struct stop *link_stop(const struct link *link); /* as given; may be NULL */

/* "$JS.API.STREAM.INFO.SHOP" for "STREAM.INFO.SHOP", with the domain where one is set. False: too long. */
bool link_api_subject(const struct link *link, const char *api, char *subject, size_t size);

/*
 * A request to the JetStream API, in raw JSON, so that fields this cnats does not know survive. `api` is
 * what follows "$JS.API." ("STREAM.INFO.SHOP"). The reply belongs to the caller (json_decref). An error
 * in the reply becomes ERROR_SCHEMA (or ERROR_UNAVAILABLE for a code that passes) with *code its err_code;
 * no answer is ERROR_UNAVAILABLE with *code 0. code may be NULL.
 */
bool link_api(struct link *link, const char *api, json_t *body, json_t **reply, int *code,
	struct error *err);

#endif
