#ifndef NATS_CREDENTIALS_H
#define NATS_CREDENTIALS_H

#include <stdbool.h>

#include "base/error.h"
#include "config.h"

struct __natsOptions; /* natsOptions of nats.h */

/*
 * What the config says of TLS and of who Dray is, put into cnats' options for one server. With TLS its
 * certificate must bear the host of the URL. A server that asks for TLS by itself gets it without these
 * options: then libnats compares the host, unless it was built not to. ERROR_SCHEMA where a file is missing
 * or not what it should be.
 */
bool credentials_set(struct __natsOptions *options, const struct config_nats *config,
	const char *url, struct error *err);

/* Who Dray says it is, for people: the setting's name. */
const char *credentials_name(const struct config_nats *config, const char *url);

/* Whether Dray shows who it is by signing what the server sends. */
bool credentials_sign(const struct config_nats *config);

/* Whether Dray asks for TLS; a server may ask for it too. */
bool credentials_want_tls(const struct config_nats *config, const char *url);

#endif
