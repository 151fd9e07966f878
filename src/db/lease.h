#ifndef DB_LEASE_H
#define DB_LEASE_H

#include "db/db.h"

/*
 * The right to work on one outbox or one sink: a row with holder, epoch and expiry, keyed by what is
 * guarded, not by a pipeline's name. The epoch grows with every new holder, and every settling or storing
 * transaction checks it, so a holder that woke up late changes nothing.
 */
struct lease {
	char resource[256]; /* "outbox:TABLE" or "sink:NAME" */
	char holder[96]; /* host, process and a random part */
	int64_t epoch; /* 0: not held */
	int64_t length_ms;
	int64_t confirmed_ms; /* monotonic: when the last successful request for it was sent */
};

/* resource is copied; a new random holder. */
void lease_init(struct lease *lease, const char *resource, int64_t length_ms);

/*
 * Takes the lease if it is free, expired or already ours. ERROR_CONFLICT names who holds it (in other,
 * which may be NULL).
 */
bool lease_acquire(struct db *db, struct lease *lease, struct error *err);

/* ERROR_CONFLICT where somebody else has it now. */
bool lease_renew(struct db *db, struct lease *lease, struct error *err);

/* Gives it back, so that another can take it at once. Errors do not matter: it expires. */
void lease_release(struct db *db, struct lease *lease);

/* Records that a request sent at sent_ms (monotonic) confirmed the lease. */
void lease_confirm(struct lease *lease, int64_t sent_ms);

/* Monotonic: until when work may go on without a confirmation (half the lease), when to renew (a third). */
int64_t lease_work_until_ms(const struct lease *lease);
int64_t lease_renew_at_ms(const struct lease *lease);

#endif
