#ifndef BOX_H
#define BOX_H

#include "both.h"

#include <pthread.h>

#include "relay/outbox.h"

#define SOON_MS 200 /* from a commit to the reader */

/* An outbox in a database of its own, and what the tests of it do. An error fails the test. */
struct box {
	bool postgres;
	char *url;
	const char *table;
	struct testdb *app; /* the application, and a look from outside */
	struct config *config;
	struct config_relay *relay;
	struct outbox *outbox;
};

/* Closed: settings can be changed yet. poll_interval is 10 s. */
struct box box_make_closed(bool postgres);
struct box box_make(bool postgres);
void box_drop(struct box *box);
void box_open(struct box *box);
struct outbox *box_create(const struct box *box); /* another one for the same table */
void box_make_tables(const char *url, const char *table);

struct batch *box_read(struct box *box, struct read_plan plan);
struct batch *box_read_some(struct box *box, size_t limit); /* new rows and gaps */
struct batch *box_read_due(struct box *box);
struct batch *box_read_sweep(struct box *box, size_t limit);

/* What a batch holds: "1n 2n 5g", the letters being the source (Sweep, New, Gap, Retry, scheDuled). */
const char *box_rows_of(const struct batch *batch);

/* Checks what a batch holds, and lets it go. */
void box_has(struct batch *batch, const char *expected);

void box_emit(struct box *box, int rows);
struct verdict box_delivered(struct row *row, size_t stream, uint64_t seq);
struct verdict box_failed(struct row *row, int64_t delay_ms, const char *error); /* < 0: dead */
extern const struct position box_at_ten; /* in stream SHOP */
size_t box_settle(
	struct box *box, const struct verdict *verdicts, size_t count); /* how many missed */

/* One cell of a row. */
int64_t box_number_of(struct box *box, const char *expression, int64_t id);
char *box_text_of(struct box *box, const char *expression, int64_t id);
bool is_slice(struct slice slice, const char *expected);

/* A sleep; and, as the relay does it: reads until there is nothing, then sleeps. Gives when a row was there. */
void box_wait_once(struct box *box, int wake_fd, int64_t ms);
int64_t box_wait_for_row(struct box *box, int64_t limit_ms);

/* An application in a thread. */
struct inserter {
	pthread_t thread;
	const char *url;
	int64_t after_ms;
	_Atomic int64_t committed_ms; /* -1: it failed */
};

#endif
