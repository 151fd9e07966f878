/* Log lines on stderr as text or JSON. Set up once, before threads are made. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"

static bool as_json;
static enum log_level limit = LOG_INFO;
static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_setup(bool json, enum log_level level)
{
	as_json = json;
	limit = level;
}

enum log_level log_current_level(void)
{
	return limit;
}

static void write_text(
	const char *time, enum log_level level, const char *pipeline, const char *text)
{
	char line[2048];
	int size = snprintf(line, sizeof(line) - 1, "%s %-7s %s%s%s\n", time, level_names[level],
		pipeline ? pipeline : "", pipeline ? ": " : "", text);

	if (size >= (int)sizeof(line) - 1) {
		size = sizeof(line) - 1;
		line[size - 1] = '\n';
	}
	if (write(STDERR_FILENO, line, (size_t)size) < 0)
		return; /* nowhere is left to say it */
}

static void write_json(
	const char *time, enum log_level level, const char *pipeline, const char *text)
{
	json_t *line = json_pack(
		"{ss ss ss?}", "time", time, "level", level_names[level], "pipeline", pipeline);
	json_t *message = json_string(text);

	if (!pipeline)
		json_object_del(line, "pipeline");
	json_object_set_new(line, "message", message ? message : json_string("(not UTF-8)"));
	char *dump = json_dumps(line, JSON_COMPACT);
	if (dump)
		dprintf(STDERR_FILENO, "%s\n", dump);
	free(dump);
	json_decref(line);
}

void log_line(enum log_level level, const char *pipeline, const char *format, ...)
{
	char text[1536], time[32];
	va_list arguments;

	if (level > limit)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	clock_format(clock_wall_ms(), time);
	(as_json ? write_json : write_text)(time, level, pipeline, text);
}
