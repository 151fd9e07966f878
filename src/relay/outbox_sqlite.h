#ifndef RELAY_OUTBOX_SQLITE_H
#define RELAY_OUTBOX_SQLITE_H

#include "db/sqlite.h"
#include "relay/outbox_driver.h"

/* What the files of the SQLite driver share: life and waiting, reading, settling. */
enum prepared {
	READ_NEW,
	READ_SWEEP,
	READ_RETRY,
	READ_SCHEDULED,
	SETTLE,
	FAIL,
	LEASE,
	POSITION,
	DATA_VERSION,
	PREPARED,
};

/* The verdicts that one statement settles, in order of their rows; at least one. */
struct range {
	const struct verdict *const *verdicts;
	size_t count;
	size_t at; /* where the row that was asked for last would stand */
};

struct outbox_file {
	struct outbox base;
	sqlite3_stmt *prepared[PREPARED];
	struct range range; /* what is being settled */
	int inotify;
	int64_t version; /* data_version at the last read */
	int changes; /* sqlite3_total_changes at the last look: tells our own writes */
};

static inline struct outbox_file *file_of(struct outbox *outbox)
{
	return (struct outbox_file *)outbox;
}

static inline struct sqlite *connection_of(struct outbox *outbox)
{
	return db_sqlite(outbox->db);
}

/* Asks every question of a plan. A read transaction is open. */
bool outbox_file_ask(struct outbox *outbox, const struct read_plan *plan, struct batch *batch,
	struct error *err);
bool outbox_file_prepare_settling(struct outbox *outbox, struct error *err); /* before SETTLE */
bool outbox_file_settle(struct outbox *outbox, const struct verdict *const *verdicts, size_t count,
	const struct position *position, size_t *changed, struct error *err);

#endif
