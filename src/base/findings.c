/* A growing list of what was found. */
#include "base/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

void findings_add(struct findings *findings, enum finding_level level, enum error_kind kind,
	const char *pipeline, const char *format, ...)
{
	char text[ERROR_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	findings->items =
		memory_grow(findings->items, (findings->count + 1) * sizeof(*findings->items));
	findings->items[findings->count++] =
		(struct finding){ level, kind, memory_text(pipeline), memory_text(text) };
}

int findings_worse_status(int a, int b)
{
	static const int ranks[] = { 0, 1, 3, 2 };

	return ranks[a] >= ranks[b] ? a : b;
}

int findings_exit_status(const struct findings *findings)
{
	int worst = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *one = &findings->items[i];
		int status = error_exit_status(one->kind);
		if (one->level == FINDING_PROBLEM)
			worst = findings_worse_status(worst, status ? status : 1);
	}
	return worst;
}

void findings_finish(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].pipeline);
		free(findings->items[i].text);
	}
	free(findings->items);
	*findings = (struct findings){ 0 };
}
