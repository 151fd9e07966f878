/*
 * What an outbox costs an application: so many writers, each a connection that updates a row of its own and inserts
 * an event, in one transaction of four statements, which is on disk when it returns; with --lazy 1 SQLite's is not.
 * mode plain: the same table without trigger and partial indexes; dray: the outbox itself, with a dray where one is
 * given.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	const struct options *options;
	pthread_t thread;
	int64_t number, until_ns, transactions;
	struct any_db db;
	sqlite3_stmt *begin, *update, *insert, *commit;
};

static bool plain(const struct options *options)
{
	return strcmp(options->mode, "plain") == 0;
}

static void prepare_tables(const struct options *options)
{
	struct any_db db = any_connect(options->database);
	struct question copy = {
		.pg = "CREATE TABLE bench_plain (LIKE dray.outbox INCLUDING ALL EXCLUDING INDEXES, "
		      "PRIMARY KEY (id))",
	};

	if (db.sqlite) {
		sqlite3_stmt *find = sqlite_ready(db.sqlite,
			"SELECT replace(sql, 'dray_outbox', 'bench_plain') FROM sqlite_master "
			"WHERE type = 'table' AND name = 'dray_outbox'");
		if (sqlite3_step(find) != SQLITE_ROW)
			die("there is no outbox");
		copy.sqlite = strdup((const char *)sqlite3_column_text(find, 0));
		sqlite3_finalize(find);
	}
	any_do(&db, copy.sqlite, copy.pg);
	any_do(&db, "CREATE TABLE bench_account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)",
		"CREATE TABLE bench_account (id bigint PRIMARY KEY, balance bigint NOT NULL) "
		"WITH (fillfactor = 50)");
	any_do(&db,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
		"INSERT INTO bench_account SELECT i, 0 FROM n",
		"INSERT INTO bench_account SELECT i, 0 FROM generate_series(1, 1000) AS i");
	any_close(&db);
}

#define UPDATE "UPDATE bench_account SET balance = balance + 1 WHERE id = "
#define INSERT " (subject, key, payload) VALUES ('bench.s0', 'key-' || "

static void prepare_pg(struct writer *w)
{
	char insert[256];

	snprintf(insert, sizeof(insert), "INSERT INTO %s" INSERT "$1, $2)",
		plain(w->options) ? "bench_plain" : "dray.outbox");
	PQclear(pg_checked(w->db.pg, PQprepare(w->db.pg, "update", UPDATE "$1", 0, NULL)));
	PQclear(pg_checked(w->db.pg, PQprepare(w->db.pg, "insert", insert, 0, NULL)));
}

static void prepare_sqlite(struct writer *w)
{
	char insert[256];

	snprintf(insert, sizeof(insert), "INSERT INTO %s" INSERT "?1, ?2)",
		plain(w->options) ? "bench_plain" : "dray_outbox");
	sqlite_do(w->db.sqlite,
		w->options->lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
	w->begin = sqlite_ready(w->db.sqlite, "BEGIN IMMEDIATE");
	w->update = sqlite_ready(w->db.sqlite, UPDATE "?1");
	w->insert = sqlite_ready(w->db.sqlite, insert);
	w->commit = sqlite_ready(w->db.sqlite, "COMMIT");
}

static void one_pg(struct writer *w, const char *payload)
{
	char number[24];
	const char *values[] = { number, payload };
	const int sizes[] = { 0, (int)w->options->size }, formats[] = { 0, 1 };
	PGconn *pg = w->db.pg;

	snprintf(number, sizeof(number), "%lld", (long long)w->number);
	pg_do(pg, "BEGIN");
	PQclear(pg_checked(pg, PQexecPrepared(pg, "update", 1, values, NULL, NULL, 0)));
	PQclear(pg_checked(pg, PQexecPrepared(pg, "insert", 2, values, sizes, formats, 0)));
	pg_do(pg, "COMMIT");
}

static void step(struct writer *w, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		die("writer: %s", sqlite3_errmsg(w->db.sqlite));
	sqlite3_reset(statement);
}

static void one_sqlite(struct writer *w, const char *payload)
{
	sqlite3_bind_int64(w->update, 1, w->number);
	sqlite3_bind_int64(w->insert, 1, w->number);
	sqlite3_bind_blob(w->insert, 2, payload, (int)w->options->size, SQLITE_STATIC);
	step(w, w->begin);
	step(w, w->update);
	step(w, w->insert);
	step(w, w->commit);
}

static void *write_on(void *context)
{
	struct writer *w = context;
	char *payload = payload_make(w->options->size);

	while (now_ns() < w->until_ns) {
		payload_number(payload, ++w->transactions);
		(w->db.sqlite ? one_sqlite : one_pg)(w, payload);
	}
	free(payload);
	return NULL;
}

static void writer_open(struct writer *w, const struct options *options, int64_t number)
{
	*w = (struct writer){ .options = options, .number = number };
	w->db = any_connect(options->database);
	(w->db.sqlite ? prepare_sqlite : prepare_pg)(w);
}

static int64_t run_all(const struct options *options)
{
	struct writer *writers = need((size_t)options->writers * sizeof(*writers));
	int64_t sum = 0;

	for (int64_t i = 0; i < options->writers; i++)
		writer_open(&writers[i], options, i + 1);
	int64_t until = now_ns() + options->seconds * 1000000000;
	for (int64_t i = 0; i < options->writers; i++) {
		writers[i].until_ns = until;
		if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
			die("no thread");
	}
	for (int64_t i = 0; i < options->writers; i++) {
		pthread_join(writers[i].thread, NULL);
		sum += writers[i].transactions;
	}
	return sum;
}

int cmd_writers(const struct options *options)
{
	struct child dray;
	bool with_dray = options->command[0];

	prepare_tables(options);
	if (with_dray) {
		stream_make(options);
		child_start(&dray, options->command);
		nap_ms(1000);
	}
	int64_t began = now_ns(), transactions = run_all(options);
	figure("rows", (double)transactions);
	figure("seconds", (double)(now_ns() - began) / 1e9);
	if (with_dray) {
		child_end(&dray);
		child_say(&dray);
	}
	return 0;
}
