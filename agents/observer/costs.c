/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/observer/costs.h"

#include <stdlib.h>

#include "base/path.h"
#include "base/proc.h"

#define MAX_OUTPUT 4096
#define LIMIT_S	   10

struct json *observer_costs(void)
{
	char *path = path_libexec("measure-costs");
	char *const argv[] = {path, NULL};
	struct proc_spec spec = {.argv = argv,
				 .stdin_fd = -1,
				 .out_fd = -1,
				 .err_fd = -1,
				 .timeout_s = LIMIT_S};
	struct proc_result res = {0};
	struct json *v = NULL;
	struct buf out;

	buf_init(&out, MAX_OUTPUT);
	spec.out = &out;
	if (!proc_run(&spec, &res) && res.exit_status == 0 && out.len)
		v = json_parse(out.data, out.len);
	buf_release(&out);
	free(path);
	return v;
}
