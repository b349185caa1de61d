/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of a test's own, and whom it trusts. */
#ifndef SCHEDKIT_TESTS_TRUST_FIX_H
#define SCHEDKIT_TESTS_TRUST_FIX_H

#include <string.h>

#include "crypt/sign.h"
#include "trust/store.h"

/* Until then; KEY_NEVER: for ever. */
static inline void trust_this(struct trust *t, const struct sign_key *key,
			      const char *expires)
{
	struct key_info k = {0};

	strcpy(k.id, sign_key_public(key));
	strcpy(k.expires, expires);
	trust_add_key(t, &k);
}

#endif
