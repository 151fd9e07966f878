#ifndef DB_REPORT_H
#define DB_REPORT_H

#include <stdarg.h>

#include "base/metrics.h"
#include "db/db.h"

/* A pipeline's row for `dray status`, written by whoever runs the pipeline. */
struct report {
	const char *name, *kind; /* "relay" or "sink" */
	const char *holder, *resource;
	const char *state; /* running, waiting, stopped */
	int64_t events, dead, stuck;
	double rate; /* events a second: see report_rate */
	int64_t backlog, lag_ms; /* -1: not known */
	char last_error[ERROR_TEXT]; /* "" for none */
	int64_t last_error_ms; /* wall clock */
	struct metrics *metrics; /* the same for whoever watches the process */
};

#define REPORT_EVERY_MS 5000

/* The last error, as `dray status` shows it, and when: now. */
void report_error(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void report_error_list(struct report *report, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/*
 * Events a second since the last time that it was asked for, so that no burst falls between two reports; over
 * less than a second nothing is new. Begins with what is there now.
 */
struct report_rate {
	int64_t since_ms, events;
	double rate;
};

struct report_rate report_rate_begin(int64_t events);
double report_rate(struct report_rate *rate, int64_t events);

bool report_write(struct db *db, const struct report *report, struct error *err);

#endif
