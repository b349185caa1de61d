/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object file behind a policy: the template for the form "params", as it
 * follows models where the body has one; for the form "source" the one that the
 * body names,
 *   "object":{"path":"/…/mine.bpf.o","sha256":"…"}
 * For a body with `code` it is the one that was compiled from that (built.h).
 */
#ifndef SCHEDKIT_POLICY_OBJECT_H
#define SCHEDKIT_POLICY_OBJECT_H

#include <stdbool.h>

#include "crypt/digest.h"
#include "doc/json.h"

/* True when the body brings a whole scheduler of its own. */
bool policy_is_source(const struct json *body);

/* The path, the caller's.  body NULL: the template.  What was not built yet
 * is not there. */
char *policy_object_path(const struct json *body);

/*
 * Its SHA-256 as the file is now.  -ESTALE: not what the body says, or not
 * what was built; -ENOENT and the like: it cannot be read, or was not built.
 */
int policy_object_digest(const struct json *body,
			 char out[static DIGEST_HEX_LEN]);

/* The body of a policy for an object file: title from its name.  -errno. */
int policy_source_body(const char *path, struct json **body);

#endif
