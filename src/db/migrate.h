#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/db.h"

/*
 * Dray's tables: made and upgraded forward only. A migration named outbox* or events* is applied once for
 * each table of its kind, the others once for a database; schema_version remembers (version, target), with
 * a checksum of the text. Two processes may migrate at once.
 */
enum migrate_target { MIGRATE_CORE, MIGRATE_OUTBOX, MIGRATE_EVENTS };

struct migrate_report {
	int applied; /* how many migrations were applied now */
	bool switched_to_wal; /* SQLite only */
};

/*
 * Brings the core tables and, if table is not NULL, the outbox or events table to this program's version.
 * ERROR_SCHEMA: the schema is newer than the program, or a checksum differs.
 */
bool migrate_apply(struct db *db, enum migrate_target target, const char *table,
	struct migrate_report *report, struct error *err);

/*
 * Only looks: ERROR_SCHEMA where something is missing, old, newer or changed, with what to do; also names
 * a column that the table lacks.
 */
bool migrate_check(struct db *db, enum migrate_target target, const char *table, struct error *err);

#endif
