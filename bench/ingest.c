/*
 * The ingest floor: events from memory into a table, a batch a transaction, as durable as the sink's: PostgreSQL
 * by binary arrays and unnest, SQLite by a prepared statement. Every mode has the same values: the archive's columns,
 * or a table of one column a value, inserted into or kept by key.
 */
#include "bench.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEQ, SUBJECT, KEY, TEXT, BODY, AT, VALUES };

static const uint32_t element_types[VALUES] = { 20, 25, 25, 25, 25, 1184 };

struct array {
	char *data;
	size_t size;
};

struct ingest {
	const struct options *options;
	sqlite3 *sqlite;
	sqlite3_stmt *insert;
	PGconn *pg;
	struct array arrays[VALUES];
	char *payload;
	bool archive;
};

#define COLUMNS " (seq, subject, key, n, p, at) "
#define NEWER \
	" ON CONFLICT (key) DO UPDATE SET seq = excluded.seq, subject = excluded.subject, " \
	"n = excluded.n, p = excluded.p, at = excluded.at WHERE excluded.seq > bench_upsert.seq"
#define ARCHIVE " (stream, epoch, seq, subject, key, msg_id, payload, published_at) "

static const struct mode {
	const char *name, *sqlite, *pg;
} modes[] = {
	{ "archive",
		"INSERT INTO dray_events" ARCHIVE "VALUES ('" STREAM
		"', 1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
		"INSERT INTO dray.events" ARCHIVE "SELECT '" STREAM
		"', 1, e.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
		"$5::bytea[], $6::timestamptz[]) AS e ON CONFLICT DO NOTHING" },
	{ "insert", "INSERT INTO bench_insert" COLUMNS "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		"INSERT INTO bench_insert" COLUMNS
		"SELECT e.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
		"$5::text[], $6::timestamptz[]) AS e" },
	{ "upsert", "INSERT INTO bench_upsert" COLUMNS "VALUES (?1, ?2, ?3, ?4, ?5, ?6)" NEWER,
		"INSERT INTO bench_upsert" COLUMNS
		"SELECT e.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
		"$5::text[], $6::timestamptz[]) AS e" NEWER },
};

/* The tables of modes insert and upsert. */
int cmd_tables(const struct options *options)
{
	struct any_db db = any_connect(options->database);

	any_do(&db,
		"CREATE TABLE bench_insert (seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, key "
		"TEXT, n TEXT NOT NULL, p TEXT NOT NULL, at TEXT NOT NULL)",
		"CREATE TABLE bench_insert (seq bigint PRIMARY KEY, subject text NOT NULL, key "
		"text, n text NOT NULL, p text NOT NULL, at timestamptz NOT NULL)");
	any_do(&db,
		"CREATE TABLE bench_upsert (key TEXT PRIMARY KEY, seq INTEGER NOT NULL, subject "
		"TEXT NOT NULL, n TEXT NOT NULL, p TEXT NOT NULL, at TEXT NOT NULL)",
		"CREATE TABLE bench_upsert (key text PRIMARY KEY, seq bigint NOT NULL, subject "
		"text NOT NULL, n text NOT NULL, p text NOT NULL, at timestamptz NOT NULL)");
	any_close(&db);
	return 0;
}

static const struct mode *mode_of(const struct options *options)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(modes[i].name, options->mode) == 0)
			return &modes[i];
	die("%s is no mode", options->mode);
}

static void *prepare(const struct options *options)
{
	struct ingest *in = need(sizeof(*in));
	const struct mode *mode = mode_of(options);

	in->options = options;
	in->archive = mode == modes;
	if (!in->archive && options->keys < options->batch)
		die("a batch of this floor must not have a key twice: --keys is below --batch");
	in->payload = payload_make(options->size);
	for (int i = 0; i < VALUES; i++)
		in->arrays[i].data =
			need(32 + (size_t)options->batch * ((size_t)options->size + 64));
	if (is_sqlite(options->database)) {
		in->sqlite = sqlite_connect(options->database);
		sqlite_do(in->sqlite, "PRAGMA synchronous = FULL");
		in->insert = sqlite_ready(in->sqlite, mode->sqlite);
		return in;
	}
	in->pg = pg_connect(options->database);
	PQclear(pg_checked(in->pg, PQprepare(in->pg, "insert", mode->pg, 0, NULL)));
	return in;
}

struct texts {
	char subject[32], key[32], text[40];
};

