/*
 * Log lines on stderr as text or JSON. Set up while there is one thread; the lock keeps a line that takes several
 * writes in one piece.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define TEXT_SIZE    1536
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000

static bool as_json;
static enum log_level most = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_setup(bool json, enum log_level level)
{
	as_json = json;
	most = level;
}

/* Controls, and what ends a line or turns the direction of writing around for whoever reads it. */
static bool is_unseen(unsigned character)
{
	return character < ' ' || (character >= 0x7f && character < 0xa0) ||
		(character >= 0x200e && character <= 0x200f) ||
		(character >= 0x2028 && character <= 0x202e) ||
		(character >= 0x2066 && character <= 0x2069);
}

static void add_clean(struct buf *line, struct slice text)
{
	unsigned character;

	for (size_t size; text.size > 0; text.data += size, text.size -= size) {
		size = utf8_first(text, &character);
		if (size > 0 && !is_unseen(character))
			buf_add(line, text.data, size);
		else if (size > 1)
			buf_format(line, "\\u%04x", character);
		else
			buf_format(line, "\\x%02x", (unsigned char)text.data[0]);
		size = size ? size : 1;
	}
}

static void add_text(struct buf *line, const char *time, const char *level, const char *pipeline,
	const char *text)
{
	buf_format(line, "%s %-7s %s%s%s\n", time, level, pipeline ? pipeline : "",
		pipeline ? ": " : "", text);
}

static void add_json(struct buf *line, const char *time, const char *level, const char *pipeline,
	const char *text)
{
	json_t *object = pipeline
		? json_pack("{ss ss ss ss}", "time", time, "level", level, "pipeline", pipeline,
			  "message", text)
		: json_pack("{ss ss ss}", "time", time, "level", level, "message", text);
	char *dump = json_dumps(object, JSON_COMPACT);

	buf_format(line, "%s\n", dump ? dump : "{}");
	free(dump);
	json_decref(object);
}

static void write_all(const char *data, size_t size)
{
	ssize_t done = 0;

	pthread_mutex_lock(&lock);
	for (; size > 0 && done >= 0; data += done, size -= (size_t)done)
		done = write(
			STDERR_FILENO, data, size); /* where it fails, nowhere is left to say it */
	pthread_mutex_unlock(&lock);
}

void log_line(enum log_level level, const char *pipeline, const char *format, ...)
{
	char text[TEXT_SIZE], time[32];
	struct buf clean = { 0 }, line = { 0 };
	va_list arguments;

	if (level > most)
		return;
	va_start(arguments, format);
	int size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add_clean(&clean, (struct slice){ text, strlen(text) });
	if (size >= TEXT_SIZE)
		buf_add_text(&clean, "...");
	clock_format(clock_wall_ms(), time);
	(as_json ? add_json : add_text)(
		&line, time, level_names[level], pipeline, clean.data ? clean.data : "");
	write_all(line.data, line.size);
	buf_finish(&clean);
	buf_finish(&line);
}

bool log_may_say(struct log_limit *limit, int64_t times)
{
	int64_t now = clock_now_ms();

	if ((now < limit->next_ms || limit->held > 0) && most < LOG_DEBUG) {
		limit->held += times;
		return false;
	}
	limit->pause_ms = PAUSE_MIN_MS;
	limit->next_ms = now + limit->pause_ms;
	return true;
}

int64_t log_held_back(struct log_limit *limit, bool now)
{
	int64_t held = limit->held;

	if (held == 0 || (!now && clock_now_ms() < limit->next_ms))
		return 0;
	limit->held = 0;
	limit->pause_ms = limit->pause_ms < PAUSE_MAX_MS / 2 ? limit->pause_ms * 2 : PAUSE_MAX_MS;
	limit->next_ms = clock_now_ms() + limit->pause_ms;
	return held;
}
