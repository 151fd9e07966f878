/*
 * URLs as they are shown. Where the word SECRET is part of what libpq takes for a password, or of what
 * stands before the host of a NATS server, and of nothing else, it is not shown.
 */
#include "fuzz.h"

#include <stdlib.h>

#include <libpq-fe.h>

#include "base/memory.h"
#include "config_check.h"
#include "config_secret.h"
#include "db/db.h"

#define SECRET "SECRET"

static bool is_password(const char *keyword)
{
	size_t size = strlen(keyword);

	return size >= 8 && strcmp(keyword + size - 8, "password") == 0;
}

static size_t count(const char *text)
{
	size_t found = 0;

	while ((text = strstr(text, SECRET))) {
		text += strlen(SECRET);
		found++;
	}
	return found;
}

/* Whether the word stands in passwords, and only there: not in a user that a parameter replaces either. */
static bool secret_to_libpq(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	size_t inside = 0;

	for (const PQconninfoOption *o = options; o && o->keyword; o++)
		if (o->val && is_password(o->keyword))
			inside += count(o->val);
	PQconninfoFree(options);
	return inside > 0 && inside == count(url);
}

/* A token, or what follows the user: in front of the last @ before a path. */
static bool secret_to_nats(struct slice url)
{
	const char *scheme = memmem(url.data, url.size, "://", 3);

	if (scheme) {
		url.size -= (size_t)(scheme + 3 - url.data);
		url.data = scheme + 3;
	}
	struct slice rest = fuzz_cut(&url, '/');
	const char *at = url.size ? memrchr(url.data, '@', url.size) : NULL;
	if (!at)
		return false;
	struct slice user = { url.data, (size_t)(at - url.data) }, password = fuzz_cut(&user, ':');
	struct slice host = { at, url.size - (size_t)(at - url.data) };
	struct slice secret = password.data ? password : user;
	return memmem(secret.data, secret.size, SECRET, 6) &&
		(!password.data || !memmem(user.data, user.size, SECRET, 6)) &&
		!memmem(host.data, host.size, SECRET, 6) &&
		(!rest.size || !memmem(rest.data, rest.size, SECRET, 6));
}

static char *shown(const char *url)
{
	struct buf out = { 0 };

	buf_add_text(&out, "");
	config_hide_secrets(url, &out);
	must(config_has_secrets(url) == (strcmp(out.data, url) != 0));
	return out.data;
}

static void hides(const char *url)
{
	char *text = shown(url);

	must_of(slice_of(text), !strstr(text, SECRET));
	free(text);
}

/* Servers are separated by commas; each is looked at alone. */
static void check_servers(const char *urls)
{
	struct slice rest = slice_of(urls);
	enum db_kind kind;

	while (rest.data) {
		struct slice one = rest;
		rest = fuzz_cut(&one, ',');
		char *alone = memory_copy(one.data, one.size);
		if (!db_check_url(alone, &kind, NULL) && secret_to_nats(one))
			hides(alone);
		free(alone);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = fuzz_text(data, size);
	enum db_kind kind;

	free(shown(url));
	if (db_check_url(url, &kind, NULL)) {
		if (kind == DB_POSTGRES && secret_to_libpq(url))
			hides(url);
	} else if (check_nats_url(url, NULL)) {
		check_servers(url);
	}
	free(url);
	return 0;
}
