#ifndef HISTORY_AUDIT_H
#define HISTORY_AUDIT_H

#include "base/stop.h"
#include "config.h"

/*
 * Compares what an outbox marked delivered with what its streams hold: both are walked side by side, in the
 * order of the stream, so memory is bounded however many there are. What is not where it was is looked for in
 * the whole stream before it counts as missing.
 */
enum audit_class {
	AUDIT_PRESENT,
	AUDIT_EXPIRED, /* cut off by the stream's limits, purged, or taken out by a stream that erases by itself */
	AUDIT_FORMER, /* gone with a former stream of that name */
	AUDIT_MISSING,
	AUDIT_UNMARKED, /* stored, but the row is not marked delivered */
	AUDIT_CLASSES
};

extern const char *const audit_class_names[AUDIT_CLASSES];

/* What came of one stream. */
struct audit_result {
	const char *stream;
	int64_t rows; /* that were marked delivered into it */
	int64_t counts[AUDIT_CLASSES];
	int64_t moved; /* of those present: under another sequence than the row says */
	int64_t healed; /* of those missing */
	bool endless; /* it has no limits, so what is cut off was purged, or lost */
};

/* A row that is not present where it says. */
struct audit_row {
	const char *stream, *event_id;
	int64_t id;
	uint64_t seq; /* as the row says; of an unmarked one, where the stream holds it */
	enum audit_class class;
};

struct audit_options {
	const struct config *config;
	const struct config_relay *relay;
	int64_t from_id; /* INT64_MIN: all */
	const char *since; /* delivered then or later, RFC 3339; NULL: whenever */
	bool heal; /* publish again what is missing */
	struct stop *stop;
	/* Called on the same thread; each may be NULL. */
	void (*row)(void *context, const struct audit_row *row);
	void (*progress)(void *context, int64_t done, int64_t total);
	void (*result)(void *context, const struct audit_result *result);
	void *context;
};

/*
 * missing: rows that are missing still. ERROR_USAGE where healing is not possible, ERROR_CONFLICT where
 * somebody else heals.
 */
bool audit_run(const struct audit_options *options, int64_t *missing, struct error *err);

#endif
