/* Finds what must not be shown in the URLs of servers and databases. */
#include "config_secret.h"

#include <string.h>

static bool is_postgres(const char *url)
{
	return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

static const char *find_or(const char *start, char c, const char *end)
{
	const char *found = memchr(start, c, (size_t)(end - start));

	return found ? found : end;
}

static const char *find_last_at(const char *start, const char *end, char stop)
{
	return memrchr(start, '@', (size_t)(find_or(start, stop, end) - start));
}

/*
 * The @ before the host. libpq takes what stands in front of an @ before any / for user and password,
 * whatever else is in it; where there is none, a / may be meant as the password's. NATS has no parameters
 * that could have an @.
 */
static const char *find_host(const char *start, const char *end, bool postgres)
{
	if (!postgres)
		return memrchr(start, '@', (size_t)(end - start));
	const char *at = find_last_at(start, end, '/');
	return at ? at : find_last_at(start, end, '?');
}

/* user:password@ keeps the user; a lone text before @ is a token in NATS' URLs and a user in others. */
static void hide_user(const char *start, const char *at, bool postgres, struct buf *out)
{
	const char *colon = memchr(start, ':', (size_t)(find_or(start, '@', at) - start));
	bool whole = !colon && (!postgres || find_or(start, '@', at) < at);

	if (colon)
		buf_add(out, start, (size_t)(colon + 1 - start));
	if (colon || whole)
		buf_add_text(out, "***");
	else
		buf_add(out, start, (size_t)(at - start));
}

/* A name may be written in percent signs. */
static bool is_secret(struct slice name)
{
	return memchr(name.data, '%', name.size) ||
		(name.size >= 8 && memcmp(name.data + name.size - 8, "password", 8) == 0);
}

static void hide_parameters(const char *c, const char *end, struct buf *out)
{
	while (c < end) {
		size_t size = (size_t)(find_or(c + 1, '&', end) - c);
		const char *equal = memchr(c, '=', size);
		if (equal && is_secret((struct slice){ c + 1, (size_t)(equal - c - 1) })) {
			buf_add(out, c, (size_t)(equal + 1 - c));
			buf_add_text(out, "***");
		} else {
			buf_add(out, c, size);
		}
		c += size;
	}
}

/* Whether a parameter begins in the hidden part: its value may go on behind the @. */
static bool has_parameter(const char *start, const char *at)
{
	return find_or(find_or(start, '?', at), '=', at) < at;
}

static void hide_one(struct slice url, bool postgres, struct buf *out)
{
	const char *end = url.data + url.size, *start = memmem(url.data, url.size, "://", 3);

	start = start ? start + 3 : url.data;
	buf_add(out, url.data, (size_t)(start - url.data));
	const char *at = find_host(start, end, postgres);
	if (at) {
		hide_user(start, at, postgres, out);
		buf_add_char(out, '@');
		start = postgres && has_parameter(start, at) ? find_or(at, '&', end) : at + 1;
	}
	const char *parameters = start < end && *start == '&' ? start : find_or(start, '?', end);
	buf_add(out, start, (size_t)(parameters - start));
	hide_parameters(parameters, end, out);
}

void config_hide_secrets(const char *url, struct buf *out)
{
	if (strncmp(url, "sqlite:", 7) == 0) {
		buf_add_text(out, url);
		return;
	}
	/* A comma in PostgreSQL's separates hosts, or is any text. */
	for (const char *one = url;; one++) {
		size_t size = is_postgres(url) ? strlen(one) : strcspn(one, ",");
		hide_one((struct slice){ one, size }, is_postgres(url), out);
		one += size;
		if (!*one)
			return;
		buf_add_char(out, ',');
	}
}

bool config_has_secrets(const char *url)
{
	struct buf shown = { 0 };

	config_hide_secrets(url, &shown);
	bool hidden = strcmp(shown.data, url) != 0;
	buf_finish(&shown);
	return hidden;
}
