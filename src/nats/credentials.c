/*
 * TLS and credentials of a connection. cnats takes most files without a look and reports nothing but "SSL
 * Error", so each is tried here first.
 */
#include "nats/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nats/nats.h>

#include "base/buf.h"
#include "base/memory.h"
#include "nats/nkey.h"

static bool is_readable(const char *setting, const char *path, struct error *err)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, &byte, 1) >= 0;
	int code = errno;

	if (fd >= 0)
		close(fd);
	return ok || error_set(err, ERROR_SCHEMA, "nats.%s: %s: %s", setting, path, strerror(code));
}

static bool failed(natsStatus status, struct error *err)
{
	return status == NATS_OK ||
		error_set(err, ERROR_INTERNAL, "libnats: %s", natsStatus_GetText(status));
}

/* HOST of SCHEME://USER:PASSWORD@HOST:PORT; an IPv6 address stands in brackets. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://"), *at = strrchr(url, '@');

	host = at ? at + 1 : host ? host + 3 : url;
	if (*host == '[')
		return memory_format("%.*s", (int)strcspn(host + 1, "]"), host + 1);
	return memory_format("%.*s", (int)strcspn(host, ":/?"), host);
}

bool credentials_want_tls(const struct config_nats *config, const char *url)
{
	return config->tls.ca || config->tls.cert || config->tls.key ||
		strncmp(url, "tls://", 6) == 0;
}

static bool set_ca(natsOptions *options, const char *ca, struct error *err)
{
	if (!ca)
		return true;
	if (!is_readable("tls.ca", ca, err))
		return false;
	return natsOptions_LoadCATrustedCertificates(options, ca) == NATS_OK ||
		error_set(err, ERROR_SCHEMA, "nats.tls.ca: %s holds no certificates in PEM", ca);
}

static bool set_certificate(
	natsOptions *options, const struct config_nats *config, struct error *err)
{
	const char *cert = config->tls.cert, *key = config->tls.key;

	if (!cert && !key)
		return true;
	if (!cert || !key)
		return error_set(err, ERROR_SCHEMA, "nats.tls: cert and key need each other");
	if (!is_readable("tls.cert", cert, err) || !is_readable("tls.key", key, err))
		return false;
	return natsOptions_LoadCertificatesChain(options, cert, key) == NATS_OK ||
		error_set(err, ERROR_SCHEMA,
			"nats.tls: %s and %s are not a certificate and its key, both in PEM and "
			"without a password",
			cert, key);
}

static bool set_host(natsOptions *options, const char *url, struct error *err)
{
	char *host = host_of(url);
	natsStatus status = natsOptions_SetExpectedHostname(options, host);

	free(host);
	return failed(status, err);
}

static bool set_tls(
	natsOptions *options, const struct config_nats *config, const char *url, struct error *err)
{
	if (!credentials_want_tls(config, url))
		return true;
	return set_host(options, url, err) && failed(natsOptions_SetSecure(options, true), err) &&
		set_ca(options, config->tls.ca, err) && set_certificate(options, config, err);
}

/* cnats puts texts between the quotes of a JSON string as they are. */
static char *escape(const char *text)
{
	struct buf out = { 0 };

	buf_add_text(&out, "");
	for (; text && *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(&out, '\\');
		buf_add_char(&out, *text);
	}
	return out.data;
}

static natsStatus set_user(natsOptions *options, const struct config_nats *config)
{
	char *user = escape(config->user), *password = escape(config->password);
	natsStatus status = natsOptions_SetUserInfo(options, user, password);

	free(user);
	free(password);
	return status;
}

static natsStatus set_token(natsOptions *options, const struct config_nats *config)
{
	char *token = escape(config->token);
	natsStatus status = natsOptions_SetToken(options, token);

	free(token);
	return status;
}

static bool set_nkey(natsOptions *options, const char *file, struct error *err)
{
	char public[NKEY_PUBLIC];

	return nkey_public(file, public, err) &&
		failed(natsOptions_SetNKeyFromSeed(options, public, file), err);
}

static bool set_creds(natsOptions *options, const char *file, struct error *err)
{
	return is_readable("creds", file, err) &&
		failed(natsOptions_SetUserCredentialsFromFiles(options, file, NULL), err);
}

const char *credentials_name(const struct config_nats *config, const char *url)
{
	return strchr(url, '@')		 ? "who the URL names"
		: config->creds		 ? "nats.creds"
		: config->nkey_seed_file ? "nats.nkey_seed_file"
		: config->user		 ? "nats.user and its password"
		: config->token		 ? "nats.token"
					 : "a client without credentials";
}

bool credentials_sign(const struct config_nats *config)
{
	return config->creds || config->nkey_seed_file;
}

bool credentials_set(struct __natsOptions *options, const struct config_nats *config,
	const char *url, struct error *err)
{
	return set_tls(options, config, url, err) &&
		(!config->creds || set_creds(options, config->creds, err)) &&
		(!config->nkey_seed_file || set_nkey(options, config->nkey_seed_file, err)) &&
		(!config->user || failed(set_user(options, config), err)) &&
		(!config->token || failed(set_token(options, config), err));
}
