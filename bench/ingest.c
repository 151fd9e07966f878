/*
 * The ingest floor: events from memory into the archive table, a batch a transaction, as durable as the
 * sink's: PostgreSQL by binary arrays and unnest, SQLite by a prepared statement.
 */
#include "bench.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

enum { SEQ, SUBJECT, KEY, MSG_ID, PAYLOAD, PUBLISHED_AT, ARRAYS };

static const uint32_t element_types[ARRAYS] = { 20, 25, 25, 25, 17, 1184 };

struct array {
	char *data;
	size_t size;
};

struct ingest {
	sqlite3 *sqlite;
	sqlite3_stmt *insert;
	PGconn *pg;
	struct array arrays[ARRAYS];
	char *payload;
};

static const char insert_sqlite[] =
	"INSERT INTO dray_events (stream, epoch, seq, subject, key, msg_id, headers, payload, "
	"published_at) VALUES ('" STREAM
	"', 1, ?1, ?2, ?3, ?4, NULL, ?5, ?6) ON CONFLICT DO NOTHING";

static const char insert_pg[] =
	"INSERT INTO dray.events (stream, epoch, seq, subject, key, msg_id, payload, published_at) "
	"SELECT '" STREAM "', 1, e.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
	"$5::bytea[], $6::timestamptz[]) AS e ON CONFLICT DO NOTHING";

static void *prepare(const struct options *options)
{
	struct ingest *in = need(sizeof(*in));

	in->payload = need((size_t)options->size);
	memset(in->payload, 'x', (size_t)options->size);
	for (int i = 0; i < ARRAYS; i++)
		in->arrays[i].data =
			need(32 + (size_t)options->batch * ((size_t)options->size + 64));
	if (is_sqlite(options->database)) {
		in->sqlite = sqlite_connect(options->database);
		sqlite_do(in->sqlite, "PRAGMA synchronous = FULL");
		in->insert = sqlite_ready(in->sqlite, insert_sqlite);
		return in;
	}
	in->pg = pg_connect(options->database);
	PQclear(pg_checked(in->pg, PQprepare(in->pg, "insert", insert_pg, 0, NULL)));
	return in;
}

struct texts {
	char subject[32], key[32], id[40];
};

static struct texts texts_of(const struct options *options, int64_t seq)
{
	struct texts texts;

	snprintf(texts.subject, sizeof(texts.subject), SUBJECT_SHAPE, (int)(seq % SUBJECTS));
	snprintf(texts.key, sizeof(texts.key), "key-%lld", (long long)(seq % options->keys));
	snprintf(texts.id, sizeof(texts.id), "00000000-0000-4000-8000-%012llx",
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
		sqlite3_bind_text(in->insert, 4, texts.id, -1, SQLITE_STATIC);
		sqlite3_bind_blob(in->insert, 5, in->payload, (int)options->size, SQLITE_STATIC);
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
	for (int i = 0; i < ARRAYS; i++) {
		const uint32_t head[5] = { htobe32(1), 0, htobe32(element_types[i]),
			htobe32((uint32_t)count), htobe32(1) };
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
	array_put(&in->arrays[MSG_ID], texts.id, strlen(texts.id));
	array_put(&in->arrays[PAYLOAD], in->payload, (size_t)options->size);
	array_put(&in->arrays[PUBLISHED_AT], &time, sizeof(time));
}

static void store_pg(struct ingest *in, const struct options *options, int64_t from, int64_t count)
{
	const char *values[ARRAYS];
	int sizes[ARRAYS], formats[ARRAYS];

	arrays_begin(in, count);
	for (int64_t seq = from; seq < from + count; seq++)
		arrays_add(in, options, seq);
	for (int i = 0; i < ARRAYS; i++) {
		values[i] = in->arrays[i].data;
		sizes[i] = (int)in->arrays[i].size;
		formats[i] = 1;
	}
	PQclear(pg_checked(
		in->pg, PQexecPrepared(in->pg, "insert", ARRAYS, values, sizes, formats, 1)));
}

static void run(void *state, const struct options *options)
{
	struct ingest *in = state;

	for (int64_t seq = 1; seq <= options->rows; seq += options->batch) {
		int64_t left = options->rows - seq + 1;
		(in->sqlite ? store_sqlite : store_pg)(
			in, options, seq, left < options->batch ? left : options->batch);
	}
}

const struct loop loop_ingest = { prepare, run };
