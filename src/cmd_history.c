/* What replay and audit have in common: places in history, signals, progress. */
#include "cmd_history.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "config_check.h"

static struct stop *to_stop;

static bool parse_number(const char *text, int64_t *number, struct error *err)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return (!errno && end != text && !*end) ||
		error_set(err, ERROR_USAGE, "\"%.40s\" is not a number", text);
}

/* To the millisecond, as the tables have it: texts that sort as time does. */
static char *whole_time(const char *text)
{
	const char *fraction = text + 19;
	size_t digits = *fraction == '.' ? strspn(++fraction, "0123456789") : 0;

	if (digits > 3)
		digits = 3;
	return memory_format(
		"%.19s.%.*s%.*sZ", text, (int)digits, fraction, 3 - (int)digits, "000");
}

bool cmd_parse_when(const char *text, int64_t *number, char **time, struct error *err)
{
	char ago[32];
	int64_t ms;

	if (strncmp(text, "id:", 3) == 0)
		return parse_number(text + 3, number, err);
	if (strncmp(text, "seq:", 4) == 0)
		return parse_number(text + 4, number, err);
	if (strncmp(text, "time:", 5) == 0) {
		if (!check_time(text + 5, err))
			return false;
		*time = whole_time(text + 5);
		return true;
	}
	if (!units_parse_duration(text, &ms))
		return error_set(err, ERROR_USAGE,
			"\"%.80s\" is unknown; it is id:N, seq:N, time:2026-01-31T12:00:00Z or a "
			"duration ago, such as 2h",
			text);
	clock_format(clock_wall_ms() - ms, ago);
	*time = memory_text(ago);
	return true;
}

static void on_signal(int number)
{
	(void)number;
	if (stop_requested(to_stop))
		_exit(1);
	stop_request(to_stop);
}

void cmd_stop_on_signals(struct stop *stop)
{
	struct sigaction action = { .sa_handler = on_signal };

	to_stop = stop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool cmd_shows_progress(const struct cli *cli)
{
	return !cli->json && !cli->quiet && isatty(STDERR_FILENO);
}

void cmd_progress(const char *what, int64_t done, int64_t total, int64_t began_ms, int64_t since)
{
	int64_t took = clock_now_ms() - began_ms;
	double rate = took > 0 ? (double)(done - since) * 1000 / (double)took : 0;
	char left[32] = "";

	if (rate > 0 && total > done)
		units_format_duration((int64_t)((double)(total - done) / rate) * 1000, left);
	fprintf(stderr, "\r%s %" PRId64 " of %" PRId64 " (%.0f %%), %.0f/s%s%s\033[K", what, done,
		total, total > 0 ? (double)done * 100 / (double)total : 100.0, rate,
		*left ? ", left: " : "", left);
}

void cmd_end_progress(void)
{
	fputc('\n', stderr);
}
