/* A pipeline's row for `dray status`. */
#include "db/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define NUMBERS 5
#define RATE_MS 1000

void report_error_list(struct report *report, const char *format, va_list arguments)
{
	vsnprintf(report->last_error, sizeof(report->last_error), format, arguments);
	report->last_error_ms = clock_wall_ms();
	metrics_error(report->metrics, report->last_error, report->last_error_ms);
}

void report_error(struct report *report, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_error_list(report, format, arguments);
	va_end(arguments);
}

struct report_rate report_rate_begin(int64_t events)
{
	return (struct report_rate){ .since_ms = clock_now_ms(), .events = events };
}

double report_rate(struct report_rate *rate, int64_t events)
{
	int64_t now = clock_now_ms(), took = now - rate->since_ms;

	if (took < RATE_MS)
		return rate->rate;
	*rate = (struct report_rate){ .since_ms = now,
		.events = events,
		.rate = (double)(events - rate->events) * 1000 / (double)took };
	return rate->rate;
}

bool report_write(struct db *db, const struct report *report, struct error *err)
{
	const int64_t values[NUMBERS] = { report->events, report->backlog, report->lag_ms,
		report->dead, report->stuck };
	char text[NUMBERS][24], rate[32], error_time[32];

	for (size_t i = 0; i < NUMBERS; i++)
		snprintf(text[i], sizeof(text[i]), "%" PRId64, values[i]);
	snprintf(rate, sizeof(rate), "%.3f", report->rate);
	clock_format(report->last_error_ms, error_time);
	const char *parameters[] = { report->name, report->kind, report->holder, report->state,
		report->resource, text[0], rate, report->backlog < 0 ? NULL : text[1],
		report->lag_ms < 0 ? NULL : text[2], text[3], text[4],
		report->last_error[0] ? report->last_error : NULL,
		report->last_error[0] ? error_time : NULL };
	return db_run(db, SQL_REPORT_WRITE, NULL, parameters,
		sizeof(parameters) / sizeof(parameters[0]), NULL, NULL, err);
}
