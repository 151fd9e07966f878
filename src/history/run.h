#ifndef HISTORY_RUN_H
#define HISTORY_RUN_H

#include "history/source.h"

/*
 * A replay: what was asked for, and how far it has come. It is kept in a file, which the process that works on
 * it has locked: so a replay needs no right but to read, and another machine can go on with the file. What it
 * says may be older than the truth: what was published since is looked up in the stream.
 */
struct run_stream {
	char name[256], created[40];
	uint64_t seq; /* no event behind `at` is stored up to here; 0: not known */
	uint64_t newest; /* of this run, as far as it was told; not kept */
};

struct run {
	char name[40]; /* the value of Dray-Replay, and the suffix of ids */
	char *file;
	int lock; /* a descriptor; -1: not locked */

	char *relay; /* whose outbox, by its name in the config; or NULL */
	char *database; /* NULL where it holds a secret: then it is to be given again */
	char *place; /* the database without secrets: tells another one */
	char *table;
	enum source_kind kind;
	struct source_filter filter;
	char *to; /* a subject with {subject} in it */
	char *stream; /* into this one alone, or NULL */
	int64_t rate; /* events a second; 0: as fast as it goes */

	int64_t began_ms; /* wall clock */
	int64_t until; /* the last number */
	int64_t at; /* every event up to here is done */
	int64_t ahead; /* none behind this was ever published */
	int64_t total, done, refused; /* events; done includes refused */
	bool complete; /* nothing is left; not kept */
	struct run_stream *streams;
	size_t stream_count;
};

/* A new one, with a name, of everything; run_finish frees, and unlocks. */
void run_init(struct run *run);
void run_finish(struct run *run);

/* Reads one and locks its file. ERROR_USAGE: it is none. ERROR_CONFLICT: somebody works on it. */
bool run_load(struct run *run, const char *file, struct error *err);

/* Writes it, in place of what was there, and locks it; safe when the machine stops at any instant. */
bool run_save(struct run *run, struct error *err);

/* It is complete: the file goes. */
void run_remove(struct run *run);

/* The stream of that name and making; added where it is new. */
struct run_stream *run_stream(struct run *run, const char *name, const char *created);

#endif
