#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

#include "base/log.h"
#include "relay/chain.h"
#include "relay/feed.h"
#include "relay/flight.h"
#include "relay/order.h"
#include "relay/publisher.h"
#include "relay/stored.h"
#include "relay/streams.h"
#include "relay/window.h"

/*
 * A session: from the moment when the lease is held, both ends are connected and everything uncertain was
 * looked up, to the first trouble. There is one way to recover from whatever went wrong: end the session
 * and begin another, since the table and the stream together say what is done.
 */
struct counts {
	int64_t delivered, dead, retried, duplicates;
	int64_t lag_ms; /* created to acknowledged, of the newest; -1: none yet */
	int64_t stuck;
	struct log_limit dead_lines;
	struct map alarms; /* hashes of those that were told since something was settled */
};

/* Tells what was not told of dead rows, where it is time for that or `now`. */
void counts_say_held(struct counts *counts, const char *relay, bool now);

struct session {
	const struct config_relay *config;
	struct outbox *outbox;
	struct link *link;
	struct stop *stop;
	struct counts *counts; /* the relay's, over all sessions */
	struct chain *chain; /* the relay's, over all sessions */
	struct report *report;

	struct bell bell;
	struct feed *feed;
	struct publisher *publisher;
	struct streams streams;
	struct stored stored;
	struct order order;
	struct flights flights;
	struct window window;
	struct row *turned_away, *turned_away_last; /* not stored, since the chain is broken */
	uint64_t first_away; /* the token of the first of them; 0: none */
	bool overtaken; /* it was: another one's message made room for those behind it */
	struct map rows; /* id -> the row in memory */
	size_t row_bytes; /* of their events */
	size_t giving_up; /* rows that are dead, which the table does not know yet */
	struct verdict *verdicts; /* of this turn */
	size_t verdict_count, verdict_room;
	bool scanned; /* every row that was pending at the beginning was read once */
	int64_t highest; /* id that was read */
	bool settled_any; /* something was settled in this session */
	bool paused; /* somebody paused the relay */
	bool sent; /* since the last flush */
	int64_t began_ms, work_until_ms;
	int64_t oldest_ms; /* wall clock: when the oldest row that was pending at the beginning was made */
	int64_t swept_rows, next_sweep_ms, reported_ms;
};

/* Looks up what is uncertain. The outbox is open and leased, the link is up. False: see err. */
bool session_begin(struct session *session, struct error *err);

/* Until a stop or a pause (true), or trouble (false). Calls progress once, when the first row is through. */
bool session_run(
	struct session *session, void (*progress)(void *context), void *context, struct error *err);

/* Waits a little for answers, settles what was acknowledged, ends the feed, frees. */
void session_end(struct session *session, int64_t drain_ms);

/* Parts of the session, a file each. */
#define SESSION_SWEEP_EVERY_MS 10000 /* the net; never more than 1 % of the time: */
#define SESSION_SWEEP_ROW_MS   1 /* so long for each row read, which takes about a hundredth of it */
#define SESSION_LONE_MESSAGES \
	32 /* so many on their way do not wait for the client's 1 ms of gathering */
#define SESSION_DAY_MS ((int64_t)24 * 3600 * 1000) /* how far two clocks may differ */

bool session_look_up(struct session *session, struct error *err);
void session_name_unknown(struct session *session); /* once every pending row was read */
bool session_take_rows(struct session *session, struct error *err);
bool session_answer(struct session *session, const struct answer *answer, struct error *err);
bool session_send_ready(struct session *session, struct error *err);
bool session_check_silence(struct session *session, struct error *err);

/* Of ORDERING_STREAM: looks at an answer (dealt: nothing else is to be done with it), and mends a break. */
bool session_chain_answer(struct session *session, struct flight *flight, const struct puback *ack,
	bool *dealt, struct error *err);
bool session_mend(struct session *session, struct error *err);

/* The row is in memory no longer. */
void session_forget(struct session *session, struct row *row);

/*
 * A row that the stream holds already is not sent again. dealt: it got its verdict. What the stream holds under its
 * id may be another event: then it is given up, once it is its turn.
 */
bool session_settle_stored(
	struct session *session, struct row *row, bool in_turn, bool *dealt, struct error *err);

/*
 * Verdicts, to be settled with the next turn. A row that is given up keeps its key until that stands in the table:
 * after a crash it would be tried again, and must not come behind its successors then.
 */
void session_deliver(struct session *session, struct row *row, size_t stream, uint64_t seq);
void session_fail(struct session *session, struct row *row, bool dead, const char *why);

/*
 * Something that a person must know of: as the last error in `dray status`, and in the log, there once until
 * something was settled, though every session finds it anew.
 */
void session_alarm(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
