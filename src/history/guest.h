#ifndef HISTORY_GUEST_H
#define HISTORY_GUEST_H

#include "relay/outbox_driver.h"

/*
 * An outbox of rows of the past: the relay's own loop publishes them beside the relays, and marks nothing
 * (outbox_driver.h). What is uncertain after an outage or a crash is looked up in the streams by that loop. A kind of
 * guest begins with this struct and says which rows come next; it hears what became of them. One thread.
 */
struct guest {
	struct outbox base;
	const struct guest_work *work;
	int64_t began_ms; /* wall clock: nothing of it was published before */
	int64_t failed; /* the id of the row that was last not taken */
	int tries;
};

/* What one kind of guest does. */
struct guest_work {
	const char *noun; /* of a row, in errors */
	void (*finish)(struct guest *guest); /* frees it; may be NULL */

	/* A new session, which reads again whatever is not done: sets the cursor. */
	void (*begin)(struct guest *guest);
	bool (*uncertain)(
		const struct guest *guest); /* whether something may have been published */

	/* Up to where the streams are known; NULL: nowhere. As outbox_positions. */
	bool (*positions)(struct outbox *outbox, struct arena *arena, struct position **positions,
		size_t *count, struct error *err);

	/*
	 * The rows behind the cursor; again: those behind the sweep that are not done. Sets caught_up or
	 * sweep_done where there are no more; fills all of a row but source and created_ms. A batch that is made
	 * is destroyed by the caller, on an error too.
	 */
	bool (*read)(struct guest *guest, const struct read_plan *plan, bool again,
		struct batch **batch, struct error *err);

	/* A row is delivered, or dead; position: of its stream, NULL where it is dead. */
	void (*close)(struct guest *guest, const struct verdict *verdict,
		const struct position *position);

	/* After rows were closed, and now and then: notes how far it has come, and sets base.done at the end. */
	bool (*go_on)(struct guest *guest, struct error *err);
	int64_t (*number)(const struct guest *guest, int64_t id); /* a row's, for people */
	int64_t (*longest_wait_ms)(
		const struct guest *guest); /* until it has to read or to go on */
};

/* In zeroed memory; work, stop and config stay. False: what finish frees is the caller's to free. */
bool guest_init(struct guest *guest, const struct guest_work *work,
	const struct config_relay *config, struct stop *stop, int64_t began_ms, struct error *err);

#endif
