#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

/*
 * Log lines on stderr, one write() a line, from any thread. Library code does not log: the loop that
 * decides logs, once. No secret ever goes into a text.
 */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_setup(bool json, enum log_level level);
enum log_level log_current_level(void);

/* pipeline: its name, or NULL for the process as a whole. */
void log_line(enum log_level level, const char *pipeline, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(pipeline, ...)   log_line(LOG_ERROR, pipeline, __VA_ARGS__)
#define log_warning(pipeline, ...) log_line(LOG_WARNING, pipeline, __VA_ARGS__)
#define log_info(pipeline, ...)	   log_line(LOG_INFO, pipeline, __VA_ARGS__)
#define log_debug(pipeline, ...)   log_line(LOG_DEBUG, pipeline, __VA_ARGS__)

#endif
