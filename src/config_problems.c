/* The problems of one config file. */
#include "config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problems_add(struct problems *problems, int line, const char *format, ...)
{
	char text[ERROR_TEXT], place[24] = "";
	struct error problem; /* one line, whatever the file says */
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (line > 0)
		snprintf(place, sizeof(place), ":%d", line);
	error_set(&problem, ERROR_USAGE, "%.200s%s: %.500s", problems->file, place, text);
	if (problems->count++ == 0)
		memcpy(problems->first, problem.text, sizeof(problem.text));
	if (problems->out)
		buf_format(problems->out, "%s\n", problem.text);
}

bool problems_full(const struct problems *problems)
{
	return problems->count >= PROBLEMS_MAX;
}
