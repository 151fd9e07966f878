/* The delivered rows of an outbox in PostgreSQL: a cursor in a transaction, a few thousand rows at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "db/postgres.h"
#include "history/marked_driver.h"

struct marked_postgres {
	PGresult *result;
	int at;
};

/* The sort may have some memory, and may be done by several processes. */
#define BEGIN_TEXT "BEGIN READ ONLY; SET LOCAL work_mem = '64MB'; SET LOCAL enable_sort = on"

static bool begin(
	struct db *db, const char *table, const char *const parameters[3], struct error *err)
{
	char *sql = db_statement_text(DB_POSTGRES, SQL_AUDIT_ROWS, table);
	struct postgres_call call = { .sql = sql };

	for (int i = 0; i < 3; i++)
		postgres_add_text(&call, parameters[i]);
	bool ok = postgres_script(db_postgres(db), BEGIN_TEXT, 0, err) &&
		postgres_call(db_postgres(db), &call, NULL, err);
	free(sql);
	return ok;
}

struct marked_postgres *marked_postgres_open(
	struct db *db, const char *table, const char *const parameters[3], struct error *err)
{
	if (begin(db, table, parameters, err))
		return memory_new(sizeof(struct marked_postgres));
	if (db_is_open(db))
		postgres_script(db_postgres(db), "ROLLBACK", 0, NULL);
	return NULL;
}

void marked_postgres_close(struct db *db, struct marked_postgres *marked)
{
	PQclear(marked->result);
	if (db_is_open(db))
		postgres_script(db_postgres(db), "ROLLBACK", 0, NULL);
	free(marked);
}

static bool fetch(struct db *db, struct marked_postgres *marked, struct error *err)
{
	struct postgres_call call = { .sql = "FETCH 5000 FROM dray_audit" };

	PQclear(marked->result);
	marked->result = NULL;
	marked->at = 0;
	return postgres_call(db_postgres(db), &call, &marked->result, err);
}

bool marked_postgres_next(
	struct db *db, struct marked_postgres *marked, struct marked_row *row, struct error *err)
{
	err->kind = ERROR_NONE;
	if ((!marked->result || marked->at == PQntuples(marked->result)) && !fetch(db, marked, err))
		return false;
	const PGresult *result = marked->result;
	if (marked->at == PQntuples(result))
		return false;
	int at = marked->at++;
	row->seq = strtoull(PQgetvalue(result, at, MARKED_SEQ), NULL, 10);
	row->id = strtoll(PQgetvalue(result, at, MARKED_ID), NULL, 10);
	row->event_id.data = PQgetvalue(result, at, MARKED_EVENT_ID);
	row->event_id.size = (size_t)PQgetlength(result, at, MARKED_EVENT_ID);
	row->delivered_ms = strtoll(PQgetvalue(result, at, MARKED_DELIVERED_MS), NULL, 10);
	return true;
}
