/* Reading history in PostgreSQL: in binary, and the result stays in libpq's memory with the batch. */
#include "history/source_driver.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres.h"

enum column {
	COLUMN_NUMBER,
	COLUMN_EVENT_ID,
	COLUMN_SUBJECT,
	COLUMN_KEY,
	COLUMN_HEADERS,
	COLUMN_PAYLOAD
};

static struct slice slice_at(const PGresult *result, int row, enum column column)
{
	if (PQgetisnull(result, row, column))
		return (struct slice){ 0 };
	return (struct slice){ PQgetvalue(result, row, column),
		(size_t)PQgetlength(result, row, column) };
}

static void read_row(const PGresult *result, int i, struct row *row)
{
	uint64_t number;

	memcpy(&number, PQgetvalue(result, i, COLUMN_NUMBER), sizeof(number));
	row->id = (int64_t)be64toh(number);
	row->source = ROW_NEW;
	row->event = (struct event){ .id = slice_at(result, i, COLUMN_EVENT_ID),
		.subject = slice_at(result, i, COLUMN_SUBJECT),
		.key = slice_at(result, i, COLUMN_KEY),
		.headers = slice_at(result, i, COLUMN_HEADERS),
		.payload = slice_at(result, i, COLUMN_PAYLOAD) };
}

/* By the primary key, which has the order that is asked for, whatever the statistics say. */
bool source_postgres_prepare(struct db *db, struct error *err)
{
	return postgres_script(db_postgres(db),
		"SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;"
		"SET jit = off; SET max_parallel_workers_per_gather = 0;",
		0, err);
}

static void clear(void *result)
{
	PQclear(result);
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
	size_t rows = (size_t)PQntuples(result);
	*batch = source_batch(rows);
	struct source_memory *memory = (*batch)->memory;
	memory->result = result;
	memory->free_result = clear;
	(*batch)->count = rows;
	for (size_t i = 0; i < rows; i++)
		read_row(result, (int)i, &(*batch)->rows[i]);
	return true;
}
