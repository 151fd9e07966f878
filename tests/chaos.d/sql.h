#ifndef CHAOS_SQL_H
#define CHAOS_SQL_H

#include "actions.h"

/*
 * Puts a transaction together in writer->sql. Rows go into the ledger first, under a name of their own
 * (tag), then from there into the outbox.
 */
struct rows {
	const char *tag;
	const char *kind; /* good; poison and same_id end as dead, given_up either way */
	const char *subject; /* without a key: chaos.any */
	const char *headers; /* JSON */
	const char *event_id; /* NULL: a new one for each */
	int count, delay_ms;
	int large; /* bytes more */
	bool late;
};

void sql_begin(struct writer *writer);
void sql_add(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool sql_run(struct writer *writer); /* false: some of it failed, and all was rolled back */

/* Locks the keys (a list of literals) in their order, and counts on by rows.count. */
void sql_keyed(struct writer *writer, const char *keys, const struct rows *rows);

/* No key, or one that nobody else writes; n counts from 1. */
void sql_keyless(struct writer *writer, const char *key, const struct rows *rows);

void sql_to_outbox(struct writer *writer, const struct rows *rows);

/* The same under ids that were drawn before. */
void sql_draw(struct writer *writer, int count);
void sql_to_outbox_drawn(struct writer *writer, const struct rows *rows);

#endif
