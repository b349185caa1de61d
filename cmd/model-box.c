/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/model-box.h"

#include <errno.h>
#include <unistd.h>

#include "base/err.h"

int model_box_enter(const struct opt_tool *tool, const struct sandbox *box)
{
	int rc = sandbox_enter(box);

	if (rc == -ENOTSUP && geteuid()) {
		cli_note(tool, "%s; going on without", err_text());
		return 0;
	}
	if (rc == -ENOTSUP)
		return err_set(ENOTSUP,
			       "what a model writes is not read by root "
			       "without a sandbox: %s, or run %s as an "
			       "ordinary user",
			       err_text(), tool->name);
	return rc;
}
