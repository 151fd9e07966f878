/* Errors as values: a kind and one line of text. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Texts of servers, libraries and files come with line breaks and worse: an error stays one line. */
static void one_line(char *text)
{
	size_t end = strlen(text);

	while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r' || text[end - 1] == ' '))
		text[--end] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list arguments;

	if (!err)
		return false;
	err->kind = kind;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	one_line(err->text);
	return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
	char whole[2 * ERROR_TEXT];
	va_list arguments;

	if (!err)
		return false;
	va_start(arguments, format);
	int used = vsnprintf(whole, ERROR_TEXT, format, arguments);
	va_end(arguments);
	size_t size = used < 0 ? 0 : used < ERROR_TEXT ? (size_t)used : ERROR_TEXT - 1;
	snprintf(whole + size, sizeof(whole) - size, ": %s", err->text);
	whole[ERROR_TEXT - 1] = '\0';
	memcpy(err->text, whole, ERROR_TEXT);
	return false;
}

int error_exit_status(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NONE:
		return 0;
	case ERROR_USAGE:
		return 2;
	case ERROR_UNAVAILABLE:
		return 3;
	default:
		return 1;
	}
}
