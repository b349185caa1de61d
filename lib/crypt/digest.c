/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crypt/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

void digest_hex(const void *data, size_t len, char out[static DIGEST_HEX_LEN])
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, data, len);
	sodium_bin2hex(out, DIGEST_HEX_LEN, sum, sizeof(sum));
}

bool digest_same(const char a[static DIGEST_HEX_LEN],
		 const char b[static DIGEST_HEX_LEN])
{
	return !sodium_memcmp(a, b, DIGEST_HEX_LEN - 1);
}

int digest_fd_hex(int fd, const char *path, char out[static DIGEST_HEX_LEN])
{
	unsigned char sum[crypto_hash_sha256_BYTES], chunk[65536];
	crypto_hash_sha256_state st;
	off_t at = 0;
	ssize_t n;

	crypto_hash_sha256_init(&st);
	for (; (n = pread(fd, chunk, sizeof(chunk), at)) > 0; at += n)
		crypto_hash_sha256_update(&st, chunk, (size_t)n);
	if (n < 0)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	crypto_hash_sha256_final(&st, sum);
	sodium_bin2hex(out, DIGEST_HEX_LEN, sum, sizeof(sum));
	return 0;
}

int digest_file_hex(const char *path, char out[static DIGEST_HEX_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	rc = digest_fd_hex(fd, path, out);
	close(fd);
	return rc;
}
