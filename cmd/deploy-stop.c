/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy stop: back to the kernel's own scheduler. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agents/host/holder.h"
#include "agents/deployer/pinned.h"
#include "agents/attacher/setter.h"
#include "base/err.h"
#include "cmd/deploy.h"
#include "scx/ext.h"

static const struct opt options[] = {
	DEPLOY_JSON,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "take off what sched-deploy has put in place",
	.synopsis = "stop [OPTION...]",
	.options = options,
	.mixed = true,
};

/* What a killed one left; 1: there was something. */
static int clear(void)
{
	struct json *knobs = setter_in_force(false);
	struct setter s;
	int rc = knobs ? setter_clear(&s) : 0;

	if (!knobs)
		return 0;
	for (size_t i = 0; i < s.left.len; i++)
		cli_note(&tool, "left as it is: %s", s.left.v[i]);
	setter_release(&s);
	json_free(knobs);
	return rc ? rc : 1;
}

int deploy_stop(void)
{
	struct json *kernel;
	int rc = holder_stop(), cleared, pinned;
	bool enabled;

	if (rc && rc != -ESRCH)
		return rc;
	cleared = clear();
	if (cleared < 0)
		return cleared;
	pinned = pinned_end();
	if (pinned && pinned != -ESRCH)
		return pinned;
	kernel = ext_kernel_state();
	enabled = deploy_enabled(kernel);
	json_free(kernel);
	if (enabled)
		return err_set(EEXIST,
			       "a policy is attached, but not by sched-deploy: "
			       "end the program that holds it ('sched-deploy "
			       "status' names it)");
	return rc && !cleared && pinned;
}

static int stop(void)
{
	int rc = deploy_stop();

	if (rc < 0)
		return cli_fail(&tool, rc);
	if (rc)
		cli_note(&tool, "nothing is deployed");
	else if (!cli_wants_json(deploy_json))
		printf("the policy is detached\n");
	return rc ? CLI_NO : CLI_YES;
}

static int run(int argc, char **argv)
{
	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	return stop();
}

const struct cli_command deploy_stop_command = {
	.name = "stop",
	.purpose = "take off what sched-deploy has put in place",
	.tool = &tool,
	.run = run,
};
