/* Values of events as values of columns. Pure. */
#include "sink/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "sink/paths.h"

#define SHOWN 60 /* bytes of a value in a fault */

bool value_of_json(
	struct slice written, struct arena *arena, struct value *value, const char **fault)
{
	*value = (struct value){ VALUE_MISSING, written };
	if (!written.data)
		return true;
	switch (written.data[0]) {
	case '"':
		value->type = VALUE_STRING;
		return paths_text(written, arena, &value->text, fault);
	case '{':
	case '[':
		value->type = VALUE_JSON;
		return true;
	case 't':
	case 'f':
		value->type = VALUE_BOOLEAN;
		return true;
	case 'n':
		value->type = VALUE_NULL;
		return true;
	default:
		value->type = VALUE_NUMBER;
		return true;
	}
}

/* Digits and where their point stands: the number is the digits times 10^exponent. */
struct decimal {
	bool negative;
	const char *digits, *end; /* with a point among them, or none */
	int64_t exponent; /* of the last digit */
};

static bool read_decimal(struct slice text, struct decimal *decimal)
{
	if (text.size == 0 || !paths_is_number(text))
		return false;
	const char *at = text.data, *end = text.data + text.size, *e = at;
	*decimal = (struct decimal){ .negative = *at == '-' };
	while (e < end && *e != 'e' && *e != 'E')
		e++;
	decimal->digits = at + decimal->negative;
	decimal->end = e;
	if (e < end) {
		bool minus = e[1] == '-';
		for (at = e + 1 + (e[1] == '-' || e[1] == '+'); at < end; at++)
			if (decimal->exponent < 1000000)
				decimal->exponent = decimal->exponent * 10 + (*at - '0');
		if (minus)
			decimal->exponent = -decimal->exponent;
	}
	const char *point = memchr(decimal->digits, '.', (size_t)(e - decimal->digits));
	decimal->exponent -= point ? e - point - 1 : 0;
	return true;
}

static bool push_digit(int64_t *result, int digit, bool negative)
{
	return !__builtin_mul_overflow(*result, 10, result) &&
		!__builtin_add_overflow(*result, negative ? -digit : digit, result);
}

bool value_decimal(struct slice text, int scale, int64_t *result, bool *exact)
{
	struct decimal decimal;

	*result = 0;
	*exact = true;
	if (!read_decimal(text, &decimal))
		return false;
	int64_t exponent = decimal.exponent + scale, left = 0;
	for (const char *c = decimal.digits; c < decimal.end; c++)
		left += *c != '.';
	for (const char *c = decimal.digits; c < decimal.end; c++) {
		if (*c == '.')
			continue;
		bool behind = --left + exponent < 0;
		if (behind && *c != '0')
			*exact = false;
		if (!behind && !push_digit(result, *c - '0', decimal.negative))
			return false;
	}
	for (; exponent > 0 && *result != 0; exponent--)
		if (!push_digit(result, 0, decimal.negative))
			return false;
	return true;
}

/* So many digits as a number; -1: they are none. */
static int digits(struct slice *text, size_t count)
{
	int number = 0;

	if (text->size < count)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (text->data[i] < '0' || text->data[i] > '9')
			return -1;
		number = number * 10 + (text->data[i] - '0');
	}
	*text = (struct slice){ text->data + count, text->size - count };
	return number;
}

static bool skip(struct slice *text, const char *any)
{
	if (text->size == 0 || !text->data[0] || !strchr(any, text->data[0]))
		return false;
	*text = (struct slice){ text->data + 1, text->size - 1 };
	return true;
}

static bool read_date(struct slice *text, struct tm *time)
{
	int year = digits(text, 4), month, day;

	if (year < 1 || !skip(text, "-"))
		return false;
	month = digits(text, 2);
	if (month < 1 || month > 12 || !skip(text, "-"))
		return false;
	day = digits(text, 2);
	time->tm_year = year - 1900;
	time->tm_mon = month - 1;
	time->tm_mday = day;
	struct tm given = *time;
	timegm(&given);
	return day >= 1 && given.tm_mday == day;
}

/* Fractions of a second as microseconds; further digits are dropped. */
static bool read_fraction(struct slice *text, int64_t *us)
{
	int64_t unit = 100000;
	size_t count = 0;

	while (count < text->size && text->data[count] >= '0' && text->data[count] <= '9') {
		*us += (text->data[count] - '0') * unit;
		unit /= 10;
		count++;
	}
	*text = (struct slice){ text->data + count, text->size - count };
	return count > 0;
}

static bool read_clock(struct slice *text, struct tm *time, int64_t *us)
{
	time->tm_hour = digits(text, 2);
	if (time->tm_hour < 0 || time->tm_hour > 23 || !skip(text, ":"))
		return false;
	time->tm_min = digits(text, 2);
	if (time->tm_min < 0 || time->tm_min > 59)
		return false;
	if (!skip(text, ":"))
		return true;
	time->tm_sec = digits(text, 2);
	if (time->tm_sec < 0 || time->tm_sec > 60)
		return false;
	return !skip(text, ".") || read_fraction(text, us);
}

