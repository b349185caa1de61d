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

int digest_file_hex(const char *path, char out[static DIGEST_HEX_LEN])
{
	unsigned char sum[crypto_hash_sha256_BYTES], chunk[65536];
	crypto_hash_sha256_state st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_set(errno, "cannot open '%s': %s", path,
			       strerror(errno));
	crypto_hash_sha256_init(&st);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		crypto_hash_sha256_update(&st, chunk, (size_t)n);
	close(fd);
	if (n < 0)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	crypto_hash_sha256_final(&st, sum);
	sodium_bin2hex(out, DIGEST_HEX_LEN, sum, sizeof(sum));
	return 0;
}
