/* The form of names, subjects, URLs and times in a config. No I/O. */
#include "config_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/db.h"
#include "source.h"

#define PIPELINE_NAME_MAX 64
#define NATS_NAME_MAX	  255
#define SUBJECT_MAX	  1024
#define BEARER_MIN	  16
#define BEARER_MAX	  256
#define COLUMN_NAME_MAX	  63 /* of PostgreSQL */

bool check_pipeline_name(const char *value, struct error *err)
{
	size_t size = strlen(value);
	bool ok = size >= 1 && size <= PIPELINE_NAME_MAX;

	for (const char *c = value; *c; c++)
		ok = ok && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not a name: 1 to %d letters, digits, _ and -", value,
			PIPELINE_NAME_MAX);
}

static bool check_nats_name(const char *value, const char *what, struct error *err)
{
	size_t size = strlen(value);
	bool ok = size >= 1 && size <= NATS_NAME_MAX;

	for (const char *c = value; *c; c++)
		ok = ok && (unsigned char)*c > ' ' && *c != 127 && !strchr(".*>/\\", *c);
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not the name of a %s: up to %d characters without spaces, "
			"dots, wildcards and slashes",
			value, what, NATS_NAME_MAX);
}

bool check_stream_name(const char *value, struct error *err)
{
	return check_nats_name(value, "stream", err);
}

bool check_consumer_name(const char *value, struct error *err)
{
	return check_nats_name(value, "consumer", err);
}

bool check_token(const char *value, struct error *err)
{
	return check_nats_name(value, "domain", err);
}

static bool token_is_ok(const char *token, size_t size, bool last)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)token[i] <= ' ' || token[i] == 127)
			return false;
	if (size == 1 && token[0] == '>')
		return last;
	return size == 1 || (size > 1 && !memchr(token, '*', size) && !memchr(token, '>', size));
}

bool check_subject_pattern(const char *value, struct error *err)
{
	bool ok = strlen(value) <= SUBJECT_MAX;

	for (const char *token = value; ok; token += strcspn(token, ".") + 1) {
		size_t size = strcspn(token, ".");
		ok = token_is_ok(token, size, !token[size]);
		if (!token[size])
			break;
	}
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not a subject: tokens with dots between, none of them empty, "
			"* for one token, > for the rest",
			value);
}

static bool url_is_ok(const char *url, size_t size)
{
	const char *host = memmem(url, size, "://", 3);
	size_t scheme = host ? (size_t)(host - url) : 0;

	if (host && !(scheme == 4 && strncmp(url, "nats", 4) == 0) &&
		!(scheme == 3 && strncmp(url, "tls", 3) == 0))
		return false;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)url[i] <= ' ')
			return false;
	return size > (host ? scheme + 3 : 0);
}

/* The value stays out of the text: it may hold a password. */
bool check_nats_url(const char *value, struct error *err)
{
	for (const char *url = value;; url++) {
		url += strspn(url, " ");
		size_t size = strcspn(url, ",");
		while (size > 0 && url[size - 1] == ' ')
			size--;
		if (!url_is_ok(url, size))
			return error_set(err, ERROR_USAGE,
				"not a NATS URL: nats://HOST:PORT or tls://HOST:PORT, several "
				"separated by commas");
		url += strcspn(url, ",");
		if (!*url)
			return true;
	}
}

/* HOST may be a name, an address, or an IPv6 address in brackets. */
bool check_listen(const char *value, struct error *err)
{
	const char *colon = strrchr(value, ':');
	size_t host = colon ? (size_t)(colon - value) : 0;
	bool ok = host > 0 && colon[1] && strlen(colon + 1) <= 5 &&
		strspn(colon + 1, "0123456789") == strlen(colon + 1) && atoi(colon + 1) >= 1 &&
		atoi(colon + 1) <= 65535;

	if (ok && value[0] == '[')
		ok = value[host - 1] == ']' && host > 2;
	else if (ok)
		ok = !memchr(value, ':', host);
	for (size_t i = 0; ok && i < host; i++)
		ok = isalnum((unsigned char)value[i]) || strchr(".-:[]%_", value[i]);
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not HOST:PORT, like 127.0.0.1:8423 or [::1]:8423", value);
}

/* RFC 6750: what may stand behind "Bearer ". So long that nobody guesses it. */
bool check_bearer(const char *value, struct error *err)
{
	size_t size = strlen(value);
	size_t good = strspn(
		value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=");

	return (good == size && size >= BEARER_MIN && size <= BEARER_MAX) ||
		error_set(err, ERROR_USAGE,
			"a token is %d to %d letters, digits and -._~+/=; \"openssl rand -hex 24\" "
			"makes a good one",
			BEARER_MIN, BEARER_MAX);
}

bool check_database(const char *value, struct error *err)
{
	enum db_kind kind;

	return db_check_url(value, &kind, err);
}

bool check_table(const char *value, struct error *err)
{
	char *quoted = db_quote_table(value, err);

	free(quoted);
	return quoted != NULL;
}

bool check_source(const char *value, struct error *err)
{
	struct source source;

	if (!source_parse(value, &source, err))
		return false;
	source_finish(&source);
	return true;
}

/* What a quoted name can be: PostgreSQL would cut a longer one. */
bool check_column_name(const char *value, struct error *err)
{
	size_t size = strlen(value);
	bool ok = size >= 1 && size <= COLUMN_NAME_MAX;

	for (const char *c = value; *c; c++)
		ok = ok && (unsigned char)*c >= ' ' && *c != 127;
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not a column's name: 1 to %d bytes without control characters",
			value, COLUMN_NAME_MAX);
}

bool check_header_name(const char *value, struct error *err)
{
	bool ok = *value;

	for (const char *c = value; *c; c++)
		ok = ok && (unsigned char)*c > ' ' && *c != ':' && *c != 127;
	return ok ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not a header's name: no spaces and no colon", value);
}

/* Digits where form has a #, and its other characters. */
static bool has_form(const char *value, const char *form)
{
	for (; *form; form++, value++)
		if (*form == '#' ? !isdigit((unsigned char)*value) : *value != *form)
			return false;
	return true;
}

bool check_time(const char *value, struct error *err)
{
	static const char form[] = "####-##-##T##:##:##";
	struct tm time = { 0 };
	int year, month, end = sizeof(form) - 1;

	bool ok = has_form(value, form) &&
		sscanf(value, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &time.tm_mday,
			&time.tm_hour, &time.tm_min, &time.tm_sec) == 6;
	struct tm given = time;
	time.tm_year = given.tm_year = ok ? year - 1900 : 0;
	time.tm_mon = given.tm_mon = ok ? month - 1 : 0;
	ok = ok && timegm(&time) != -1 && time.tm_mday == given.tm_mday &&
		time.tm_mon == given.tm_mon && time.tm_hour == given.tm_hour &&
		time.tm_min == given.tm_min && time.tm_sec == given.tm_sec;
	if (ok && value[end] == '.') {
		size_t digits = strspn(value + end + 1, "0123456789");
		ok = digits >= 1 && digits <= 9;
		end += 1 + (int)digits;
	}
	return (ok && strcmp(value + end, "Z") == 0) ||
		error_set(err, ERROR_USAGE,
			"\"%.80s\" is not a time: it is written 2026-01-31T12:00:00Z", value);
}
