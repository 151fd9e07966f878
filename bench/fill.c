/* Rows to work on: fill makes them, fresh makes a copy of a filled database to be spent. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Parameters: first and last number, keys, a payload, the state. */
static const char fill_sqlite[] =
	"WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) "
	"INSERT INTO dray_outbox (subject, key, payload, state) "
	"SELECT 'bench.s' || (i % 8), 'key-' || (((i * 2654435761 & 4294967295) >> 8) % ?3), "
	"CAST(substr(?4, 1, 6) || printf('%012d', i) || substr(?4, 19) AS BLOB), ?5 FROM n";

static const char fill_pg[] =
	"INSERT INTO dray.outbox (subject, key, payload, state) "
	"SELECT 'bench.s' || i % 8, 'key-' || ((i * 2654435761 & 4294967295) >> 8) % $3::bigint, "
	"convert_to(overlay($4::text placing lpad(i::text, 12, '0') from 7), 'UTF8'), $5::text "
	"FROM generate_series($1::bigint, $2::bigint) AS i";

/* A peer's own statement takes the first four. */
#define PARAMETERS	5
#define PARAMETERS_FILE 4

static char *text_of(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = need(65536);

	if (!file || fread(text, 1, 65535, file) == 0)
		die("cannot read %s", path);
	fclose(file);
	return text;
}

void filler_open(struct filler *filler, const struct options *options)
{
	*filler = (struct filler){ .payload = payload_make(options->size), .options = options };
	if (is_sqlite(options->database)) {
		filler->sqlite = sqlite_connect(options->database);
		filler->insert = sqlite_ready(filler->sqlite, fill_sqlite);
		return;
	}
	char *own = options->insert ? text_of(options->insert) : NULL;
	filler->pg = pg_connect(options->database);
	PQclear(pg_checked(
		filler->pg, PQprepare(filler->pg, "fill", own ? own : fill_pg, 0, NULL)));
	free(own);
}

static void put_sqlite(struct filler *filler, int64_t from, int64_t to)
{
	const struct options *options = filler->options;

	sqlite3_bind_int64(filler->insert, 1, from);
	sqlite3_bind_int64(filler->insert, 2, to);
	sqlite3_bind_int64(filler->insert, 3, options->keys);
	sqlite3_bind_text(filler->insert, 4, filler->payload, -1, SQLITE_STATIC);
	sqlite3_bind_text(filler->insert, 5, options->state, -1, SQLITE_STATIC);
	if (sqlite3_step(filler->insert) != SQLITE_DONE)
		die("fill: %s", sqlite3_errmsg(filler->sqlite));
	sqlite3_reset(filler->insert);
}

void filler_put(struct filler *filler, int64_t from, int64_t to)
{
	char first[24], last[24], keys[24];
	const struct options *options = filler->options;
	const char *values[PARAMETERS] = { first, last, keys, filler->payload, options->state };

	if (filler->sqlite) {
		put_sqlite(filler, from, to);
		return;
	}
	snprintf(first, sizeof(first), "%lld", (long long)from);
	snprintf(last, sizeof(last), "%lld", (long long)to);
	snprintf(keys, sizeof(keys), "%lld", (long long)options->keys);
	PQclear(pg_checked(filler->pg,
		PQexecPrepared(filler->pg, "fill", options->insert ? PARAMETERS_FILE : PARAMETERS,
			values, NULL, NULL, 0)));
}

void filler_close(struct filler *filler)
{
	sqlite3_finalize(filler->insert);
	sqlite3_close(filler->sqlite);
	if (filler->pg)
		PQfinish(filler->pg);
	free(filler->payload);
}

void fill(const struct options *options)
{
	struct filler filler;

	filler_open(&filler, options);
	filler_put(&filler, 1, options->rows);
	filler_close(&filler);
}

static void tidy(const struct options *options)
{
	struct any_db db = any_connect(options->database);

	any_do(&db, "PRAGMA wal_checkpoint(TRUNCATE)",
		options->insert ? "VACUUM ANALYZE" : "VACUUM ANALYZE dray.outbox");
	any_close(&db);
}

int cmd_fill(const struct options *options)
{
	fill(options);
	tidy(options);
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
		copy_file(sqlite_path_of(options->from), sqlite_path_of(options->database));
	else
		copy_server(options->from, options->database);
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
	tidy(options);
	return 0;
}
