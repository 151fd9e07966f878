/* Clocks, errors, figures, and what a row and a message look like. */
#include "bench.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD   "{\"n\":\""
#define MIDDLE "\",\"p\":\""
#define TAIL   "\"}"
#define DIGITS 12

void die(const char *format, ...)
{
	va_list arguments;

	fputs("bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void nap_ns(int64_t ns)
{
	if (ns > 0)
		nanosleep(&(struct timespec){ ns / 1000000000, ns % 1000000000 }, NULL);
}

void nap_ms(int64_t ms)
{
	nap_ns(ms * 1000000);
}

void *need(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		die("out of memory");
	return memory;
}

void figure(const char *measure, double value)
{
	printf("%s,%.9g\n", measure, value);
}

bool is_sqlite(const char *database)
{
	return strncmp(database, "sqlite:", 7) == 0;
}

const char *sqlite_path_of(const char *database)
{
	return database + 7;
}

char *payload_make(int64_t size)
{
	if (size < PAYLOAD_MIN)
		die("a payload has at least %d bytes", PAYLOAD_MIN);
	char *payload = need((size_t)size + 1);
	size_t at = strlen(HEAD) + DIGITS, end = (size_t)size - strlen(TAIL);

	memcpy(payload, HEAD, strlen(HEAD));
	memcpy(payload + at, MIDDLE, strlen(MIDDLE));
	for (size_t i = at + strlen(MIDDLE); i < end; i++)
		payload[i] = (char)('a' + (i * 7 + i / 11) % 26);
	memcpy(payload + end, TAIL, strlen(TAIL));
	payload_number(payload, 0);
	return payload;
}

void payload_number(char *payload, int64_t number)
{
	char *at = payload + strlen(HEAD) + DIGITS;

	for (int i = 0; i < DIGITS; i++, number /= 10)
		*--at = (char)('0' + number % 10);
}

int64_t number_of(const char *data, size_t size)
{
	size_t digits = 0;
	int64_t number = 0;

	for (size_t i = 0; i < size && digits < DIGITS; i++) {
		digits = isdigit((unsigned char)data[i]) ? digits + 1 : 0;
		number = digits ? number * 10 + data[i] - '0' : 0;
	}
	return digits == DIGITS ? number : -1;
}

int64_t key_of(int64_t number, int64_t keys)
{
	return (int64_t)((((uint64_t)number * 2654435761u & 0xffffffffu) >> 8) % (uint64_t)keys);
}
