#ifndef LOAD_H
#define LOAD_H

#include "fixture.h"

/*
 * A relay and a sink of one dray under load, through faults: an application writes all the time, the
 * relay carries its rows into a stream, the sink carries the stream into an archive. At the end all is
 * counted, and for every fault there is a line that says how long nothing moved.
 */
struct load_setup {
	const char *kind,
		*name; /* of the databases; of stream and files, made unique with the kind */
	bool nats_proxy, db_proxy; /* whether a proxy is between; db: PostgreSQL only */
	const char *nats_url, *look_url; /* for dray, for the test; NULL: the fixture's server */
	const char *relay, *sink; /* further settings, as in "ordering: none, lease: 2s"; or NULL */
	const char *head; /* further lines at the top of the config; or NULL */
	int replicas; /* 0: 1 */
	const char *from, *to; /* URLs of databases that are there already; or NULL */
	int rows; /* of a transaction; 0: 10 */
	int pause_ms; /* between two transactions; 0: 10 */
};

#define LOAD_FAULTS 40

struct load {
	const char *kind;
	char *name, *from, *to, *config;
	const char *look_url; /* where the stream can be looked at, past every proxy */
	bool unordered;
	struct testdb *outbox, *archive;
	struct proc *daemon;
	struct writer *writer;
	struct proxy *nats_proxy, *db_proxy;
	struct watch *watch;
	struct load_fault {
		const char *what;
		int64_t begin_ms, end_ms; /* wall clock */
	} faults[LOAD_FAULTS];
	size_t fault_count;
};

void load_start(struct load *load, const struct load_setup *setup);

/* A fault begins, ends. what: a constant, or kept. */
void load_fault_begin(struct load *load, const char *what);
void load_fault_end(struct load *load);

/* Both pipelines work: what was written lately has passed them. Fails the test after ms. */
void load_wait_moving(struct load *load, int64_t ms);

/* At most so many lines of trouble, and one of its end for each, for each pipeline since `from`; more is noise. */
void load_check_log(struct load *load, size_t from, const char *what, size_t most);
size_t load_log_size(struct load *load);

/*
 * The application ends, everything arrives, dray stops; then nothing is lost, leaked, altered, twice or
 * turned around, no row's attempts grew, and the pauses are said.
 */
void load_end(struct load *load);

int64_t load_archived(struct load *load);
int64_t wall_ms(void);
char *database_of(const char *url); /* its name in a URL by its socket: postgresql:///NAME?... */

#endif
