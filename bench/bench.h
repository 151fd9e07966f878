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
	const char *label; /* for errors */
	const char *from; /* fresh: the database to copy */
	const char *counts; /* idle: the file that count_sqlite writes */
	const char
		*insert; /* a file with an INSERT; without it one into Dray's outbox. PostgreSQL */
	const char *question; /* into: the SQL that counts what has arrived */
	const char *mode; /* sinks: archive, insert, upsert. writers: plain, dray. through: count */
	const char *state; /* fill: the rows' state */
	int64_t rows, keys, size, window, batch, rate, seconds, limit_s;
	int64_t replicas, writers;
	int64_t lazy; /* writers: 1 lets SQLite commit without waiting for the disk */
	int64_t earlier; /* more: so many rows are there already, and are not timed */
	int64_t snapshot; /* relay, more: 1 holds a snapshot open all the while */
	char **command; /* of dray or a peer, for those who start it */
};

#define STREAM	      "BENCH"
#define SUBJECTS      8
#define SUBJECT_SHAPE "bench.s%d"

/* common.c */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
int64_t now_ns(void);
void nap_ns(int64_t ns);
void nap_ms(int64_t ms);
bool is_sqlite(const char *database);
const char *sqlite_path_of(const char *database);
void *need(size_t size);
void figure(const char *measure, double value); /* a line MEASURE,VALUE on stdout */

/* db.c */
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
struct question {
	const char *sqlite, *pg;
};
struct any_db any_connect(const char *database);
void any_close(struct any_db *db);
int64_t any_int(struct any_db *db, const struct question *question);
void any_do(struct any_db *db, const char *sqlite_sql, const char *pg_sql);

/* stream.c */
/* at_once: a message goes out as it is sent, not with others a millisecond later. */
natsConnection *nats_connect(const char *url, bool at_once);
void nats_api(natsConnection *nc, const char *api, const char *json, char *reply, size_t size);
void stream_make(const struct options *options); /* anew */
int64_t stream_messages(natsConnection *nc);
/* Pushes the stream from its beginning to a new subscription; a handler of NULL makes it synchronous. */
natsSubscription *stream_push(natsConnection *nc, natsMsgHandler handler, void *context);

/*
 * Rows and messages are alike everywhere: a payload of `size` bytes, JSON with the row's number in 12 digits;
 * a key in no regular order, as from a hash of the number.
 */
#define PAYLOAD_MIN 27
char *payload_make(int64_t size);
void payload_number(char *payload, int64_t number);
int64_t number_of(const char *data, size_t size); /* the first 12 digits in a row; -1: none */
int64_t key_of(int64_t number, int64_t keys);

/*
 * A bare loop: prepare connects, run is what is timed. It says rows, seconds, cpu_s.
 */
struct loop {
	void *(*prepare)(const struct options *options);
	void (*run)(void *state, const struct options *options);
};
extern const struct loop loop_publish, loop_table, loop_consume, loop_ingest;
/* Runs one or two loops, each in a process of its own, from the same moment on. */
int floor_run(const struct options *options, const struct loop *a, const struct loop *b);
/* The ingest floor's batch: `count` events from `from` on. */
void ingest_store(void *state, int64_t from, int64_t count);

/* process.c: dray or a peer, watched. */
struct child {
	pid_t pid;
	int64_t started_ns;
	int64_t rss_anon, vm_hwm; /* KiB, the peak so far; the kernel keeps the second */
	double cpu_s; /* once ended */
	bool ended_well; /* status 0, by itself or at SIGTERM */
};
void child_start(struct child *child, char **command);
void child_look(struct child *child); /* memory; dies where the process has ended */
void child_stop(struct child *child); /* SIGTERM, and waits; SIGKILL in the end */
void child_end(struct child *child); /* the same, and dies where that did not go well */
void child_say(const struct child *child); /* its figures */
double process_cpu(pid_t pid);
int64_t process_switches(pid_t pid); /* voluntary ones of all threads */

/* fill.c: rows with the numbers from..to, in one statement. */
struct filler {
	sqlite3 *sqlite;
	sqlite3_stmt *insert;
	PGconn *pg;
	char *payload;
	const struct options *options;
};
void filler_open(struct filler *filler, const struct options *options);
void filler_put(struct filler *filler, int64_t from, int64_t to);
void filler_close(struct filler *filler);
void fill(const struct options *options); /* numbers 1..rows */

/* latency.c: between two times of every event, in nanoseconds; a negative one counts as 0. */
void say_latencies(const int64_t *from, const int64_t *to, int64_t count);

int cmd_fill(const struct options *options);
int cmd_fresh(const struct options *options);
int cmd_behind(const struct options *options);
int cmd_relay(const struct options *options);
int cmd_sink(const struct options *options);
int cmd_more(const struct options *options);
int cmd_through(const struct options *options);
int cmd_into(const struct options *options);
int cmd_latency(const struct options *options);
int cmd_sink_latency(const struct options *options);
int cmd_idle(const struct options *options);
int cmd_writers(const struct options *options);
int cmd_tables(const struct options *options);
int cmd_port(const struct options *options);

#endif
