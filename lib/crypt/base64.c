/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crypt/base64.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define VARIANT sodium_base64_VARIANT_ORIGINAL

char *base64_encode(const void *data, size_t len)
{
	size_t size = sodium_base64_ENCODED_LEN(len, VARIANT);
	char *text = mem_zalloc(size, 1);

	return sodium_bin2base64(text, size, data, len, VARIANT);
}

int base64_decode(const char *text, struct buf *out)
{
	size_t len = strlen(text), n;
	unsigned char *bin = mem_zalloc(len / 4 * 3 + 1, 1);
	int rc;

	if (sodium_base642bin(bin, len / 4 * 3 + 1, text, len, NULL, &n, NULL,
			      VARIANT))
		rc = err_set(EINVAL, "the text is no base64");
	else
		rc = buf_add(out, bin, n);
	free(bin);
	return rc;
}
