/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/input.h"

#include <errno.h>

bool input_pass_on(const struct opt_tool *tool, struct stream *s, int *status)
{
	const struct doc *d;
	int rc;

	while ((rc = stream_next(s, &d)) != 0) {
		if (rc == 1)
			continue;
		*status = cli_fail(tool, rc);
		if (rc != -EINVAL)
			return false;
	}
	return true;
}
