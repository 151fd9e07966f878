#ifndef RELAY_OUTBOX_POSTGRES_H
#define RELAY_OUTBOX_POSTGRES_H

#include "base/buf.h"
#include "db/postgres.h"
#include "relay/gaps.h"
#include "relay/outbox_driver.h"

/* What the files of the PostgreSQL driver share: life and waiting, reading, settling. */
#define OUTBOX_PG_PAUSE_MIN_MS 2

struct outbox_pg {
	struct outbox base;
	struct gaps gaps;
	char oid[16];
	bool asleep; /* the bell's lock is ours */
	bool found; /* the last read brought rows: the next call gives the bell back */
	int64_t pause_ms; /* between two looks while writers are open */
	bool large; /* a payload has more than its share of the bytes that may be read */
	struct buf low, high; /* parameters, kept for their memory */
	struct buf ids, event_ids, numbers, texts;
};

static inline struct outbox_pg *pg_of(struct outbox *outbox)
{
	return (struct outbox_pg *)outbox;
}

static inline struct postgres *connection_of(struct outbox *outbox)
{
	return db_postgres(outbox->db);
}

/* A call that reads, with the texts of its parameters. */
struct outbox_pg_question {
	struct postgres_call call;
	char text[9][24];
	size_t numbers;
};

/* The parts of the driver. */
bool outbox_pg_read(struct outbox *outbox, const struct read_plan *plan, struct batch **batch,
	struct error *err);

/* The parts of a read, for one that is sent beside a settlement: new rows alone, none of them large. */
bool outbox_pg_is_usual(const struct outbox_pg *pg, const struct read_plan *plan);
void outbox_pg_ask(
	struct outbox *outbox, const struct read_plan *plan, struct outbox_pg_question *question);
/* Clears the result. NULL: a payload was too large for this question, ask again. */
struct batch *outbox_pg_take(struct outbox *outbox, const struct read_plan *plan, PGresult *result);

bool outbox_pg_settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err);

/* Rows were found: gives the bell back, so that writers need not ring while the relay is at work. */
bool outbox_pg_wake(struct outbox *outbox, struct error *err);

#endif
