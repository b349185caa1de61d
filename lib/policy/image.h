/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is put into a policy's object before it is loaded, as numbers: all
 * that a policy of the forms with an object is, beside that object.
 *
 * A signed verdict names the digest of it (image_sha256), so that who loads it
 * needs to read no policy.
 */
#ifndef SCHEDKIT_POLICY_IMAGE_H
#define SCHEDKIT_POLICY_IMAGE_H

#include <stdint.h>

#include "bpf/forecast_abi.h"
#include "bpf/policy_abi.h"
#include "crypt/digest.h"
#include "doc/json.h"

#define IMAGE_NAME_LEN 32

struct image_identity {
	uint64_t hash, expect_ns;
};

/* Zeroed before it is filled: the digest is over all of its bytes up to the
 * last identity. */
struct policy_image {
	uint32_t size;	/* of this */
	uint32_t whole; /* the object is all there is, and keeps its own name:
			   nothing of what follows is used */
	char name[IMAGE_NAME_LEN]; /* the scheduler's, as the kernel shows it */
	struct policy_params params;
	uint32_t count;	    /* of identities */
	uint32_t has_model; /* else the model is all zero */
	struct forecast model;
	uint64_t longest_ns;
	struct image_identity identities[POLICY_MAX_IDENTITIES];
};

/*
 * Of a policy's body; NULL: the template with its defaults.  -EINVAL names the
 * key at fault, -E2BIG: more identities than there is room for.
 */
int policy_image_read(const struct json *body, struct policy_image *out);

/* -EINVAL: not what policy_image_read() makes. */
int policy_image_check(const struct policy_image *i);

/* Of one that was checked. */
void policy_image_digest(const struct policy_image *i,
			 char out[static DIGEST_HEX_LEN]);

#endif