static struct texts texts_of(const struct options *options, int64_t seq)
{
	struct texts texts;

	snprintf(texts.subject, sizeof(texts.subject), SUBJECT_SHAPE, (int)(seq % SUBJECTS));
	snprintf(texts.key, sizeof(texts.key), "key-%lld", (long long)(seq % options->keys));
	snprintf(texts.text, sizeof(texts.text), "00000000-0000-4000-8000-%012llx",
		(unsigned long long)seq & 0xffffffffffff);
	return texts;
}

/* --- SQLite --- */

static void store_sqlite(
	struct ingest *in, const struct options *options, int64_t from, int64_t count)
{
	sqlite_do(in->sqlite, "BEGIN IMMEDIATE");
	for (int64_t seq = from; seq < from + count; seq++) {
		struct texts texts = texts_of(options, seq);
		sqlite3_bind_int64(in->insert, 1, seq);
		sqlite3_bind_text(in->insert, 2, texts.subject, -1, SQLITE_STATIC);
		sqlite3_bind_text(in->insert, 3, texts.key, -1, SQLITE_STATIC);
		sqlite3_bind_text(in->insert, 4, texts.text, -1, SQLITE_STATIC);
		if (in->archive)
			sqlite3_bind_blob(
				in->insert, 5, in->payload, (int)options->size, SQLITE_STATIC);
		else
			sqlite3_bind_text(
				in->insert, 5, in->payload, (int)options->size, SQLITE_STATIC);
		sqlite3_bind_text(in->insert, 6, "2026-01-01T00:00:00.000Z", -1, SQLITE_STATIC);
		if (sqlite3_step(in->insert) != SQLITE_DONE)
			die("insert: %s", sqlite3_errmsg(in->sqlite));
		sqlite3_reset(in->insert);
	}
	sqlite_do(in->sqlite, "COMMIT");
}

/* --- PostgreSQL --- */

static void array_put(struct array *array, const void *data, size_t size)
{
	uint32_t length = htobe32((uint32_t)size);

	memcpy(array->data + array->size, &length, sizeof(length));
	memcpy(array->data + array->size + sizeof(length), data, size);
	array->size += sizeof(length) + size;
}

static void arrays_begin(struct ingest *in, int64_t count)
{
	for (int i = 0; i < VALUES; i++) {
		uint32_t type = i == BODY && in->archive ? 17 : element_types[i];
		const uint32_t head[5] = { htobe32(1), 0, htobe32(type), htobe32((uint32_t)count),
			htobe32(1) };
		memcpy(in->arrays[i].data, head, sizeof(head));
		in->arrays[i].size = sizeof(head);
	}
}

static void arrays_add(struct ingest *in, const struct options *options, int64_t seq)
{
	struct texts texts = texts_of(options, seq);
	uint64_t number = htobe64((uint64_t)seq), time = htobe64(UINT64_C(820454400000000));

	array_put(&in->arrays[SEQ], &number, sizeof(number));
	array_put(&in->arrays[SUBJECT], texts.subject, strlen(texts.subject));
	array_put(&in->arrays[KEY], texts.key, strlen(texts.key));
	array_put(&in->arrays[TEXT], texts.text, strlen(texts.text));
	array_put(&in->arrays[BODY], in->payload, (size_t)options->size);
	array_put(&in->arrays[AT], &time, sizeof(time));
}

static void store_pg(struct ingest *in, const struct options *options, int64_t from, int64_t count)
{
	const char *values[VALUES];
	int sizes[VALUES], formats[VALUES];

	arrays_begin(in, count);
	for (int64_t seq = from; seq < from + count; seq++)
		arrays_add(in, options, seq);
	for (int i = 0; i < VALUES; i++) {
		values[i] = in->arrays[i].data;
		sizes[i] = (int)in->arrays[i].size;
		formats[i] = 1;
	}
	PQclear(pg_checked(
		in->pg, PQexecPrepared(in->pg, "insert", VALUES, values, sizes, formats, 1)));
}

void ingest_store(void *state, int64_t from, int64_t count)
{
	struct ingest *in = state;

	(in->sqlite ? store_sqlite : store_pg)(in, in->options, from, count);
}

static void run(void *state, const struct options *options)
{
	for (int64_t seq = 1; seq <= options->rows; seq += options->batch) {
		int64_t left = options->rows - seq + 1;
		ingest_store(state, seq, left < options->batch ? left : options->batch);
	}
}

const struct loop loop_ingest = { prepare, run };
