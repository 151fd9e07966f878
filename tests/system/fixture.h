#ifndef FIXTURE_H
#define FIXTURE_H

#include "support/support.h"

/*
 * What each system test begins with: one nats-server and one PostgreSQL for the program, and a database of
 * its own for every test, on either side.
 */
extern struct nats_server nats;
extern struct pg_server pg;

int fixture_start(void **state); /* both servers, and NATS_URL for every dray */
int fixture_start_nats(void **state); /* nats-server alone */

/* A new, empty database of a kind ("sqlite", "postgres"): its URL. */
char *fixture_database(const char *kind, const char *name);
const char *other_kind(const char *kind);

/* A config in the scratch folder, NATS at its head; gives its path. */
char *fixture_config(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Runs a test on both kinds: its prestate is the kind. */
#define FOR_BOTH(test) \
	{ #test " (sqlite)", test, NULL, NULL, (void *)(uintptr_t)"sqlite" }, \
		{ #test " (postgres)", test, NULL, NULL, (void *)(uintptr_t)"postgres" }

/* Runs a test on one of them. */
#define FOR_ONE(test, kind) { #test " (" kind ")", test, NULL, NULL, (void *)(uintptr_t)kind }

/* A number that differs from row to row, the same in every run. */
uint32_t fixture_random(uint32_t *state);

/* Rows of a bulk: id_from counts on; key k<i % keys>, subject PREFIX.k<...>, 256 bytes. One transaction. */
void fixture_bulk(
	struct testdb *db, const char *subject_sql, int64_t from, int64_t count, int64_t keys);

/* An application that keeps writing from a thread of its own, over so many keys, a transaction every few
 * milliseconds, until told to end. It lives through its database's restarts. */
struct writer;
struct writer *writer_start(const char *url, const char *prefix, int keys, int rows, int pause_ms);
int64_t writer_end(struct writer *writer); /* gives how many transactions it believes committed */

/* The lines of a log from a place on that have all of these texts in them. */
size_t lines_with(const char *log, size_t from, const char *one, const char *other);

#endif
