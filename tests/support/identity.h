#ifndef SUPPORT_IDENTITY_H
#define SUPPORT_IDENTITY_H

#include <stdbool.h>

/*
 * Who somebody is, to a server that asks: certificates made by openssl, NKeys, and the signed claims (JWTs) of
 * NATS' decentralised accounts.
 */

/* The files of scratch/NAME.pem and NAME.key. */
struct certificate {
	char *cert, *key;
};

struct certificate authority_make(const char *name);

/* Signed by an authority. names: "DNS:localhost,IP:127.0.0.1"; client: not for a server. */
struct certificate certificate_make(
	const struct certificate *authority, const char *name, const char *names, bool client);

struct nkey {
	char seed[59], public[57];
	unsigned char secret[32];
};

struct nkey nkey_make(char kind); /* 'U'ser, 'A'ccount, 'O'perator */

/* Signed claims of NATS, version 2: nats is the member of that name in JSON. */
char *jwt_make(const struct nkey *issuer, const char *subject, const char *nats);

#endif
