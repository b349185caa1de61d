/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy for many hosts, some of them first; each command parses its own
 * options. */
#include "base/mem.h"
#include "cmd/rollout.h"

static const struct cli_command *const commands[] = {
	&rollout_start_command,	 &rollout_status_command, &rollout_halt_command,
	&rollout_resume_command, &rollout_follow_command, &rollout_key_command,
	&rollout_prune_command,	 &rollout_sim_command,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-rollout",
			    "a verified policy for many hosts, some of them "
			    "first",
			    commands, ARRAY_LEN(commands), argc, argv);
}
