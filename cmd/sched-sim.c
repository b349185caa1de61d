/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulator's commands; each parses its own options. */
#include "base/mem.h"
#include "cmd/sim.h"

static const struct cli_command *const commands[] = {
	&sim_run_command,
	&sim_exec,
	&sim_export,
	&sim_judge,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-sim", "the simulator of scheduling policies",
			    commands, ARRAY_LEN(commands), argc, argv);
}
