#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/*
 * What crosses Dray: the same whether it comes from a row or from a stream. The bytes belong to whoever
 * read them (a batch). Absent key and headers have data NULL.
 */
struct event {
	struct slice id; /* Nats-Msg-Id */
	struct slice subject;
	struct slice key; /* Dray-Key */
	struct slice headers; /* JSON object of string or array of strings */
	struct slice payload; /* may be empty */
	struct slice
		replay; /* Dray-Replay: the run that publishes it again; absent in what is new */
};

#define EVENT_SUBJECT_MAX 1024 /* bytes; the server's control line ends at 4,096 */
#define EVENT_ID_MAX	  256
#define EVENT_KEY_MAX	  1024

#define HEADER_MSG_ID	       "Nats-Msg-Id"
#define HEADER_EXPECTED_STREAM "Nats-Expected-Stream"
#define HEADER_EXPECTED_LAST   "Nats-Expected-Last-Sequence"
#define HEADER_KEY	       "Dray-Key"
#define HEADER_REPLAY	       "Dray-Replay"

/*
 * Whether the parts of an event may go on the wire; cnats checks none of it, and a line break in a
 * subject is a command to the server. On false err (ERROR_REJECTED) says what is wrong with which part.
 */
bool event_check_subject(struct slice subject, struct error *err);
bool event_check_id(struct slice id, struct error *err);
bool event_check_key(struct slice key, struct error *err);

/*
 * Reads headers (JSON) and calls fn for each name and value, both NUL-terminated and checked: names are
 * tokens of RFC 9110, not Nats-* (but Nats-TTL and Nats-Rollup) and not Dray-*; values have no line break and no NUL.
 * ERROR_REJECTED with the reason otherwise; fn may have been called by then. fn returning false ends it with err as fn left it.
 */
typedef bool event_header_fn(void *context, const char *name, const char *value, struct error *err);
bool event_headers_each(
	struct slice headers, event_header_fn *fn, void *context, struct error *err);

/*
 * The same for headers of an event that a stream held before: what is not an application's to set was said to
 * the server of that time, and is passed over.
 */
bool event_headers_each_again(
	struct slice headers, event_header_fn *fn, void *context, struct error *err);

bool event_is_utf8(struct slice text);

/* Whether a subject matches a NATS pattern with * and >. */
bool event_subject_matches(const char *pattern, struct slice subject);

/* Whether every subject that matches narrow matches wide; whether some subject matches both. */
bool event_pattern_covers(const char *wide, const char *narrow);
bool event_patterns_overlap(const char *a, const char *b);

#endif
