#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Log lines on stderr, from any thread; lines of two threads never mix. Library code does not log: the loop that
 * decides logs, once. No secret ever goes into a text. A text may hold anything: it becomes one line of UTF-8, with
 * what could steer a terminal, and what is not UTF-8, as \xNN or \uNNNN; what is too long is cut.
 */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* While no other thread logs. */
void log_setup(bool json, enum log_level level);

/* pipeline: its name, or NULL for the process as a whole. */
void log_line(enum log_level level, const char *pipeline, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(pipeline, ...)   log_line(LOG_ERROR, pipeline, __VA_ARGS__)
#define log_warning(pipeline, ...) log_line(LOG_WARNING, pipeline, __VA_ARGS__)
#define log_info(pipeline, ...)	   log_line(LOG_INFO, pipeline, __VA_ARGS__)
#define log_debug(pipeline, ...)   log_line(LOG_DEBUG, pipeline, __VA_ARGS__)

/*
 * Lines of a kind that may come often; zeroed at first, one thread at a time. log_may_say: whether one may be written
 * now (at the level debug always); where not, its `times` are counted. log_held_back gives what was counted, when
 * it is time to tell it (`now`: in any case), or 0: after a second, then after twice as long each time, up to a minute.
 */
struct log_limit {
	int64_t next_ms; /* monotonic */
	int64_t pause_ms;
	int64_t held;
};

bool log_may_say(struct log_limit *limit, int64_t times);
int64_t log_held_back(struct log_limit *limit, bool now);

#endif
