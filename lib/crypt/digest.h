/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256.  lib/crypt is the only user of libsodium. */
#ifndef SCHEDKIT_CRYPT_DIGEST_H
#define SCHEDKIT_CRYPT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_HEX_LEN 65 /* 64 hex digits and a NUL */

void digest_hex(const void *data, size_t len, char out[static DIGEST_HEX_LEN]);
/* In a time that does not tell how much of it is right. */
bool digest_same(const char a[static DIGEST_HEX_LEN],
		 const char b[static DIGEST_HEX_LEN]);
/* Of all of an open file, from its beginning; path is its name. */
int digest_fd_hex(int fd, const char *path, char out[static DIGEST_HEX_LEN]);
/* Of a file's content; the message names the path. */
int digest_file_hex(const char *path, char out[static DIGEST_HEX_LEN]);

#endif
