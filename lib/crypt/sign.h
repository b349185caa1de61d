/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ed25519 (RFC 8032).  What is secret stands in locked memory between guard
 * pages, is in no core dump, and is overwritten before it is given back.
 */
#ifndef SCHEDKIT_CRYPT_SIGN_H
#define SCHEDKIT_CRYPT_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#define SIGN_KEY_HEX 65	 /* a public key, or a seed: 64 digits and a NUL */
#define SIGN_HEX     129 /* a signature: 128 digits and a NUL */

struct sign_key;

/* From the kernel's random numbers. */
int sign_key_new(struct sign_key **out);
/* From the 64 lower-case hexadecimal digits of a seed.  -EINVAL. */
int sign_key_of_seed(const char *seed, struct sign_key **out);
/* NULL is fine. */
void sign_key_free(struct sign_key *k);

const char *sign_key_public(const struct sign_key *k); /* lent */
/* The seed, for memory that is locked as well. */
void sign_key_seed(const struct sign_key *k, char out[static SIGN_KEY_HEX]);

void sign_bytes(const struct sign_key *k, const void *data, size_t len,
		char out[static SIGN_HEX]);

/* Whether the owner of the key signed these bytes; false, too, where key or
 * signature are no lower-case hexadecimal digits of the right number. */
bool sign_check(const char *public_key, const void *data, size_t len,
		const char *signature);

/* Memory for what is secret.  NULL: there is none, the message says so. */
void *sign_memory(size_t size);
void sign_memory_free(void *p);

#endif
