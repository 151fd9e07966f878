/*
 * The table floor: read a batch of pending rows in id order, mark them delivered, each with a sequence, in
 * one transaction; nothing else. The rows' bytes are looked at as far as copying goes.
 */
#include "bench.h"

#include <endian.h>
#include <string.h>
#include <stdio.h>

struct table {
	sqlite3 *sqlite;
	sqlite3_stmt *read, *mark;
	PGconn *pg;
	int64_t *ids;
	char *copy, *arrays[2];
};

#define READ \
	"SELECT id, event_id, subject, key, attempts, created_at, available_at, headers, payload FROM "
#define MARK_PG \
	"UPDATE dray.outbox AS o SET state = 'delivered', delivered_at = clock_timestamp(), " \
	"stream = 'BENCH', stream_seq = u.seq FROM unnest($1::bigint[], $2::bigint[]) AS u (id, " \
	"seq) " \
	"WHERE o.id = u.id AND o.state = 'pending'"
#define COLUMNS 9

static void prepare_pg(struct table *t, const char *database)
{
	t->pg = pg_connect(database);
	pg_do(t->pg,
		"SET synchronous_commit = off; SET enable_seqscan = off; "
		"SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off; "
		"SET plan_cache_mode = force_generic_plan; SET jit = off");
	PQclear(pg_checked(t->pg,
		PQprepare(t->pg, "read",
			READ "dray.outbox WHERE state = 'pending' AND id > $1 ORDER BY id LIMIT $2",
			2, (const Oid[]){ 20, 20 })));
	PQclear(pg_checked(t->pg, PQprepare(t->pg, "mark", MARK_PG, 0, NULL)));
}

static void prepare_sqlite(struct table *t, const char *database)
{
	t->sqlite = sqlite_connect(database);
	t->read = sqlite_ready(t->sqlite,
		READ "dray_outbox WHERE state = 'pending' AND id > ?1 ORDER BY id LIMIT ?2");
	t->mark = sqlite_ready(t->sqlite,
		"UPDATE OR FAIL dray_outbox SET state = 'delivered', delivered_at = "
		"'2026-01-01T00:00:00.000Z', stream = 'BENCH', stream_seq = id "
		"WHERE id BETWEEN ?1 AND ?2 AND +state = 'pending'");
}

static void *prepare(const struct options *options)
{
	struct table *t = need(sizeof(*t));

	t->ids = need((size_t)options->batch * sizeof(*t->ids));
	t->copy = need((size_t)options->size + 4096);
	for (int i = 0; i < 2; i++)
		t->arrays[i] = need(20 + (size_t)options->batch * 12);
	if (is_sqlite(options->database))
		prepare_sqlite(t, options->database);
	else
		prepare_pg(t, options->database);
	return t;
}

/* --- SQLite --- */

static void copy_cells(struct table *t)
{
	size_t at = 0;

	for (int column = 1; column < COLUMNS; column++) {
		const void *cell = sqlite3_column_blob(t->read, column);
		size_t size = (size_t)sqlite3_column_bytes(t->read, column);
		if (size)
			memcpy(t->copy + at, cell, size);
		at += size;
	}
}

static size_t read_sqlite(struct table *t, int64_t after, int64_t limit)
{
	size_t count = 0;

	sqlite3_bind_int64(t->read, 1, after);
	sqlite3_bind_int64(t->read, 2, limit);
	while (sqlite3_step(t->read) == SQLITE_ROW) {
		t->ids[count++] = sqlite3_column_int64(t->read, 0);
		copy_cells(t);
	}
	sqlite3_reset(t->read);
	return count;
}

static void mark_sqlite(struct table *t, size_t count)
{
	sqlite_do(t->sqlite, "BEGIN IMMEDIATE");
	sqlite3_bind_int64(t->mark, 1, t->ids[0]);
	sqlite3_bind_int64(t->mark, 2, t->ids[count - 1]);
	if (sqlite3_step(t->mark) != SQLITE_DONE)
		die("mark: %s", sqlite3_errmsg(t->sqlite));
	sqlite3_reset(t->mark);
	sqlite_do(t->sqlite, "COMMIT");
}

/* --- PostgreSQL, in binary --- */

static size_t read_pg(struct table *t, int64_t after, int64_t limit)
{
	uint64_t numbers[2] = { htobe64((uint64_t)after), htobe64((uint64_t)limit) };
	const char *values[2] = { (char *)&numbers[0], (char *)&numbers[1] };
	const int sizes[2] = { 8, 8 }, formats[2] = { 1, 1 };

	PGresult *result =
		pg_checked(t->pg, PQexecPrepared(t->pg, "read", 2, values, sizes, formats, 1));
	int count = PQntuples(result);
	for (int i = 0; i < count; i++)
		t->ids[i] = pg_int8(result, i, 0);
	PQclear(result);
	return (size_t)count;
}

static int put_array(char *to, const int64_t *numbers, size_t count)
{
	const uint32_t head[5] = { htobe32(1), 0, htobe32(20), htobe32((uint32_t)count),
		htobe32(1) };
	const uint32_t eight = htobe32(8);
	char *at = to + sizeof(head);

	memcpy(to, head, sizeof(head));
	for (size_t i = 0; i < count; i++, at += 12) {
		uint64_t value = htobe64((uint64_t)numbers[i]);
		memcpy(at, &eight, 4);
		memcpy(at + 4, &value, 8);
	}
	return (int)(at - to);
}

static void mark_pg(struct table *t, size_t count)
{
	const int sizes[2] = { put_array(t->arrays[0], t->ids, count),
		put_array(t->arrays[1], t->ids, count) };
	const int formats[2] = { 1, 1 };

	PQclear(pg_checked(t->pg,
		PQexecPrepared(
			t->pg, "mark", 2, (const char *const *)t->arrays, sizes, formats, 1)));
}

static void run(void *state, const struct options *options)
{
	struct table *t = state;
	int64_t after = 0, done = 0;

	while (done < options->rows) {
		size_t count = t->sqlite ? read_sqlite(t, after, options->batch)
					 : read_pg(t, after, options->batch);
		if (count == 0)
			die("only %lld rows were pending", (long long)done);
		(t->sqlite ? mark_sqlite : mark_pg)(t, count);
		after = t->ids[count - 1];
		done += (int64_t)count;
	}
}

const struct loop loop_table = { prepare, run };
