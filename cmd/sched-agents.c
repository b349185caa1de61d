/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows and steers the agent runtime; each command parses its own options. */
#include "base/mem.h"
#include "cmd/agents.h"

static const struct cli_command *const commands[] = {
	&agents_top,	&agents_queue, &agents_workers, &agents_metrics,
	&agents_policy, &agents_drain, &agents_cancel,	&agents_audit,
	&agents_start,	&agents_stop,  &agents_note,	&agents_file,
	&agents_sim,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-agents", "show and steer the agent runtime",
			    commands, ARRAY_LEN(commands), argc, argv);
}
