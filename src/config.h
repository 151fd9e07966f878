#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/buf.h"

/*
 * The effective configuration: what the file says, with every default filled in. Strings belong to the
 * config and are freed with it; read-only once loaded, so that any thread may read it.
 */

enum ordering { ORDERING_NONE, ORDERING_KEY, ORDERING_STREAM };
enum on_delivered { ON_DELIVERED_MARK, ON_DELIVERED_DELETE };
enum wakeup { WAKEUP_NOTIFY, WAKEUP_POLL };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum on_trimmed { ON_TRIMMED_STOP, ON_TRIMMED_CONTINUE };
enum sink_start { SINK_START_ALL, SINK_START_NEW, SINK_START_SEQ, SINK_START_TIME };
enum sink_mode { SINK_ARCHIVE, SINK_INSERT, SINK_UPSERT };
enum config_switch { CONFIG_FALSE, CONFIG_TRUE };
enum sink_replays { SINK_REPLAYS_SKIP, SINK_REPLAYS_APPLY };
enum sink_unmatched { SINK_UNMATCHED_REFUSE, SINK_UNMATCHED_DEAD, SINK_UNMATCHED_IGNORE };

struct config_list {
	char **items;
	size_t count;
};

/* One column of a sink's table: where its value comes from. Each text is NULL where it is not given. */
struct config_column {
	char *name;
	char *from; /* a source (see source.h) */
	char *value; /* or a constant */
	char *fallback; /* default: what stands for a value that is missing */
	int line; /* 0: not from a file */
};

struct config_columns {
	struct config_column *items;
	size_t count;
};

#define CONFIG_COLUMNS_MAX     100
#define CONFIG_TABLES_MAX      50 /* of a sink */
#define CONFIG_ALL_COLUMNS_MAX 500 /* of its tables together */

/* Which events delete: all of it NULL, or equals and one of the others. */
struct config_delete_when {
	char *header; /* a header's name */
	char *from; /* any source */
	char *equals;
};

struct config_nats {
	char *url; /* one, or several separated by commas */
	char *creds, *user, *password, *token, *nkey_seed_file;
	struct {
		char *ca, *cert, *key;
	} tls; /* files; cert and key stand together */
	char *js_domain;
};

struct config_http {
	char *listen; /* HOST:PORT; NULL: no HTTP */
	char *token; /* NULL: nothing can be changed over HTTP */
};

struct config_stream {
	char *name;
	struct config_list subjects;
	int64_t replicas;
	int64_t duplicate_window_ms;
	int line;
};

struct config_retry {
	int64_t initial_ms, max_ms;
	double multiplier; /* 1 and more */
	double jitter; /* 0 to 1: the share of a delay that is random */
	int64_t max_attempts; /* 0: for ever */
};

enum preset { PRESET_NONE, PRESET_DEBEZIUM };

/*
 * An outbox table that Dray did not make: the names of its columns, and texts in which {NAME} stands for a
 * column's value. id NULL: the table is Dray's own.
 */
struct config_borrowed {
	char *id, *order, *payload, *created_at, *state,
		*delivered_at; /* columns; id alone is needed */
	char *event_id, *subject, *key; /* texts */
	struct config_list headers; /* NAME=TEXT */
	char *pending_state, *delivered_state,
		*dead_state; /* values of state; pending NULL: SQL NULL */
};

struct config_relay {
	char *name, *database, *table;
	enum preset preset;
	struct config_borrowed borrowed;
	char *stream; /* NULL: any stream that takes the subject */
	enum ordering ordering;
	enum on_delivered on_delivered;
	int64_t batch; /* rows a read: 1 to 10,000 */
	int64_t max_in_flight; /* messages: 1 to 65,536 */
	int64_t max_in_flight_bytes;
	enum wakeup wakeup;
	int64_t poll_interval_ms;
	int64_t lease_ms; /* 1 s and more */
	struct config_retry retry;
	int64_t retention_ms; /* 0: off */
	int64_t audit_every_ms; /* 0: no audit in the daemon */
	int64_t audit_window_ms;
	int audit_heal; /* 0 or 1 */
	int line;
};

