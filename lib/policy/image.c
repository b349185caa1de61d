/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "policy/image.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

int policy_image_check(const struct policy_image *i)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strnlen(i->name, sizeof(i->name));

	if (i->size != sizeof(*i) || i->whole > 1 ||
	    i->count > POLICY_MAX_IDENTITIES || len == sizeof(i->name) ||
	    strspn(i->name, harmless) != len || !len != !!i->whole)
		return err_set(EINVAL, "not what is put into an object");
	return 0;
}

void policy_image_digest(const struct policy_image *i,
			 char out[static DIGEST_HEX_LEN])
{
	digest_hex(i,
		   offsetof(struct policy_image, identities) +
			   i->count * sizeof(i->identities[0]),
		   out);
}
