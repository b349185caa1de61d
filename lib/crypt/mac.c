/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crypt/mac.h"

#include <sodium.h>

void mac_bytes(const unsigned char key[static MAC_KEY_LEN], const void *data,
	       size_t len, unsigned char out[static MAC_LEN])
{
	crypto_auth_hmacsha256(out, data, len, key);
}

bool mac_check(const unsigned char key[static MAC_KEY_LEN], const void *data,
	       size_t len, const unsigned char mac[static MAC_LEN])
{
	return !crypto_auth_hmacsha256_verify(mac, data, len, key);
}
