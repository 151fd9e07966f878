/* Reads connection URIs by libpq's own parser. */
#include "db/postgres_url.h"

#include <string.h>

#include "base/memory.h"

#define IN_PERCENT \
	"; write such a character of a user or password in percent form: / as %%2F, @ as %%40"

const char *postgres_url_option(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0 && options->val && *options->val)
			return options->val;
	return NULL;
}

char *postgres_url_label(const PQconninfoOption *options)
{
	const char *host = postgres_url_option(options, "host");
	const char *port = postgres_url_option(options, "port");
	const char *database = postgres_url_option(options, "dbname");

	return memory_format("postgresql://%s%s%s/%s", host ? host : "(default host)",
		port ? ":" : "", port ? port : "", database ? database : "(default database)");
}

/* An abstract socket's name begins with an @; several hosts are separated by commas. */
static bool is_host(const char *host)
{
	for (const char *at = host; at && (at = strchr(at, '@')); at++)
		if (at != host && at[-1] != ',')
			return false;
	return true;
}

/* libpq decodes %40, so the raw text tells whether an @ was meant as a part of the name. */
static bool path_has_at(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;
	const char *at = path ? strchr(path, '@') : NULL,
		   *parameters = path ? strchr(path, '?') : NULL;

	return at && (!parameters || at < parameters);
}

static bool check_parts(const char *url, const PQconninfoOption *options, struct error *err)
{
	const char *port = postgres_url_option(options, "port");

	if (port && port[strspn(port, "0123456789,")])
		return error_set(err, ERROR_USAGE, "the port is not a number" IN_PERCENT);
	if (!is_host(postgres_url_option(options, "host")))
		return error_set(err, ERROR_USAGE, "the host has an @ in it" IN_PERCENT);
	if (path_has_at(url))
		return error_set(err, ERROR_USAGE, "an @ stands behind a /" IN_PERCENT);
	return true;
}

PQconninfoOption *postgres_url_parse(const char *url, struct error *err)
{
	/* libpq's own message would show the text, which may hold a password */
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	if (!options) {
		error_set(err, ERROR_USAGE, "not a connection URI that libpq understands");
	} else if (!check_parts(url, options, err)) {
		PQconninfoFree(options);
		options = NULL;
	}
	return options;
}
