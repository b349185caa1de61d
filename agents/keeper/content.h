/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of a file in JSON: "text", or "base64" where that is shorter or
 * it is no text. */
#ifndef SCHEDKIT_AGENTS_KEEPER_CONTENT_H
#define SCHEDKIT_AGENTS_KEEPER_CONTENT_H

#include "base/buf.h"
#include "doc/json.h"

void content_set(struct json *to, const void *data, size_t len);
/* Added to out.  -EINVAL: neither, both, or no base64; -EFBIG. */
int content_get(const struct json *from, struct buf *out);

#endif
