/* The problems of one config file. */
#include "config_problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void problems_add(struct problems *problems, int line, const char *format, ...)
{
	char text[ERROR_TEXT], whole[ERROR_TEXT], place[24] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (line > 0)
		snprintf(place, sizeof(place), ":%d", line);
	snprintf(whole, sizeof(whole), "%.200s%s: %.500s", problems->file, place, text);
	if (problems->count++ == 0)
		memcpy(problems->first, whole, sizeof(whole));
	if (problems->out)
		buf_format(problems->out, "%s\n", whole);
}

bool problems_full(const struct problems *problems)
{
	return problems->count >= PROBLEMS_MAX;
}
