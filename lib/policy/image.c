/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "policy/image.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "policy/model.h"
#include "policy/policy.h"

static bool fits_params(const struct policy_image *i)
{
	static const struct forecast none;

	return i->has_model == policy_params_predict(&i->params) &&
	       (i->has_model || !memcmp(&i->model, &none, sizeof(none)));
}

int policy_image_check(const struct policy_image *i)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strnlen(i->name, sizeof(i->name));

	if (i->size != sizeof(*i) || i->whole > 1 ||
	    i->count > POLICY_MAX_IDENTITIES || len == sizeof(i->name) ||
	    strspn(i->name, harmless) != len || !len != !!i->whole ||
	    !fits_params(i))
		return err_set(EINVAL, "not what is put into an object");
	return i->has_model ? policy_model_check(&i->model) : 0;
}

void policy_image_digest(const struct policy_image *i,
			 char out[static DIGEST_HEX_LEN])
{
	digest_hex(i,
		   offsetof(struct policy_image, identities) +
			   i->count * sizeof(i->identities[0]),
		   out);
}
