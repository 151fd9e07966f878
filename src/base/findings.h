#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include <stddef.h>

#include "base/error.h"

/* What `dray check` and the preflight of a pipeline found: every problem at once, not the first. */
enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_PROBLEM };

struct finding {
	enum finding_level level;
	enum error_kind kind; /* of a problem: decides the exit status */
	char *pipeline; /* its name, or NULL */
	char *text;
};

struct findings {
	struct finding *items;
	size_t count;
};

void findings_add(struct findings *findings, enum finding_level level, enum error_kind kind,
	const char *pipeline, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The exit status: the first of 2, 3 and 1 that a problem asks for; 0 without problems. */
int findings_exit_status(const struct findings *findings);

/* The one of two exit statuses that comes first: 2, 3, 1, 0. */
int findings_worse_status(int a, int b);

void findings_finish(struct findings *findings);

#endif
