#ifndef PAIRS_H
#define PAIRS_H

#include "fixture.h"

/*
 * Pairs of a relay and a sink, each with two databases and a stream of its own: both databases on either
 * side, every ordering, marked and deleted rows, archives and tables with columns.
 */
struct pairs {
	int count, http_port;
	const char *kind;
	char *config;
	struct pair_of {
		struct testdb *outbox, *target;
		char *name, *table;
		struct writer *writer;
		int64_t written;
	} *items;
};

/*
 * Tables and streams are there, the config is written; an http listener is in it. kind: the one database of all
 * of them, or NULL.
 */
void pairs_make(struct pairs *pairs, int count, const char *kind);

int pairs_sqlite_files(const struct pairs *pairs);

void pairs_write(struct pairs *pairs, int events_a_second); /* to each outbox, until told to end */
void pairs_rest(struct pairs *pairs);

/* How many events a pair's table holds, and how many of them differ. */
int64_t pair_stored(const struct pair_of *pair);
int64_t pair_different(const struct pair_of *pair);
int64_t pair_waiting(const struct pair_of *pair); /* rows that are not delivered */

#endif
