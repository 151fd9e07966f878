/* Servers, databases, configs and writers that the system tests share. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct nats_server nats;
struct pg_server pg;

int fixture_start_nats(void **state)
{
	(void)state;
	nats_server_start(&nats, "nats", NULL);
	dray_environment("NATS_URL", nats.url);
	return 0;
}

int fixture_start(void **state)
{
	fixture_start_nats(state);
	pg_server_start(&pg, "pg", NULL);
	return 0;
}

char *fixture_database(const char *kind, const char *name)
{
	static int made;
	char *fresh = text("%s_%d", name, ++made);

	if (strcmp(kind, "sqlite") == 0)
		return text("sqlite:%s", scratch_path("%s.db", fresh));
	pg_server_make_database(&pg, fresh);
	return pg_server_url(&pg, fresh);
}

const char *other_kind(const char *kind)
{
	return strcmp(kind, "sqlite") == 0 ? "postgres" : "sqlite";
}

char *fixture_config(const char *name, const char *format, ...)
{
	char *path = scratch_path("%s.yaml", name), *rest;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&rest, format, arguments) < 0)
		abort();
	va_end(arguments);
	file_write(path, text("nats: { url: \"%s\" }\n%s", nats.url, rest));
	free(rest);
	return path;
}

uint32_t fixture_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* The payloads are made by the database; the oracle reads them from there. */
void fixture_bulk(
	struct testdb *db, const char *subject_sql, int64_t from, int64_t count, int64_t keys)
{
	long long first = from, last = from + count - 1, modulus = keys;

	if (!testdb_is_postgres(db)) {
		testdb_exec(db,
			"WITH RECURSIVE n (i) AS (SELECT %lld UNION ALL SELECT i + 1 FROM n WHERE i < "
			"%lld), m AS (SELECT i, 'k' || (i %% %lld) AS key FROM n) INSERT INTO "
			"dray_outbox (subject, key, payload) SELECT %s, key, randomblob(256) FROM m",
			first, last, modulus, subject_sql);
		return;
	}
	testdb_exec(db,
		"INSERT INTO dray.outbox (subject, key, payload) SELECT %s, key, (SELECT "
		"decode(string_agg(md5(i || '-' || j), ''), 'hex') FROM generate_series(1, 16) AS j) "
		"FROM (SELECT i, 'k' || (i %% %lld) AS key FROM generate_series(%lld, %lld) AS i) AS m "
		"ORDER BY i",
		subject_sql, modulus, first, last);
}

struct writer {
	pthread_t thread;
	char *url;
	const char *prefix;
	int keys, rows, pause_ms;
	atomic_bool ending;
	int64_t committed;
};

/* One transaction; false where the database was away, and then nobody knows whether it committed. */
static bool write_once(struct writer *writer, struct testdb *db, uint32_t *random)
{
	bool good = testdb_try(db, NULL, "BEGIN");

	for (int i = 0; good && i < writer->rows; i++) {
		unsigned key = fixture_random(random) % (unsigned)writer->keys;
		char sql[512];
		snprintf(sql, sizeof(sql),
			"INSERT INTO %s (subject, key, payload) VALUES ('%s.k%u', 'k%u', "
			"%s%08x%08x00ff27225c0a0d%s)",
			testdb_is_postgres(db) ? "dray.outbox" : "dray_outbox", writer->prefix, key,
			key, testdb_is_postgres(db) ? "decode('" : "x'", fixture_random(random),
			fixture_random(random), testdb_is_postgres(db) ? "', 'hex')" : "'");
		good = testdb_try(db, NULL, sql);
	}
	if (good && testdb_try(db, NULL, "COMMIT"))
		return true;
	testdb_try(db, NULL, "ROLLBACK");
	return false;
}

static void *writer_run(void *context)
{
	struct writer *writer = context;
	struct testdb *db = testdb_open(writer->url);
	uint32_t random = 2463534242u;

	while (!atomic_load(&writer->ending)) {
		if (write_once(writer, db, &random))
			writer->committed++;
		nap(writer->pause_ms);
	}
	testdb_close(db);
	return NULL;
}

struct writer *writer_start(const char *url, const char *prefix, int keys, int rows, int pause_ms)
{
	struct writer *writer = keep(calloc(1, sizeof(*writer)));

	writer->url = text("%s", url);
	writer->prefix = prefix;
	writer->keys = keys;
	writer->rows = rows;
	writer->pause_ms = pause_ms;
	if (pthread_create(&writer->thread, NULL, writer_run, writer) != 0)
		give_up("no thread");
	return writer;
}

int64_t writer_end(struct writer *writer)
{
	atomic_store(&writer->ending, true);
	pthread_join(writer->thread, NULL);
	return writer->committed;
}

size_t lines_with(const char *log, size_t from, const char *one, const char *other)
{
	size_t count = 0;

	for (const char *line = log + from; *line;) {
		size_t size = strcspn(line, "\n");
		char *copy = strndup(line, size);
		count += strstr(copy, one) && strstr(copy, other);
		free(copy);
		line += size + (line[size] == '\n');
	}
	return count;
}