/* Z, +HH, +HHMM or +HH:MM; nothing is UTC. */
static bool read_offset(struct slice *text, int64_t *seconds)
{
	if (text->size == 0 || skip(text, "Zz"))
		return true;
	bool west = text->data[0] == '-';
	if (!skip(text, "+-"))
		return false;
	int hours = digits(text, 2), minutes = 0;
	if (text->size > 0) {
		skip(text, ":");
		minutes = digits(text, 2);
	}
	*seconds = (west ? -1 : 1) * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return hours >= 0 && hours <= 15 && minutes >= 0 && minutes <= 59;
}

bool value_time(struct slice text, int64_t *us)
{
	struct tm time = { 0 };
	int64_t fraction = 0, offset = 0;

	if (!read_date(&text, &time))
		return false;
	if (text.size > 0 &&
		(!skip(&text, "Tt ") || !read_clock(&text, &time, &fraction) ||
			!read_offset(&text, &offset)))
		return false;
	*us = ((int64_t)timegm(&time) - offset) * 1000000 + fraction;
	return text.size == 0;
}

bool value_format_time(int64_t us, char text[VALUE_TIME_SIZE])
{
	int64_t rest = us % 1000000 < 0 ? us % 1000000 + 1000000 : us % 1000000;
	time_t seconds = (time_t)((us - rest) / 1000000);
	struct tm time;
	char date[32];

	if (!gmtime_r(&seconds, &time) || time.tm_year + 1900 < 1 || time.tm_year + 1900 > 9999)
		return false;
	snprintf(date, sizeof(date), "%04d-%02d-%02dT%02d:%02d:%02d", (time.tm_year + 1900) % 10000,
		(time.tm_mon + 1) % 100, time.tm_mday % 100, time.tm_hour % 100, time.tm_min % 100,
		time.tm_sec % 100);
	if (rest % 1000 == 0)
		snprintf(text, VALUE_TIME_SIZE, "%s.%03dZ", date, (int)(rest / 1000));
	else
		snprintf(text, VALUE_TIME_SIZE, "%s.%06dZ", date, (int)rest);
	return true;
}

/* "what" is wrong with the value, with the value's beginning. */
static bool misfit(
	const struct value *value, const char *what, struct arena *arena, const char **fault)
{
	size_t size = value->text.size;

	if (value->type == VALUE_BYTES) {
		*fault = what;
		return false;
	}
	size_t shown = size > SHOWN ? SHOWN : size;
	while (shown > 0 && shown < size && ((unsigned char)value->text.data[shown] & 0xc0) == 0x80)
		shown--;
	size_t room = shown + strlen(what) + 16;
	char *text = arena_new(arena, room);
	snprintf(text, room, "\"%.*s\"%s %s", (int)shown, value->text.data,
		shown < size ? "..." : "", what);
	*fault = text;
	return false;
}

/* A number of times since 1970, by its size. */
static bool count_to_us(struct slice text, int64_t *us)
{
	static const struct {
		int64_t below;
		int scale;
	} units[] = { { INT64_C(100000000000), 6 }, { INT64_C(100000000000000), 3 },
		{ INT64_C(100000000000000000), 0 } };
	int64_t whole;
	bool exact;

	if (!value_decimal(text, 0, &whole, &exact))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (whole < units[i].below && whole > -units[i].below)
			return value_decimal(text, units[i].scale, us, &exact);
	return value_decimal(text, -3, us, &exact);
}

static struct slice kept(struct arena *arena, const char *text)
{
	return (struct slice){ arena_copy(arena, text, strlen(text)), strlen(text) };
}

static bool fit_time(const struct value *value, bool strict, struct arena *arena, struct cell *cell,
	const char **fault)
{
	char text[VALUE_TIME_SIZE];
	int64_t us;

	if (value->type == VALUE_NUMBER) {
		if (!count_to_us(value->text, &us) || !value_format_time(us, text))
			return misfit(value, "is no time: out of range", arena, fault);
		cell->text = kept(arena, text);
		return true;
	}
	if (!strict)
		return true;
	if ((value->type == VALUE_STRING || value->type == VALUE_LITERAL) &&
		value_time(value->text, &us))
		return true;
	return misfit(value, "is no time: it is written 2026-01-31T12:00:00Z", arena, fault);
}

static bool fit_integer(const struct value *value, bool strict, struct arena *arena,
	struct cell *cell, const char **fault)
{
	char text[24];
	int64_t whole;
	bool exact;

	if (strict && value->type == VALUE_BOOLEAN) {
		cell->text = slice_is(value->text, "true") ? SLICE("1") : SLICE("0");
		return true;
	}
	bool number = value->type == VALUE_NUMBER ||
		(strict && (value->type == VALUE_STRING || value->type == VALUE_LITERAL));
	if (number && value_decimal(value->text, 0, &whole, &exact) && exact) {
		snprintf(text, sizeof(text), "%" PRId64, whole);
		cell->text = kept(arena, text);
		return true;
	}
	return !strict || misfit(value, "is no whole number of 64 bits", arena, fault);
}

