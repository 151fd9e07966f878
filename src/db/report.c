/* A pipeline's row for `dray status`. */
#include "db/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define NUMBERS 5

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