/* A table of a sink, and how events become its rows. */
struct config_table {
	struct config_list subjects; /* empty: every event of the sink */
	char *table;
	enum sink_mode mode;
	struct config_list key; /* SINK_UPSERT: columns of a unique index of the table */
	struct config_columns columns; /* SINK_INSERT, SINK_UPSERT */
	enum config_switch
		create; /* SINK_INSERT, SINK_UPSERT: make the table where it is missing */
	char *version; /* SINK_UPSERT: a source */
	struct config_delete_when delete_when;
	enum config_switch tombstones; /* whether an event without a payload deletes */
	enum sink_replays replays;
	int line;
};

struct config_sink {
	char *name, *database, *stream;
	struct config_list subjects; /* empty: the whole stream */
	struct config_table own; /* where it has no tables: (see config_tables) */
	struct config_table *tables;
	size_t table_count;
	enum sink_unmatched unmatched; /* an event that none of its tables takes */
	enum sink_start start;
	int64_t start_seq; /* SINK_START_SEQ */
	char *start_time; /* SINK_START_TIME: RFC 3339 in UTC */
	int64_t batch; /* events a transaction: 1 to 10,000 */
	int64_t batch_bytes;
	int64_t max_wait_ms; /* how long a batch may wait to become full */
	char *consumer; /* a durable's name, for workqueue and interest streams; NULL otherwise */
	int64_t lease_ms;
	enum on_trimmed on_trimmed;
	double max_dead_ratio; /* 0 to 1: the share of events that may be set aside */
	int64_t retention_ms; /* of deleted keys, where a table is upserted; 0: for ever */
	int line;
};

struct config {
	char *file; /* NULL: no file, defaults only */
	struct config_nats nats;
	struct config_http http;
	enum log_format log_format;
	int log_level; /* enum log_level */
	int64_t shutdown_timeout_ms;
	struct config_stream *streams;
	struct config_relay *relays;
	struct config_sink *sinks;
	size_t stream_count, relay_count, sink_count;
	bool holds_secrets; /* a password or token stands in the file itself, not in a variable */
};

/*
 * Reads a file. Every problem in it is reported, not the first alone: each as one line
 * "FILE:LINE: what is wrong; what to do" in problems (which may be NULL); on failure err sums them up, or
 * is the only one. ERROR_USAGE where the text is at fault or the file cannot be read.
 */
struct config *config_load(const char *file, struct buf *problems, struct error *err);

/* A config without a file: defaults, NATS_URL, and nothing to run. Never NULL. */
struct config *config_default(void);
void config_destroy(struct config *config);

/*
 * Adds a relay or a sink with every default filled in, for `dray relay DATABASE` and `dray sink DATABASE`.
 * The name is copied. The pointer is good until the next addition. config_set changes one setting by its
 * dotted key as it stands in the file ("retry.max", "batch", "columns.total"), with the same checks. What
 * holds between the settings of a sink is checked by config_check_sink, when all of them are set.
 */
struct config_relay *config_add_relay(
	struct config *config, const char *name, const char *database);
struct config_sink *config_add_sink(
	struct config *config, const char *name, const char *database, const char *stream);
struct config_stream *config_add_stream(struct config *config, const char *name);
bool config_set(void *section, const char *section_kind, const char *key, const char *value,
	struct error *err); /* section_kind: "relay", "sink", "stream", "nats", "" for the top */

bool config_check_sink(const struct config_sink *sink, struct error *err);

/* The tables of a sink, one at least. An event goes into the first whose subjects it has. */
const struct config_table *config_tables(const struct config_sink *sink, size_t *count);

/*
 * Fills in what a relay's preset and its other settings say; and whether its settings go together (ERROR_USAGE).
 * To be called when all are set, by whoever sets some with config_set.
 */
void config_finish_relay(struct config_relay *relay);
bool config_check_relay(const struct config_relay *relay, struct error *err);

/* The effective config as YAML, every key, secrets as "(set)". */
void config_print(const struct config *config, struct buf *out);

/* The commented config that `dray init` writes, made from the settings table. */
void config_print_template(struct buf *out);

#endif
