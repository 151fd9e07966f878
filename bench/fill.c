/* Rows to work on: fill makes them, fresh makes a copy of a filled database to be spent. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *make_payload(const struct options *options)
{
	char *payload = need((size_t)options->size + 1);

	for (int64_t i = 0; i < options->size; i++)
		payload[i] = (char)('a' + (i * 7 + i / 11) % 26);
	return payload;
}

/* Keys in no regular order, as from a hash; each row's payload begins with its number. */
static const char fill_sqlite[] =
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
	"INSERT INTO dray_outbox (subject, key, payload) "
	"SELECT 'bench.s' || (i % 8), 'key-' || (((i * 2654435761 & 4294967295) >> 8) % ?2), "
	"CAST(printf('%012d', i) || substr(?3, 13) AS BLOB) FROM n";

static const char fill_pg[] =
	"INSERT INTO dray.outbox (subject, key, payload) "
	"SELECT 'bench.s' || i % 8, 'key-' || ((i * 2654435761 & 4294967295) >> 8) % $2::bigint, "
	"convert_to(lpad(i::text, 12, '0') || substr($3::text, 13), 'UTF8') "
	"FROM generate_series(1::bigint, $1::bigint) AS i";

static void fill_file(const struct options *options, const char *payload)
{
	sqlite3 *db = sqlite_connect(options->database);
	sqlite3_stmt *insert = sqlite_ready(db, fill_sqlite);

	sqlite3_bind_int64(insert, 1, options->rows);
	sqlite3_bind_int64(insert, 2, options->keys);
	sqlite3_bind_text(insert, 3, payload, (int)options->size, SQLITE_STATIC);
	if (sqlite3_step(insert) != SQLITE_DONE)
		die("fill: %s", sqlite3_errmsg(db));
	sqlite3_finalize(insert);
	sqlite3_close(db);
}

static void fill_server(const struct options *options, const char *payload)
{
	PGconn *db = pg_connect(options->database);
	char rows[24], keys[24];
	const char *values[] = { rows, keys, payload };

	snprintf(rows, sizeof(rows), "%lld", (long long)options->rows);
	snprintf(keys, sizeof(keys), "%lld", (long long)options->keys);
	PQclear(pg_checked(db, PQexecParams(db, fill_pg, 3, NULL, values, NULL, NULL, 0)));
	PQfinish(db);
}

void fill(const struct options *options)
{
	char *payload = make_payload(options);

	if (is_sqlite(options->database))
		fill_file(options, payload);
	else
		fill_server(options, payload);
	free(payload);
}

static void tidy(const char *database)
{
	struct any_db db = any_connect(database);

	any_do(&db, "PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM ANALYZE dray.outbox");
	any_close(&db);
}

int cmd_fill(const struct options *options)
{
	fill(options);
	tidy(options->database);
	return 0;
}

static void copy_file(const char *from, const char *to)
{
	char buffer[65536], other[4096];
	ssize_t size;

	for (const char *const *end = (const char *const[]){ "-wal", "-shm", NULL }; *end; end++) {
		snprintf(other, sizeof(other), "%s%s", to, *end);
		unlink(other);
	}
	unlink(to);
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (in < 0 || out < 0)
		die("cannot copy %s to %s", from, to);
	while ((size = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, (size_t)size) != size)
			die("cannot write %s", to);
	fsync(out);
	close(in);
	close(out);
}

/* The name of a database in a URL of the shape that bench/run makes: postgresql:///NAME?... */
static void name_of(const char *url, char name[64])
{
	if (sscanf(url, "postgresql:///%63[^?]", name) != 1)
		die("%s: not of the shape postgresql:///NAME?...", url);
}

static void copy_server(const char *from, const char *to)
{
	char source[64], target[64], admin[1024], sql[256];

	name_of(from, source);
	name_of(to, target);
	snprintf(admin, sizeof(admin), "postgresql:///postgres%s", strchr(to, '?'));
	PGconn *db = pg_connect(admin);
	pg_do(db, "SET client_min_messages = warning");
	snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", target);
	pg_do(db, sql);
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", target, source);
	pg_do(db, sql);
	pg_do(db, "CHECKPOINT");
	PQfinish(db);
}

int cmd_fresh(const struct options *options)
{
	if (is_sqlite(options->database))
		copy_file(sqlite_path_of(options->other), sqlite_path_of(options->database));
	else
		copy_server(options->other, options->database);
	return 0;
}

/* A row that no stream takes, and many of the same key behind it. */
int cmd_behind(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	char sqlite[512], pg[512];

	any_do(&db,
		"INSERT INTO dray_outbox (subject, key, payload) VALUES ('nobody.listens', 'bad', 'x')",
		"INSERT INTO dray.outbox (subject, key, payload) VALUES ('nobody.listens', 'bad', 'x')");
	snprintf(sqlite, sizeof(sqlite),
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld) "
		"INSERT INTO dray_outbox (subject, key, payload) SELECT 'bench.s0', 'bad', "
		"zeroblob(%lld) FROM n",
		(long long)options->rows, (long long)options->size);
	snprintf(pg, sizeof(pg),
		"INSERT INTO dray.outbox (subject, key, payload) SELECT 'bench.s0', 'bad', "
		"convert_to(repeat('x', %lld), 'UTF8') FROM generate_series(1, %lld)",
		(long long)options->size, (long long)options->rows);
	any_do(&db, sqlite, pg);
	any_close(&db);
	tidy(options->database);
	return 0;
}
