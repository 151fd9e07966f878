#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <libpq-fe.h>
#include <nats/nats.h>
#include <sqlite3.h>

/*
 * The benchmark's own tools. They share nothing with Dray but its tables: what they do is what anybody
 * would write by hand, without any of the care, so it is the floor. Every error ends the process.
 */
struct options {
	const char *database; /* sqlite:PATH or postgresql:... */
	const char *nats;
	const char *label; /* what the CSV line says */
	const char *other; /* fresh: the database to copy */
	const char *counts; /* idle: the file that count_sqlite writes */
	int64_t rows, keys, size, window, batch, rate, seconds, limit_s;
	char **command; /* of dray, for those who start it */
};

#define STREAM	      "BENCH"
#define SUBJECTS      8
#define SUBJECT_SHAPE "bench.s%d"

/* common.c */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
int64_t now_ns(void);
void nap_ms(int64_t ms);
bool is_sqlite(const char *database);
const char *sqlite_path_of(const char *database);
void *need(size_t size);

sqlite3 *sqlite_connect(const char *database);
void sqlite_do(sqlite3 *db, const char *sql);
sqlite3_stmt *sqlite_ready(sqlite3 *db, const char *sql);

PGconn *pg_connect(const char *database);
PGresult *pg_checked(PGconn *db, PGresult *result);
void pg_do(PGconn *db, const char *sql);
int64_t pg_int8(const PGresult *result, int row, int column); /* binary */

/* One number from either database; empty: 0. */
struct any_db {
	sqlite3 *sqlite;
	PGconn *pg;
};
struct any_db any_connect(const char *database);
void any_close(struct any_db *db);
int64_t any_int(struct any_db *db, const char *sqlite_sql, const char *pg_sql);
void any_do(struct any_db *db, const char *sqlite_sql, const char *pg_sql);

natsConnection *nats_connect(const char *url);
void nats_api(natsConnection *nc, const char *api, const char *json, char *reply, size_t size);
void stream_make(const char *url); /* anew */
int64_t stream_messages(natsConnection *nc);

/*
 * A bare loop: prepare connects, run is what is timed. One line of CSV:
 * label,rows,seconds,cpu_s,rss_anon_kib,vm_hwm_kib (memory where a dray was watched, else empty).
 */
struct loop {
	void *(*prepare)(const struct options *options);
	void (*run)(void *state, const struct options *options);
};
extern const struct loop loop_publish, loop_table, loop_consume, loop_ingest;

/* Runs one or two loops, each in a process of its own, from the same moment on. */
int floor_run(const struct options *options, const struct loop *a, const struct loop *b);

/* process.c: dray, watched. */
struct child {
	pid_t pid;
	int64_t started_ns;
	int64_t rss_anon, vm_hwm; /* KiB, the peak so far; the kernel keeps the second */
	double cpu_s; /* once ended */
};
void child_start(struct child *child, char **command);
void child_look(struct child *child); /* memory; dies where the process has ended */
void child_end(struct child *child); /* SIGTERM, and waits */
double process_cpu(pid_t pid);
int64_t process_switches(pid_t pid); /* voluntary ones of all threads */

void fill(const struct options *options);
int cmd_fill(const struct options *options);
int cmd_fresh(const struct options *options);
int cmd_behind(const struct options *options);
int cmd_relay(const struct options *options);
int cmd_sink(const struct options *options);
int cmd_hold(const struct options *options);
int cmd_latency(const struct options *options);
int cmd_idle(const struct options *options);

#endif
