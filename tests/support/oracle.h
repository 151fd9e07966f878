#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/jetstream.h"
#include "support/testdb.h"

/*
 * What must have arrived, and what did. It is told every row that the application committed, then sees
 * what a stream or an archive holds, in its order, and counts what is wrong: a row lost, an event that
 * nobody committed, an event twice, a changed byte, two events of one key turned around (the order of a
 * key is that of its ids, since the tests' writers of a key take turns).
 */
struct oracle;

struct oracle_counts {
	int64_t expected, seen;
	int64_t lost, leaked, duplicated, altered, reordered;
};

/* Reads an outbox; where: which of its rows must arrive ("TRUE", "state = 'delivered'"). */
struct oracle *oracle_from_outbox(struct testdb *db, const char *where);

/*
 * The same from any other record of what was committed. The query gives a number that grows with the order
 * of a key, event_id, subject, key and the payload in hexadecimal.
 */
struct oracle *oracle_from_query(struct testdb *db, const char *sql);
void oracle_destroy(struct oracle *oracle);

/* Each begins the counting anew, prints one line and gives the counts. */
struct oracle_counts oracle_see_stream(
	struct oracle *oracle, struct jetstream *js, const char *stream);
struct oracle_counts oracle_see_archive(struct oracle *oracle, struct testdb *db);

/* Counts without a line: `lost` are the rows that the stream does not have. */
struct oracle_counts oracle_count_stream(
	struct oracle *oracle, struct jetstream *js, const char *stream);

/* Fails the test unless all is as expected. */
void oracle_require(struct oracle_counts counts);

#endif
