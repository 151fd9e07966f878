#ifndef DB_LEASE_H
#define DB_LEASE_H

#include "base/process.h"
#include "db/db.h"

/*
 * The right to work on one outbox or one sink: a row with holder, epoch and a count of renewals, keyed by
 * what is guarded, not by a pipeline's name. The epoch grows with every new holder, and every settling or
 * storing transaction checks it, so a holder that woke up late changes nothing.
 *
 * No wall clock takes part. A holder renews every third of the lease's length and stops working at half of
 * it without a confirmation. Whoever stands by takes the lease when it has itself seen the row unchanged for
 * four fifths of the length that stands in the row, by its own monotonic clock; at once where the row was
 * given back, or where the holder's process is provably gone from this machine.
 *
 * A paused lease is taken by nobody, and its holder gives it back: that is how a pipeline is paused.
 */
#define LEASE_LOOK_EVERY_MS 2000 /* how soon its holder notices that it is paused */

struct lease_pause {
	bool on;
	char at[32]; /* as clock_format writes it */
	char by[128]; /* user and host, or "dray" */
	char why[ERROR_TEXT]; /* ""; where dray itself did it: what a person has to repair */
};

struct lease {
	char resource[256]; /* "outbox:TABLE" or "sink:NAME" */
	char holder[PROCESS_NAME];
	int64_t epoch; /* 0: not held */
	int64_t renewals; /* what the row counts, if it is the one that was written last */
	int64_t length_ms;
	int64_t confirmed_ms; /* monotonic: when the last successful request for it was sent */
	int64_t looked_ms; /* monotonic: when the row was looked at last */

	struct lease_seen { /* the row, as it was seen last */
		char holder[PROCESS_NAME];
		int64_t epoch, renewals, length_ms;
		int64_t since_ms; /* monotonic: seen so since; 0: not seen */
	} seen;
	struct lease_pause pause; /* as it was seen last */
	int64_t highest; /* epoch ever seen: a lower one comes from a database that went back */
};

/* resource is copied; a new holder. */
void lease_init(struct lease *lease, const char *resource, int64_t length_ms);

/*
 * Takes the lease if it may be taken. ERROR_CONFLICT names who holds it, or who paused it (then it is given
 * back): to be called again after lease_wait_ms.
 */
bool lease_acquire(struct db *db, struct lease *lease, struct error *err);
int64_t lease_wait_ms(const struct lease *lease);

/* Looks; *free says whether anybody may still be at work with it. For whoever wants no lease. */
bool lease_is_free(struct db *db, struct lease *lease, bool *free, struct error *err);

/* why may be NULL. A lease that is paused stays so, by whom it was. *changed may be NULL. */
bool lease_pause(struct db *db, const char *resource, const char *by, const char *why,
	bool *changed, struct error *err);
bool lease_resume(struct db *db, const char *resource, bool *changed, struct error *err);

/* The connection is new: the database may be another one, so what was seen before counts for nothing. */
void lease_forget(struct lease *lease);

/*
 * Every renewal expects the count of the last one: a database that was put back to an earlier state, while
 * its connections stayed, would otherwise pass unnoticed. ERROR_CONFLICT where somebody else has the lease
 * now, ERROR_UNAVAILABLE where the database went back: what was known of it counts for nothing.
 */
bool lease_renew(struct db *db, struct lease *lease, struct error *err);

/*
 * What a holder has to do at lease_keep_at_ms and later: renews, where it is time to, and looks whether
 * somebody paused the lease (lease->pause.on), which a holder that works otherwise would never see.
 */
bool lease_keep(struct db *db, struct lease *lease, struct error *err);
int64_t lease_keep_at_ms(const struct lease *lease);

/* The same questions without a renewal; and why a statement that renews found no lease to renew. */
bool lease_check(struct db *db, struct lease *lease, struct error *err);
bool lease_lost(struct db *db, struct lease *lease, struct error *err);

/* Gives it back, so that another can take it at once. Errors do not matter: others will take it. */
void lease_release(struct db *db, struct lease *lease);

/* Records that a request sent at sent_ms (monotonic) confirmed the lease, and counted it. */
void lease_confirm(struct lease *lease, int64_t sent_ms);

/* Monotonic: until when work may go on without a confirmation (half the lease), when to renew (a third). */
int64_t lease_work_until_ms(const struct lease *lease);

/* Monotonic: until when nobody else takes it, for people; 0: it is not held. */
int64_t lease_held_until_ms(const struct lease *lease);
int64_t lease_renew_at_ms(const struct lease *lease);

#endif
