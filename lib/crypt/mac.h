/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HMAC-SHA-256 (RFC 2104): who made these bytes has the key. */
#ifndef SCHEDKIT_CRYPT_MAC_H
#define SCHEDKIT_CRYPT_MAC_H

#include <stdbool.h>
#include <stddef.h>

#define MAC_KEY_LEN 32
#define MAC_LEN	    32

void mac_bytes(const unsigned char key[static MAC_KEY_LEN], const void *data,
	       size_t len, unsigned char out[static MAC_LEN]);
/* In a time that does not tell how much of it was right. */
bool mac_check(const unsigned char key[static MAC_KEY_LEN], const void *data,
	       size_t len, const unsigned char mac[static MAC_LEN]);

#endif
