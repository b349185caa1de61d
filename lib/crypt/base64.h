/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Base64 with padding (RFC 4648, section 4). */
#ifndef SCHEDKIT_CRYPT_BASE64_H
#define SCHEDKIT_CRYPT_BASE64_H

#include "base/buf.h"

/* To be freed. */
char *base64_encode(const void *data, size_t len);
/* Added to out.  -EINVAL: it is none; -EFBIG: more than out holds. */
int base64_decode(const char *text, struct buf *out);

#endif
