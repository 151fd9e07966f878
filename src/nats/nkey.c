/* NKeys: Ed25519 keys in base32 with a prefix and a checksum. The seed is wiped from memory after use. */
#include "nats/nkey.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define KEY_SIZE    32
#define SEED_TEXT   58
#define SEED_BYTES  36 /* two of prefix, the seed, two of checksum */
#define PREFIX_SEED (18 << 3)
#define PREFIX_USER (20 << 3)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static bool decode(const char *text, uint8_t *bytes)
{
	uint32_t bits = 0;
	int held = 0;

	for (int i = 0; i < SEED_TEXT; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
		if (!at)
			return false;
		bits = bits << 5 | (uint32_t)(at - alphabet);
		held += 5;
		if (held >= 8) {
			held -= 8;
			*bytes++ = (uint8_t)(bits >> held);
		}
	}
	return true;
}

static void encode(const uint8_t *bytes, size_t size, char *text)
{
	uint32_t bits = 0;
	int held = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | bytes[i];
		held += 8;
		while (held >= 5) {
			held -= 5;
			*text++ = alphabet[bits >> held & 31];
		}
	}
	*text = '\0';
}

/* CRC-16 as XMODEM has it; it stands behind the key, low byte first. */
static uint16_t checksum(const uint8_t *bytes, size_t size)
{
	uint16_t crc = 0;

	for (size_t i = 0; i < size; i++) {
		crc ^= (uint16_t)(bytes[i] << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
	}
	return crc;
}

static bool is_user_seed(const uint8_t bytes[SEED_BYTES])
{
	uint16_t crc = checksum(bytes, SEED_BYTES - 2);

	return (bytes[0] & 0xf8) == PREFIX_SEED &&
		((bytes[0] & 7) << 5 | bytes[1] >> 3) == PREFIX_USER &&
		bytes[SEED_BYTES - 2] == (crc & 0xff) && bytes[SEED_BYTES - 1] == crc >> 8;
}

static bool derive(const uint8_t *seed, uint8_t *key)
{
	size_t size = KEY_SIZE;
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_SIZE);
	bool ok = pair && EVP_PKEY_get_raw_public_key(pair, key, &size) == 1;

	EVP_PKEY_free(pair);
	return ok;
}

static bool find_seed(FILE *file, uint8_t bytes[SEED_BYTES])
{
	char line[256];
	bool found = false;

	while (!found && fgets(line, sizeof(line), file)) {
		size_t size = strcspn(line, " \t\r\n");
		found = size == SEED_TEXT && strncmp(line, "SU", 2) == 0 && decode(line, bytes) &&
			is_user_seed(bytes);
	}
	explicit_bzero(line, sizeof(line));
	return found;
}

static bool read_seed(const char *path, uint8_t bytes[SEED_BYTES], struct error *err)
{
	char room[BUFSIZ];
	FILE *file = fopen(path, "re");

	if (!file)
		return error_set(
			err, ERROR_SCHEMA, "nats.nkey_seed_file: %s: %s", path, strerror(errno));
	setvbuf(file, room, _IOFBF, sizeof(room));
	bool found = find_seed(file, bytes);
	fclose(file);
	explicit_bzero(room, sizeof(room));
	return found ||
		error_set(err, ERROR_SCHEMA,
			"nats.nkey_seed_file: %s holds no seed of a user: a line of %d characters that begins "
			"with SU",
			path, SEED_TEXT);
}

bool nkey_public(const char *file, char public[NKEY_PUBLIC], struct error *err)
{
	uint8_t seed[SEED_BYTES], key[1 + KEY_SIZE + 2] = { PREFIX_USER };

	if (!read_seed(file, seed, err))
		return false;
	bool ok = derive(seed + 2, key + 1);
	explicit_bzero(seed, sizeof(seed));
	if (!ok)
		return error_set(err, ERROR_INTERNAL,
			"nats.nkey_seed_file: %s: libcrypto makes no key of it", file);
	uint16_t crc = checksum(key, 1 + KEY_SIZE);
	key[1 + KEY_SIZE] = (uint8_t)(crc & 0xff);
	key[2 + KEY_SIZE] = (uint8_t)(crc >> 8);
	encode(key, sizeof(key), public);
	return true;
}