/* SQLite would make floating point of it without a word. */
static bool keeps_digits(const struct value *value, struct arena *arena, const char **fault)
{
	int64_t whole;
	bool exact, digits_only = true;

	if (value->type != VALUE_NUMBER && value->type != VALUE_STRING)
		return true;
	for (size_t i = 0; i < value->text.size; i++)
		digits_only = digits_only &&
			(value->text.data[i] == '-' ||
				(value->text.data[i] >= '0' && value->text.data[i] <= '9'));
	return !digits_only || value_decimal(value->text, 0, &whole, &exact) ||
		!paths_is_number(value->text) ||
		misfit(value, "is beyond 64 bits: only TEXT keeps its digits", arena, fault);
}

static bool fit_number(const struct value *value, bool real, bool strict, struct arena *arena,
	struct cell *cell, const char **fault)
{
	if (!strict)
		return true;
	if (value->type == VALUE_BOOLEAN) {
		cell->text = slice_is(value->text, "true") ? SLICE("1") : SLICE("0");
		return true;
	}
	if (value->type == VALUE_JSON || value->text.size == 0 || !paths_is_number(value->text))
		return misfit(value, "is no number", arena, fault);
	return real || keeps_digits(value, arena, fault);
}

static bool fit_boolean(const struct value *value, bool strict, struct arena *arena,
	struct cell *cell, const char **fault)
{
	static const char *const words[][2] = { { "true", "1" }, { "false", "0" }, { "1", "1" },
		{ "0", "0" } };

	if (!strict)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_is(value->text, words[i][0])) {
			cell->text = slice_of(words[i][1]);
			return true;
		}
	return misfit(value, "is neither true nor false", arena, fault);
}

static bool fit_json(const struct value *value, bool strict, struct arena *arena, struct cell *cell,
	const char **fault)
{
	if (value->type == VALUE_STRING)
		cell->text = paths_quote(value->text, arena);
	return !strict || value->type != VALUE_NUMBER || keeps_digits(value, arena, fault);
}

static bool fit_bytes(
	const struct value *value, struct arena *arena, struct cell *cell, const char **fault)
{
	cell->type = CELL_BYTES;
	return value->type == VALUE_STRING || value->type == VALUE_BYTES ||
		value->type == VALUE_LITERAL ||
		misfit(value, "is no string, which alone becomes bytes", arena, fault);
}

/* A column that takes anything keeps numbers apart from texts. */
static bool fit_other(const struct value *value, bool strict, struct arena *arena,
	struct cell *cell, const char **fault)
{
	if (!strict)
		return true;
	if (value->type == VALUE_NUMBER)
		cell->type = CELL_NUMBER;
	if (value->type == VALUE_BOOLEAN) {
		cell->type = CELL_NUMBER;
		cell->text = slice_is(value->text, "true") ? SLICE("1") : SLICE("0");
	}
	return value->type != VALUE_NUMBER || keeps_digits(value, arena, fault);
}

static bool fit_present(const struct value *value, enum column_kind kind, bool strict,
	struct arena *arena, struct cell *cell, const char **fault)
{
	switch (kind) {
	case COLUMN_INTEGER:
		return fit_integer(value, strict, arena, cell, fault);
	case COLUMN_NUMBER:
	case COLUMN_REAL:
		return fit_number(value, kind == COLUMN_REAL, strict, arena, cell, fault);
	case COLUMN_BOOLEAN:
		return fit_boolean(value, strict, arena, cell, fault);
	case COLUMN_TIME:
		return fit_time(value, strict, arena, cell, fault);
	case COLUMN_JSON:
		return fit_json(value, strict, arena, cell, fault);
	case COLUMN_BYTES:
		return fit_bytes(value, arena, cell, fault);
	case COLUMN_OTHER:
		return fit_other(value, strict, arena, cell, fault);
	case COLUMN_TEXT:
		break;
	}
	return true;
}

bool value_fit(const struct value *value, enum column_kind kind, bool strict, struct arena *arena,
	struct cell *cell, const char **fault)
{
	*cell = (struct cell){ .type = CELL_TEXT, .text = value->text };
	if (value->type == VALUE_MISSING || value->type == VALUE_NULL) {
		cell->type = value->type == VALUE_NULL ? CELL_NULL : CELL_MISSING;
		cell->text = (struct slice){ NULL, 0 };
		return true;
	}
	bool bytes = value->type == VALUE_BYTES && kind != COLUMN_BYTES;
	if (bytes &&
		(!event_is_utf8(value->text) ||
			(value->text.size && memchr(value->text.data, 0, value->text.size)))) {
		*fault = "the payload is no text: not UTF-8, or it has a NUL";
		return false;
	}
	return fit_present(value, kind, strict, arena, cell, fault);
}
