/* Finds what must not be shown in the URLs of servers and databases. */
#include "config_secret.h"

#include <string.h>

static const char *skip_host(const char *authority)
{
	return authority + strcspn(authority, "/?,");
}

/* user:password@ keeps the user; a lone text before @ is a token in NATS' URLs and a user in others. */
static const char *hide_user(const char *url, const char *authority, struct buf *out)
{
	const char *end = skip_host(authority),
		   *at = memrchr(authority, '@', (size_t)(end - authority));
	const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;

	if (!at)
		return authority;
	if (colon)
		buf_add(out, authority, (size_t)(colon + 1 - authority));
	if (colon || strncmp(url, "postgres", 8) != 0)
		buf_add_text(out, "***");
	else
		buf_add(out, authority, (size_t)(at - authority));
	return at;
}

static const char *hide_parameter(const char *c, struct buf *out)
{
	size_t name = strcspn(c, "=&,");

	buf_add(out, c, name);
	c += name;
	if (*c == '=' && name >= 8 && memcmp(c - 8, "password", 8) == 0) {
		buf_add_text(out, "=***");
		c += strcspn(c, "&,");
	}
	return c;
}

void config_hide_secrets(const char *url, struct buf *out)
{
	const char *begin = url, *c = url;

	while (*c) {
		if (strncmp(c, "://", 3) == 0) {
			buf_add_text(out, "://");
			c = hide_user(begin, c + 3, out);
			continue;
		}
		if (*c == ',')
			begin = c + 1;
		bool parameter = *c == '?' || *c == '&';
		buf_add_char(out, *c++);
		if (parameter)
			c = hide_parameter(c, out);
	}
}

bool config_has_secrets(const char *url)
{
	struct buf shown = { 0 };

	config_hide_secrets(url, &shown);
	bool hidden = shown.data && strcmp(shown.data, url) != 0;
	buf_finish(&shown);
	return hidden;
}
