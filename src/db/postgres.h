#ifndef DB_POSTGRES_H
#define DB_POSTGRES_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/stop.h"

/*
 * One connection to PostgreSQL. Calls are sent without blocking and waited for with a deadline, so that a
 * paused or unreachable server never holds a thread for longer: past it the connection is closed and the
 * error is ERROR_UNAVAILABLE. One thread.
 */
struct postgres;

#define POSTGRES_CONNECT_MS   5000
#define POSTGRES_STATEMENT_MS 15000
#define POSTGRES_PARAMETERS   1400 /* a sink with as many tables and columns as may be */

/* label: without secrets, belongs to the postgres. stop ends the wait for a connection. */
struct postgres *postgres_create(
	const char *url, const char *name, struct stop *stop, struct error *err);
void postgres_destroy(struct postgres *postgres);
const char *postgres_label(const struct postgres *postgres);

/*
 * Refuses a pooler between (PQbackendPID is not pg_backend_pid) and a database in recovery. Of several hosts
 * it takes one that can be written to; where one is silent, the next call begins with another.
 */
bool postgres_open(struct postgres *postgres, struct error *err);
void postgres_close(struct postgres *postgres);
bool postgres_is_open(const struct postgres *postgres);
PGconn *postgres_connection(struct postgres *postgres);

/*
 * The server ends statements that take longer than POSTGRES_STATEMENT_MS, too: one that waits for a lock
 * would go on holding what it has, such as the lease's row, when nobody waits for it any more.
 */
bool postgres_limit_statements(struct postgres *postgres, struct error *err);

/* Waits so long for calls that have no limit of their own. */
void postgres_be_patient(struct postgres *postgres, int64_t ms);

/* Parameters for one call. Zeroed is empty; values must stay until the call is over. */
struct postgres_call {
	const char *sql; /* the text, or the name of a prepared statement */
	bool prepared;
	int count;
	const char *values[POSTGRES_PARAMETERS];
	int lengths[POSTGRES_PARAMETERS], formats[POSTGRES_PARAMETERS];
	bool binary_result;
	int64_t limit_ms; /* 0: as postgres_be_patient says, otherwise POSTGRES_STATEMENT_MS */
};

void postgres_add_text(struct postgres_call *call, const char *text); /* NULL: SQL NULL */
void postgres_add_binary(struct postgres_call *call, const void *data, size_t size);

/* The result belongs to the caller (PQclear); NULL result asks for none. */
bool postgres_call(struct postgres *postgres, const struct postgres_call *call, PGresult **result,
	struct error *err);

/*
 * Sends calls one behind the other, each a transaction of its own, so that the server need not wait for its client
 * between them. Then postgres_next gives the result of each, as postgres_call would; until the last nothing else may
 * be called. Where the connection is lost, the others fail too.
 */
bool postgres_send(struct postgres *postgres, const struct postgres_call *const *calls,
	size_t count, struct error *err);
bool postgres_next(struct postgres *postgres, PGresult **result, struct error *err);

struct slice postgres_slice(const PGresult *result, int row, int column); /* no data: SQL NULL */
bool postgres_prepare(
	struct postgres *postgres, const char *name, const char *sql, struct error *err);

/* Several statements at once. limit_ms: as in a call. */
bool postgres_script(
	struct postgres *postgres, const char *sql, int64_t limit_ms, struct error *err);

/* Reads what has come and says whether a notification was among it. */
bool postgres_notified(struct postgres *postgres, bool *notified, struct error *err);

/*
 * A one-dimensional array in binary format: begin, then for each element add or add_null, then end.
 * The element type is its oid.
 */
enum {
	POSTGRES_BYTEA = 17,
	POSTGRES_INT8 = 20,
	POSTGRES_TEXT = 25,
	POSTGRES_TIMESTAMPTZ = 1184,
	POSTGRES_UUID = 2950,
};

void postgres_array_begin(struct buf *array, uint32_t element);
void postgres_array_add(struct buf *array, const void *data, size_t size);
void postgres_array_add_int8(struct buf *array, int64_t value);
void postgres_array_add_null(struct buf *array);
void postgres_array_end(struct buf *array, size_t count);

#endif
