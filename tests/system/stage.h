#ifndef STAGE_H
#define STAGE_H

#include "fixture.h"

/*
 * A stream of its own, a relay into it and a sink out of it into another database of the same kind, run by
 * one dray: what the tests of faults play on. The stream forgets ids after a tenth of a second, so that no
 * duplicate window covers anything up.
 */
struct stage {
	char *name, *kind, *config, *stream;
	char *from, *to; /* URLs */
	char *dray_from, *dray_to; /* as Dray takes them, where that is another user */
	struct testdb *outbox, *archive;
	struct jetstream *js;
	struct proc *daemon;
	size_t log_from; /* where the log was looked at last */
};

#define STAGE_WINDOW	  "\"duplicate_window\":100000000"
#define STAGE_FORGOTTEN() nap(300)

/* more: further members of the stream's configuration, or NULL; named: the relay names its stream. */
struct stage stage_set(const char *kind, const char *name, const char *more, bool named);
void stage_configure(struct stage *s, bool named); /* once more, for other databases */
void stage_run(struct stage *s, const char *failpoints);
/* Runs it with HTTP, `more` being what follows its address in the config; gives the port, which answers. */
int stage_run_http(struct stage *s, const char *host, const char *more);
void stage_is_killed(struct stage *s); /* waits for a failpoint to do it */
void stage_stop(struct stage *s);
void stage_end(struct stage *s); /* stops what runs */

/* Rows from..to with payloads of their own, over so many keys, in one transaction. */
void stage_emit(struct stage *s, int from, int to, int keys);
void stage_delivered(struct stage *s); /* waits until nothing is pending */
int64_t stage_rows(struct stage *s);
int64_t stage_archived(struct stage *s);
void stage_archives(struct stage *s, int64_t events); /* waits until so many are stored */
int64_t stage_attempts(struct stage *s);

/* All delivered and archived; table, stream and archive agree, each once and in order. */
void stage_exact(struct stage *s);
struct oracle_counts stage_count_stream(struct stage *s);
struct oracle_counts stage_count_archive(struct stage *s);

/* What dray says now, since the last look: at least one line of this level has the piece in it. */
void stage_says(struct stage *s, const char *level, const char *piece);
/* What dray status shows as a pipeline's last error. */
void stage_last_error(struct stage *s, bool relay, const char *piece);

/* Around a program's tests: nats-server and a browser. */
int stage_start_browser(void **state);
int stage_end_browser(void **state);

/* What stands in a folder or a file goes elsewhere, byte for byte. */
void stage_copy(const char *from, const char *to);
void stage_remove(const char *path);

#endif
