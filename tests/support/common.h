#ifndef SUPPORT_COMMON_H
#define SUPPORT_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Fails the running test. Main thread only. */
#define give_up(...) give_up_at(__FILE__, __LINE__, __VA_ARGS__)
void give_up_at(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* Memory that lives as long as the process, so that tests need not free texts. Any thread. */
void *keep(void *memory);
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_bytes(const void *data, size_t size); /* with a NUL behind */
char *text_hex(const void *data, size_t size);

/*
 * The scratch folder: made at first use under DRAY_SCRATCH or /tmp, since a socket's path must be short,
 * and removed at exit. A failing test prints the end of every *.log in it; with DRAY_KEEP=1 the folder stays,
 * with DRAY_KEEP=failed that of a failing test.
 */
const char *scratch(void);
char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
void file_write(const char *path, const char *content);
char *file_read(const char *path); /* "" where it is missing */
char *project_path(const char *path); /* of a file of the project: project_path("docs/dray.1") */

/* Whether the long runs are asked for (DRAY_LONG=1), and numbers that the environment may change. */
bool long_run(void);
int64_t number_from(const char *environment, int64_t otherwise);

/* Monotonic. */
int64_t now_ms(void);
void nap(int64_t ms);

/* A time limit, longer in builds where everything is slower (DRAY_PATIENCE, a factor). */
int64_t patience(int64_t ms);

#define WAIT_UNTIL(ms, condition) \
	do { \
		int64_t wait_end = now_ms() + patience(ms); \
		while (!(condition)) { \
			if (now_ms() > wait_end) \
				give_up("not within %lld ms: %s", (long long)patience(ms), \
					#condition); \
			nap(20); \
		} \
	} while (0)

/* How often a piece stands in a text. */
size_t occurrences(const char *in, const char *piece);
#define assert_contains(in, piece) assert_contains_at(__FILE__, __LINE__, in, piece)
#define assert_lacks(in, piece)	   assert_lacks_at(__FILE__, __LINE__, in, piece)
void assert_contains_at(const char *file, int line, const char *in, const char *piece);
void assert_lacks_at(const char *file, int line, const char *in, const char *piece);

/* Where DRAY_TEST is set, only the tests run whose names match it (* and ?). Called by main. */
void only_named_tests(void);

/* A line of what the test saw, for people who read the log. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
