#ifndef RELAY_OUTBOX_DRIVER_H
#define RELAY_OUTBOX_DRIVER_H

#include "relay/outbox.h"
#include "relay/prune.h"

/*
 * What a database has to do for an outbox. The base keeps the cursor and the sweep, the driver its
 * statements; all calls come from one thread, with an open connection unless said otherwise.
 */
struct outbox_driver {
	/*
	 * A guest publishes beside the relays, from rows that it does not mark: it holds no lease, writes no
	 * report, and stays away from a stream that a relay fills in the order of the whole.
	 */
	bool guest;

	/*
	 * Under load verdicts wait until there are so many times a settlement, and the part with the lowest rows goes:
	 * worth it where every page that is touched is written whole. 0 as 1: all go at once.
	 */
	size_t parts;

	struct outbox *(*create)(void);
	void (*destroy)(struct outbox *outbox); /* not connected */

	/* A guest's own, where the database keeps none; NULL: the relay's. As outbox_oldest, outbox_positions. */
	bool (*oldest)(struct outbox *outbox, int64_t *created_ms, struct error *err);
	bool (*positions)(struct outbox *outbox, struct arena *arena, struct position **positions,
		size_t *count, struct error *err);

	/* The connection is new: check the table, prepare. */
	bool (*opened)(struct outbox *outbox, struct error *err);
	void (*leased)(struct outbox *outbox); /* the lease was taken; may be NULL */
	void (*resting)(struct outbox *outbox); /* nobody will read for a while; may be NULL */
	void (*closing)(struct outbox *outbox); /* may be NULL */
	void (*rewound)(struct outbox
			*outbox); /* the cursor, if any of its own, and the gaps; may be NULL */

	/*
	 * A batch with the rows of every question, each in id order within its limits; caught_up and
	 * sweep_done say whether new rows and the sweep had no more than that, more_due whether those that
	 * are due had.
	 */
	bool (*read)(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
		struct error *err);

	/*
	 * Delivered rows come a stream at a time, with its position, which is written with them; failed
	 * ones with position NULL. Where something is to be read beside it, a driver may do so. False with ERROR_CONFLICT where the lease is lost. changed: rows written.
	 */
	bool (*settle)(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
		const struct position *position, size_t *changed, struct error *err);
	bool (*wait)(struct outbox *outbox, int wake_fd, int64_t ms, struct error *err);
};

extern const struct outbox_driver outbox_sqlite, outbox_postgres, outbox_borrowed;

struct outbox {
	const struct outbox_driver *driver;
	const struct config_relay *config;
	struct db *db;
	struct lease lease;
	int64_t cursor; /* new rows have higher ids */
	int64_t sweep_at; /* the sweep has read up to here; INT64_MAX: no sweep */
	size_t gaps; /* open ones */
	bool gaps_overflowed; /* there were more than can be kept: sweep often */
	uint64_t late; /* rows that came out of a gap */
	struct prune prune;
	const struct read_beside *beside; /* NULL: nothing is to be read while settling */
	_Atomic bool done; /* a guest's: nothing is left to publish, so its relay ends */
};

/* What a driver's own outbox begins as. outbox_destroy ends it. */
bool outbox_init(struct outbox *outbox, const struct outbox_driver *driver,
	const struct config_relay *config, struct stop *stop, struct error *err);

/* A driver has read what was wanted beside a settlement. */
void outbox_read_beside(struct outbox *outbox, struct batch *batch);

/* Until wake_fd is readable or ms have passed. */
void outbox_sleep(int wake_fd, int64_t ms);

#define OUTBOX_NO_SWEEP INT64_MAX

/* A next try that lies further away than this was written before the clock was set back: it is due. */
static inline int64_t outbox_longest_delay_ms(const struct outbox *outbox)
{
	return outbox->config->retry.max_ms + 1000; /* a clock may be slewed, too */
}

#endif
