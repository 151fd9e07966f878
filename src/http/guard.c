/* Who may: host, site, token. */
#include "http/guard.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

static const struct guard_refusal granted;

static struct guard_refusal refuse(unsigned status, const char *text)
{
	return (struct guard_refusal){ .status = status, .text = text };
}

static bool names_loopback(const char *host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };

	for (size_t i = 0; host && i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);
		if (strncasecmp(host, names[i], size) == 0 &&
			(host[size] == '\0' || host[size] == ':'))
			return true;
	}
	return false;
}

/* SCHEME://HOST[:PORT] with the host that was asked. A proxy in front may have ended TLS. */
static bool is_own_origin(const char *origin, const char *host)
{
	const char *name = strstr(origin, "://");

	return name && host && strcasecmp(name + 3, host) == 0;
}

static bool is_own_site(const struct guard_request *request)
{
	if (request->origin && !is_own_origin(request->origin, request->host))
		return false;
	return !request->fetch_site || strcmp(request->fetch_site, "same-origin") == 0 ||
		strcmp(request->fetch_site, "none") == 0;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";

	return type && strncasecmp(type, json, sizeof(json) - 1) == 0 &&
		strchr("; ", type[sizeof(json) - 1]);
}

/* How long it takes tells its length at most. */
static bool is_token(const char *authorization, const char *token)
{
	static const char scheme[] = "Bearer ";
	size_t size = strlen(token);

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return false;
	const char *given = authorization + sizeof(scheme) - 1;
	return strlen(given) == size && CRYPTO_memcmp(given, token, size) == 0;
}

static struct guard_refusal check_token(const struct guard *guard, const char *authorization)
{
	if (authorization && is_token(authorization, guard->token))
		return granted;
	struct guard_refusal refusal =
		refuse(401, authorization ? "This is not the token." : "This needs the token.");
	refusal.wrong_token = authorization != NULL;
	return refusal;
}

const char *guard_access(const struct guard *guard, enum guard_right right)
{
	if (right == GUARD_NUMBERS)
		return "open";
	if (guard->token)
		return "token";
	return right == GUARD_EVENTS && guard->loopback ? "open" : "refused";
}

struct guard_refusal guard_check(
	const struct guard *guard, enum guard_right right, const struct guard_request *request)
{
	if (guard->loopback && !names_loopback(request->host))
		return refuse(403, "The Host header must be localhost, 127.0.0.1 or [::1].");
	if (right == GUARD_NUMBERS)
		return granted;
	if (!is_own_site(request))
		return refuse(403, "This is not for pages of other sites.");
	const char *access = guard_access(guard, right);
	if (strcmp(access, "refused") == 0)
		return refuse(403, "This is off: the config has no http.token.");
	struct guard_refusal refusal =
		guard->token ? check_token(guard, request->authorization) : granted;
	if (!refusal.status && request->has_content && !is_json(request->content_type))
		return refuse(415, "The body must be application/json.");
	return refusal;
}
