/* Certificates by openssl, NKeys and JWTs by libcrypto. */
#include "support/identity.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include <openssl/evp.h>

#include "support/common.h"
#include "support/proc.h"

#define KEY "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"

#define openssl(...) openssl_run((const char *const[]){ "openssl", __VA_ARGS__, NULL })
static void openssl_run(const char *const *argv)
{
	struct result result = command_run(&(struct launch){ .argv = argv }, 20000);

	if (result.status != 0)
		give_up("openssl %s: %s", argv[1], result.err);
}

static struct certificate files(const char *name)
{
	return (struct certificate){ scratch_path("%s.pem", name), scratch_path("%s.key", name) };
}

struct certificate authority_make(const char *name)
{
	struct certificate made = files(name);

	openssl("req", "-x509", KEY, "-keyout", made.key, "-out", made.cert, "-days", "2", "-subj",
		text("/CN=%s", name));
	return made;
}

struct certificate certificate_make(
	const struct certificate *authority, const char *name, const char *names, bool client)
{
	struct certificate made = files(name);
	char *request = scratch_path("%s.csr", name), *form = scratch_path("%s.ext", name);

	openssl("req", KEY, "-keyout", made.key, "-out", request, "-subj", text("/CN=%s", name));
	file_write(form,
		text("subjectAltName=%s\nextendedKeyUsage=%s\n", names,
			client ? "clientAuth" : "serverAuth"));
	openssl("x509", "-req", "-in", request, "-CA", authority->cert, "-CAkey", authority->key,
		"-CAcreateserial", "-days", "2", "-extfile", form, "-out", made.cert);
	return made;
}

static void base32(const uint8_t *bytes, size_t size, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t bits = size * 8;

	for (size_t i = 0; i < bits; i += 5) {
		unsigned value = 0;
		for (size_t bit = i; bit < i + 5; bit++)
			value = value << 1 |
				(bit < bits ? bytes[bit / 8] >> (7 - bit % 8) & 1u : 0u);
		*out++ = letters[value];
	}
	*out = '\0';
}

/* CRC-16/XMODEM by long division. */
static void add_checksum(uint8_t *bytes, size_t size)
{
	uint32_t rest = 0;

	for (size_t bit = 0; bit < (size + 2) * 8; bit++) {
		unsigned next = bit < size * 8 ? bytes[bit / 8] >> (7 - bit % 8) & 1u : 0u;
		rest = rest << 1 | next;
		if (rest & 0x10000)
			rest ^= 0x11021;
	}
	bytes[size] = (uint8_t)rest;
	bytes[size + 1] = (uint8_t)(rest >> 8);
}

static EVP_PKEY *pair_of(const struct nkey *nkey)
{
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, nkey->secret, 32);

	if (!pair)
		give_up("libcrypto makes no key");
	return pair;
}

struct nkey nkey_make(char kind)
{
	unsigned prefix = (unsigned)(kind - 'A') << 3, seed_prefix = 18u << 3;
	uint8_t seed[36] = { (uint8_t)(seed_prefix | prefix >> 5), (uint8_t)(prefix << 3) };
	uint8_t public[35] = { (uint8_t)prefix };
	size_t size = 32;
	struct nkey made;

	if (getrandom(seed + 2, 32, 0) != 32)
		give_up("no random bytes");
	memcpy(made.secret, seed + 2, 32);
	EVP_PKEY *pair = pair_of(&made);
	if (!EVP_PKEY_get_raw_public_key(pair, public + 1, &size))
		give_up("libcrypto gives no key");
	EVP_PKEY_free(pair);
	add_checksum(seed, 34);
	add_checksum(public, 33);
	base32(seed, sizeof(seed), made.seed);
	base32(public, sizeof(public), made.public);
	return made;
}

static char *base64url(const void *bytes, size_t size)
{
	char *out = keep(calloc(1, size * 2 + 4));

	EVP_EncodeBlock((unsigned char *)out, bytes, (int)size);
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
	return out;
}

static char *sign(const struct nkey *issuer, const char *body)
{
	EVP_PKEY *pair = pair_of(issuer);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[64];
	size_t size = sizeof(signature);

	if (EVP_DigestSignInit(context, NULL, NULL, NULL, pair) != 1 ||
		EVP_DigestSign(
			context, signature, &size, (const unsigned char *)body, strlen(body)) != 1)
		give_up("libcrypto signs nothing");
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pair);
	return base64url(signature, size);
}

char *jwt_make(const struct nkey *issuer, const char *subject, const char *nats)
{
	static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
	char *claims = text(
		"{\"jti\":\"%lld\",\"iat\":%lld,\"iss\":\"%s\",\"name\":\"test\",\"sub\":\"%s\","
		"\"nats\":%s}",
		(long long)now_ms(), (long long)time(NULL), issuer->public, subject, nats);
	char *body = text(
		"%s.%s", base64url(header, sizeof(header) - 1), base64url(claims, strlen(claims)));
	return text("%s.%s", body, sign(issuer, body));
}
