#ifndef SUPPORT_JETSTREAM_H
#define SUPPORT_JETSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nats/nats.h>

/* A look into JetStream that shares nothing with Dray but the client library. */
struct jetstream;

struct jetstream *jetstream_open(const char *url);
struct jetstream *jetstream_try_open(const char *url); /* NULL where nobody answers; any thread */
void jetstream_close(struct jetstream *js);

/*
 * A request to $JS.API.<api>; json may be NULL. Gives the reply's text; an error in it fails the test, but
 * for try.
 */
char *jetstream_api(struct jetstream *js, const char *api, const char *json);
char *jetstream_try_api(struct jetstream *js, const char *api, const char *json);

/* NULL where no answer comes within ms, as in a cluster that has no leader. */
char *jetstream_ask(struct jetstream *js, const char *api, const char *json, int64_t ms);

/*
 * Makes a stream. subjects: as in JSON, "\"shop.>\", \"web.>\""; more: further members of its
 * configuration, such as "\"retention\":\"workqueue\"", or NULL.
 */
void jetstream_make(struct jetstream *js, const char *name, const char *subjects, const char *more);
/* Asks again where no answer comes: a cluster without a leader loses the request. */
void jetstream_change(
	struct jetstream *js, const char *name, const char *subjects, const char *more);
void jetstream_delete(struct jetstream *js, const char *name);

int64_t jetstream_count(
	struct jetstream *js, const char *name); /* messages it holds; -1: no stream */
int64_t jetstream_last(struct jetstream *js, const char *name); /* its last sequence */

/* Publishes as any other client would, and waits for the acknowledgement. */
void jetstream_publish(
	struct jetstream *js, const char *subject, const char *id, const char *payload);

/* False where no acknowledgement came; the message may be stored all the same. Any thread. */
bool jetstream_try_publish(struct jetstream *js, const char *subject, const char *id,
	const char *payload, uint64_t *seq);

/* Calls fn with each message that the stream holds, in its order. The message is freed afterwards. */
typedef void jetstream_fn(void *context, uint64_t seq, natsMsg *message);
void jetstream_each(struct jetstream *js, const char *name, jetstream_fn *fn, void *context);

/* The same into memory. */
struct jetstream_messages {
	size_t count;
	struct jetstream_message {
		uint64_t seq;
		char *subject, *id, *key, *payload; /* id and key "" where the header is missing */
		size_t size;
		natsMsg *message;
	} *items;
};

struct jetstream_messages jetstream_read(struct jetstream *js, const char *name);
void jetstream_free(struct jetstream_messages *messages);
const char *jetstream_header(natsMsg *message, const char *name); /* "" where it is missing */

#endif
