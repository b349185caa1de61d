/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a person asks for in plain words; apart, for it needs no proposer. */
#include <errno.h>
#include <string.h>

#include "agents/proposer/proposer.h"
#include "base/err.h"
#include "doc/utf8.h"

int proposer_wish(const char *wish)
{
	size_t len = strlen(wish);

	if (!wish[strspn(wish, " ")])
		return err_set(EINVAL, "the wish has no words");
	if (len > PROPOSER_WISH_MAX)
		return err_set(EINVAL, "the wish is longer than %d bytes",
			       PROPOSER_WISH_MAX);
	if (!utf8_valid(wish, len))
		return err_set(EINVAL, "the wish is not UTF-8");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)wish[i];
		unsigned char next = (unsigned char)wish[i + 1];

		/* C0, DEL and C1. */
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return err_set(EINVAL,
				       "the wish has a control character at "
				       "byte %zu",
				       i + 1);
	}
	return 0;
}
