/* Reading history in PostgreSQL: in binary. */
#include "history/source_driver.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

static void read_row(const PGresult *result, int i, struct row *row)
{
	uint64_t number;

	memcpy(&number, PQgetvalue(result, i, SOURCE_NUMBER), sizeof(number));
	row->id = (int64_t)be64toh(number);
	row->source = ROW_NEW;
	row->event = (struct event){ .id = postgres_slice(result, i, SOURCE_EVENT_ID),
		.subject = postgres_slice(result, i, SOURCE_SUBJECT),
		.key = postgres_slice(result, i, SOURCE_KEY),
		.headers = postgres_slice(result, i, SOURCE_HEADERS),
		.payload = postgres_slice(result, i, SOURCE_PAYLOAD) };
}

/* By the primary key, which has the order that is asked for, whatever the statistics say. */
bool source_postgres_prepare(struct db *db, struct error *err)
{
	return postgres_script(db_postgres(db),
		"SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;"
		"SET jit = off; SET max_parallel_workers_per_gather = 0;",
		0, err);
}

bool source_postgres_read(struct db *db, enum statement statement, const char *table,
	const char *const *parameters, size_t count, struct batch **batch, struct error *err)
{
	char *sql = db_statement_text(DB_POSTGRES, statement, table);
	struct postgres_call call = { .sql = sql, .binary_result = true };
	PGresult *result;

	for (size_t i = 0; i < count; i++)
		postgres_add_text(&call, parameters[i]);
	bool ok = postgres_call(db_postgres(db), &call, &result, err);
	free(sql);
	if (!ok)
		return false;
	int rows = PQntuples(result);
	*batch = batch_create((size_t)rows);
	for (int i = 0; i < rows; i++) {
		struct row row = { 0 };
		read_row(result, i, &row);
		batch_add(*batch, &row);
	}
	PQclear(result);
	return true;
}
