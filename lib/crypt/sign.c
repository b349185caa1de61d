/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crypt/sign.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/err.h"

struct sign_key {
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	char public_hex[SIGN_KEY_HEX];
};

_Static_assert(SIGN_KEY_HEX == 2 * crypto_sign_PUBLICKEYBYTES + 1 &&
		       SIGN_KEY_HEX == 2 * crypto_sign_SEEDBYTES + 1 &&
		       SIGN_HEX == 2 * crypto_sign_BYTES + 1,
	       "hexadecimal digits of Ed25519");

void *sign_memory(size_t size)
{
	/* It is as well to call it again. */
	void *p = sodium_init() < 0 ? NULL : sodium_malloc(size);

	if (!p)
		err_set(ENOMEM, "no locked memory for a signing key");
	return p;
}

void sign_memory_free(void *p)
{
	sodium_free(p);
}

/* Exactly the digits that sodium_bin2hex() writes: one text for one value. */
static bool from_hex(const char *hex, unsigned char *out, size_t len)
{
	size_t got;

	return strspn(hex, "0123456789abcdef") == 2 * len && !hex[2 * len] &&
	       !sodium_hex2bin(out, len, hex, 2 * len, NULL, &got, NULL) &&
	       got == len;
}

static void finish(struct sign_key *k, const unsigned char *public_key)
{
	sodium_bin2hex(k->public_hex, sizeof(k->public_hex), public_key,
		       crypto_sign_PUBLICKEYBYTES);
	sodium_mprotect_readonly(k);
}

int sign_key_new(struct sign_key **out)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	struct sign_key *k = sign_memory(sizeof(*k));

	*out = k;
	if (!k)
		return -ENOMEM;
	crypto_sign_keypair(public_key, k->secret);
	finish(k, public_key);
	return 0;
}

int sign_key_of_seed(const char *seed, struct sign_key **out)
{
	unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
	unsigned char *bytes = sign_memory(crypto_sign_SEEDBYTES);
	struct sign_key *k = bytes ? sign_memory(sizeof(*k)) : NULL;
	int rc = k ? 0 : -ENOMEM;

	if (!rc && !from_hex(seed, bytes, crypto_sign_SEEDBYTES))
		rc = err_set(EINVAL, "a seed is 64 hexadecimal digits");
	if (!rc) {
		crypto_sign_seed_keypair(public_key, k->secret, bytes);
		finish(k, public_key);
	} else {
		sign_memory_free(k);
		k = NULL;
	}
	sign_memory_free(bytes);
	*out = k;
	return rc;
}

void sign_key_free(struct sign_key *k)
{
	sign_memory_free(k);
}

const char *sign_key_public(const struct sign_key *k)
{
	return k->public_hex;
}

void sign_key_seed(const struct sign_key *k, char out[static SIGN_KEY_HEX])
{
	/* The seed is the first half of libsodium's secret key. */
	sodium_bin2hex(out, SIGN_KEY_HEX, k->secret, crypto_sign_SEEDBYTES);
}

void sign_bytes(const struct sign_key *k, const void *data, size_t len,
		char out[static SIGN_HEX])
{
	unsigned char sig[crypto_sign_BYTES];

	crypto_sign_detached(sig, NULL, data, len, k->secret);
	sodium_bin2hex(out, SIGN_HEX, sig, sizeof(sig));
}

bool sign_check(const char *public_key, const void *data, size_t len,
		const char *signature)
{
	unsigned char key[crypto_sign_PUBLICKEYBYTES];
	unsigned char sig[crypto_sign_BYTES];

	return sodium_init() >= 0 && from_hex(public_key, key, sizeof(key)) &&
	       from_hex(signature, sig, sizeof(sig)) &&
	       !crypto_sign_verify_detached(sig, data, len, key);
}
